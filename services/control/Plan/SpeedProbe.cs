using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Plan;

/// <summary>Tokens a second, as measured.</summary>
public sealed record Speed(double Read, double Written, double Trained)
{
    /// <summary>Time for what the run's own models do: it reads and writes, trains, and reads once more as the reference.</summary>
    public TimeSpan For(TokenPlan plan) => TimeSpan.FromSeconds(
        ((plan.Own.Read + plan.Trained.Sum(model => model.ReferenceTokens)) / Read) + (plan.Own.Written / Written) + (plan.Trained.Sum(model => model.Tokens) / Trained));

    /// <summary>Time for tokens that are read and others that are written.</summary>
    public TimeSpan For((double Read, double Written) tokens) => TimeSpan.FromSeconds((tokens.Read / Read) + (tokens.Written / Written));
}

/// <summary>Measures for some seconds how fast this machine reads, writes and trains with the run's own model.</summary>
public static class SpeedProbe
{
    private const int Slots = 64, MostRead = 512, MostTrained = 2_048, Steps = 24;
    private const double Work = 5e11; // floating-point operations of one round: some seconds on two cores
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(4);

    /// <summary>Measures; the weights are changed by it, so the model is of no use afterwards.</summary>
    /// <param name="loaded">The model.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="length">Tokens of a usual sequence.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<Speed> MeasureAsync(LoadedModel loaded, RunSettings settings, int length, CancellationToken cancellationToken)
    {
        var (context, forward) = (loaded.Model.Config.MaxPositionEmbeddings, 2.0 * loaded.Model.Parameters.Elements); // operations of a token
        var prompt = Ids(loaded, Math.Clamp(Math.Min(length, (int)(Work / forward)), 8, Math.Min(MostRead, context / 2)));
        double read, written;
        await using (var engine = new GenerationEngine(loaded, new GenerationEngineOptions(Slots)))
        {
            await GenerateAsync(engine, prompt, 1, 1, cancellationToken); // warms up
            var (prompts, reading) = await RepeatAsync(() => GenerateAsync(engine, prompt, 1, 1, cancellationToken));
            read = prompts * prompt.Length / reading.TotalSeconds;
            var steps = Math.Clamp((int)(Work / forward / Slots), 2, Math.Min(Steps, context - prompt.Length - 1));
            var (rounds, writing) = await RepeatAsync(() => GenerateAsync(engine, prompt, Slots, steps, cancellationToken));
            // The prompt is read once a round; and its last row already gives the first token.
            var decoding = Math.Max(writing.TotalSeconds / 2, writing.TotalSeconds - (rounds * prompt.Length / read));
            written = rounds * (double)Slots * steps / decoding;
        }

        return new(read, written, Train(loaded, settings, prompt));
    }

    private static double Train(LoadedModel loaded, RunSettings settings, int[] ids)
    {
        var model = loaded.Model;
        using var adapter = settings.Lora.Figures() is { } lora ? LoraAdapter.Create(model.Config, lora, seed: 1) : null;
        model.Adapter = adapter;
        var learned = adapter?.Parameters ?? model.Parameters;
        learned.RequireGradients(true);
        using var optimizer = new AdamW(learned, new AdamWParameters());
        var most = Math.Clamp((int)(Work / (6.0 * model.Parameters.Elements)), ids.Length, MostTrained); // forward, and twice that backward
        var size = Math.Clamp(most / ids.Length, 1, settings.Sft.Batch);
        var gradients = new BatchGradients(model, settings.Train.MicroBatch, settings.Train.CheckpointActivations);
        var half = ids.Length / 2;
        TrainingSequence[] batch = [.. Enumerable.Repeat(new TrainingSequence(ids[..half], ids[half..]), size)];
        void Step()
        {
            gradients.Supervised(batch, settings.Sft.Dropout > 0 ? new DropoutKey(settings.Sft.Dropout, 1) : null);
            optimizer.Step(0);
        }

        Step(); // warms up
        var clock = Stopwatch.StartNew();
        var steps = 0;
        do
        {
            Step();
            steps++;
        }
        while (clock.Elapsed < Enough);
        model.Adapter = null;
        return steps * (double)size * ids.Length / clock.Elapsed.TotalSeconds;
    }

    private static async Task<(int Rounds, TimeSpan Elapsed)> RepeatAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        var rounds = 0;
        do
        {
            await work();
            rounds++;
        }
        while (clock.Elapsed < Enough);
        return (rounds, clock.Elapsed);
    }

    // No token ends these texts, so that their lengths are known.
    private static Task<IReadOnlyList<Completion>> GenerateAsync(GenerationEngine engine, int[] prompt, int samples, int tokens, CancellationToken cancellationToken) => engine.GenerateAsync(
        new GenerationRequest(prompt, [.. Enumerable.Range(0, samples).Select(sample => (ulong)sample)], new SamplingParameters(1, 1, 0, tokens, StopIds: [])), cancellationToken);

    private static int[] Ids(LoadedModel loaded, int length) => [.. Enumerable.Range(0, length).Select(i => (int)(((i * 7919L) + 17) % loaded.Model.Config.VocabSize))];
}
