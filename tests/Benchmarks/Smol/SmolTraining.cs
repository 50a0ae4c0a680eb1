using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>Steps of preference training on pairs of random tokens, by the parts that the recipe uses; the reference's log-probabilities are there before, as in a run.</summary>
internal sealed class SmolTraining : IDisposable
{
    private readonly BatchGradients _gradients;
    private readonly AdamW _optimizer;
    private readonly IReadOnlyList<PreferenceExample> _batch;

    /// <param name="model">Its adapter is trained where it has one, or else all of its weights.</param>
    /// <param name="pairs">In a batch.</param>
    /// <param name="prompt">Tokens of a prompt.</param>
    /// <param name="response">Tokens of each of its two answers.</param>
    /// <param name="train">How the batch goes through; null takes the usual settings.</param>
    public SmolTraining(Llama model, int pairs, int prompt, int response, TrainSettings? train = null)
    {
        var learned = model.Adapter?.Parameters ?? model.Parameters;
        learned.RequireGradients(true);
        train ??= new();
        _gradients = new BatchGradients(model, train.MicroBatch, train.CheckpointActivations);
        _optimizer = new AdamW(learned, new AdamWParameters());
        _batch = [.. Enumerable.Range(0, pairs).Select(i => new PreferenceExample(Sequence(2 * i), Sequence((2 * i) + 1), -1400, -1400))];

        TrainingSequence Sequence(int ordinal) => new(SmolModel.Tokens(prompt, ordinal / 2), SmolModel.Tokens(response, 1000 + ordinal));
    }

    /// <summary>One step: tokens, operations (the way back takes twice the forward pass) and seconds.</summary>
    public (double Tokens, double Operations, double Seconds) Step()
    {
        var clock = Stopwatch.StartNew();
        _gradients.Preference(_batch, new DpoParameters());
        _optimizer.Step(1e-6);
        var seconds = clock.Elapsed.TotalSeconds;
        var sequences = _batch.SelectMany(pair => (TrainingSequence[])[pair.Chosen, pair.Rejected]).ToList();
        var operations = 3 * sequences.Sum(sequence => SmolModel.Operations(sequence.Length, SmolModel.Seen(sequence.Length), sequence.Response.Length));
        return (sequences.Sum(sequence => sequence.Length), operations, seconds);
    }

    public void Dispose() => _optimizer.Dispose();
}
