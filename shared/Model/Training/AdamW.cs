using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>Figures of AdamW. Clipping is by global norm; 0 is off.</summary>
public sealed record AdamWParameters(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0.01, double MaxGradNorm = 1.0);

/// <summary>
/// AdamW with decoupled weight decay (Loshchilov &amp; Hutter 2019, arXiv 1711.05101) over a model's named parameters; the arithmetic is PyTorch's.
/// State is kept by parameter name, so that it can be saved beside the weights and found again.
/// </summary>
public sealed class AdamW : IDisposable
{
    private const string StepKey = "step", FirstMoment = "exp_avg.", SecondMoment = "exp_avg_sq.";

    private readonly IReadOnlyList<KeyValuePair<string, torch.Tensor>> _parameters;
    private readonly Dictionary<string, torch.Tensor> _first = [], _second = [];
    private readonly AdamWParameters _figures;

    /// <summary>Zero moments for every parameter.</summary>
    public AdamW(IEnumerable<KeyValuePair<string, torch.Tensor>> parameters, AdamWParameters figures)
    {
        _parameters = [.. parameters];
        _figures = figures;
        foreach (var (name, parameter) in _parameters)
        {
            _first[name] = torch.zeros_like(parameter);
            _second[name] = torch.zeros_like(parameter);
        }
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Clips the gradients that <c>backward</c> left, takes one step, and clears them.</summary>
    /// <returns>The global gradient norm before clipping.</returns>
    public double Step(double learningRate)
    {
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var norm = Math.Sqrt(_parameters.Where(parameter => parameter.Value.grad is not null).Sum(parameter => Kernels.SquaredNorm(parameter.Value.grad!)));
        if (!double.IsFinite(norm))
            throw new InvalidOperationException($"The gradient norm of step {Steps + 1} is {norm}: nothing was changed. Lower the learning rate, or clip earlier (max_grad_norm).");
        // PyTorch's clip_grad_norm_: scale by max_norm / (norm + 1e-6) where that is below 1.
        var scale = _figures.MaxGradNorm > 0 ? Math.Min(1, _figures.MaxGradNorm / (norm + 1e-6)) : 1;
        Steps++;
        foreach (var (name, parameter) in _parameters)
        {
            if (parameter.grad is not { } gradient)
                continue;
            Kernels.AdamW(
                parameter, gradient, _first[name], _second[name], Steps, learningRate,
                _figures.Beta1, _figures.Beta2, _figures.Epsilon, _figures.WeightDecay, scale);
            gradient.zero_();
        }

        return norm;
    }

    /// <summary>Writes the state as safetensors: <c>exp_avg.*</c>, <c>exp_avg_sq.*</c> and <c>step</c>.</summary>
    /// <returns>The file's SHA-256, in hex.</returns>
    public string Save(string path)
    {
        using var step = torch.tensor([Steps], [1L]);
        var state = new List<KeyValuePair<string, torch.Tensor>> { new(StepKey, step) };
        state.AddRange(_first.Select(pair => KeyValuePair.Create(FirstMoment + pair.Key, pair.Value)));
        state.AddRange(_second.Select(pair => KeyValuePair.Create(SecondMoment + pair.Key, pair.Value)));
        return SafeTensors.Write(path, state);
    }

    /// <summary>Reads the state that <see cref="Save"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file lacks a parameter's state, or holds one of another shape.</exception>
    public void Load(string path)
    {
        using var file = SafeTensors.Open(path);
        using var off = torch.no_grad();
        foreach (var (name, _) in _parameters)
        {
            Restore(file, FirstMoment + name, _first[name]);
            Restore(file, SecondMoment + name, _second[name]);
        }

        using var step = file.Read(StepKey);
        Steps = step.data<long>().ToArray()[0];
    }

    public void Dispose()
    {
        foreach (var tensor in _first.Values.Concat(_second.Values))
            tensor.Dispose();
    }

    private static void Restore(SafeTensors file, string name, torch.Tensor into)
    {
        using var saved = file.Read(name);
        if (!saved.shape.SequenceEqual(into.shape))
            throw new CheckpointException($"Optimiser state '{name}' has shape [{string.Join(", ", saved.shape)}], expected [{string.Join(", ", into.shape)}]: the checkpoint is of another model.");
        into.copy_(saved);
    }
}
