using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// Forward passes of a model in training, and the way back through them. With activation checkpointing (Chen et al. 2016, arXiv 1604.06174) a pass keeps what each layer
/// read and nothing else; on the way back a layer computes again what its gradient needs, one layer at a time. That costs one forward pass more and gives the same
/// gradients: kernels give the same bits again, and dropout is drawn from its key.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="checkpointActivations">Whether to keep what layers read instead of all that they computed.</param>
public sealed class TrainingPasses(Llama model, bool checkpointActivations = false) : IDisposable
{
    private readonly List<Pass> _passes = [];

    /// <summary>The model.</summary>
    public Llama Model => model;

    /// <summary>Hidden states after the last norm, (R, d), as <see cref="Llama.Forward(Tensor, SequenceLayout, DropoutKey?)"/> has them. The batch must live until the way back.</summary>
    public Tensor Forward(SequenceBatch batch, DropoutKey? dropout)
    {
        if (!checkpointActivations) return model.Forward(batch.Ids, batch.Layout, dropout);
        var pass = new Pass(model, batch, dropout);
        _passes.Add(pass);
        return model.Norm(pass.Output);
    }

    /// <summary>Adds the gradients of a scalar that was made of these passes, all of them, to those of the model's parameters. A pass is gone through once.</summary>
    public void Backward(Tensor loss)
    {
        loss.backward();
        foreach (var pass in _passes) pass.Backward();
        Dispose();
    }

    /// <summary>Frees what passes keep that nobody went back through.</summary>
    public void Dispose()
    {
        foreach (var pass in _passes) pass.Dispose();
        _passes.Clear();
    }

    /// <summary>What one pass keeps: the input of each layer and, as a leaf that gradients gather at, the output of the last.  (R, d) each</summary>
    private sealed class Pass : IDisposable
    {
        private readonly Llama _model;
        private readonly SequenceBatch _batch;
        private readonly DropoutKey? _dropout;
        private readonly List<Tensor> _states = [];

        public Pass(Llama model, SequenceBatch batch, DropoutKey? dropout)
        {
            (_model, _batch, _dropout) = (model, batch, dropout);
            using (torch.no_grad())
            {
                _states.Add(model.Embed(batch.Ids).DetachFromDisposeScope());
                for (var layer = 0; layer < model.Config.NumHiddenLayers; layer++)
                    _states.Add(model.Layer(layer, _states[^1], batch.Layout, dropout).DetachFromDisposeScope());
            }

            Output.requires_grad = true;
        }

        public Tensor Output => _states[^1];

        public void Backward()
        {
            if (Output.grad is not { } gradient) return; // nothing was made of this pass
            for (var layer = _model.Config.NumHiddenLayers - 1; layer >= 0; layer--)
            {
                using var scope = torch.NewDisposeScope();
                Drop();
                var input = _states[^1].requires_grad_(true);
                Backward(_model.Layer(layer, input, _batch.Layout, _dropout), gradient);
                gradient.Dispose();
                gradient = input.grad!.MoveToOuterDisposeScope();
                input.grad = null;
            }

            using (torch.NewDisposeScope())
            {
                var embedded = _model.Embed(_batch.Ids);
                if (embedded.requires_grad) Backward(embedded, gradient);
            }

            gradient.Dispose();
        }

        public void Dispose()
        {
            while (_states.Count > 0) Drop();
        }

        private void Drop()
        {
            _states[^1].Dispose();
            _states.RemoveAt(_states.Count - 1);
        }

        // The derivative of sum(y * g) by y is g: what comes from above goes on downward.
        private static void Backward(Tensor output, Tensor gradient) => (output * gradient).sum().backward();
    }
}
