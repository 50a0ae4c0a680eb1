namespace SelfRewarding.Contracts;

/// <summary>Some stages of a prompt that one run's stream holds.</summary>
/// <param name="Owner">The run whose stream it is.</param>
/// <param name="Shared">Stages before them, which are not in that stream: stage − shared = version.</param>
/// <param name="ToStage">The last of the stages.</param>
public sealed record PromptSegment(string Owner, int Shared, int ToStage);

/// <summary>
/// Whose streams hold what of a run. A run that began at M0 owns all of it. A fork owns what it does anew; what was before that belongs to the
/// run that it comes from, which may be a fork itself. Nothing is ever copied.
/// </summary>
public sealed class Ancestry
{
    private readonly IReadOnlyList<RunStarted> _chain;

    /// <param name="chain">The first event of the run, of the run that it comes from, and so on, up to one that began at M0.</param>
    public Ancestry(IReadOnlyList<RunStarted> chain)
    {
        ArgumentOutOfRangeException.ThrowIfZero(chain.Count, nameof(chain));
        if (chain.FirstOrDefault(run => run.Origin is { Iteration: < 1 }) is { } odd)
            throw new ArgumentException($"Run '{odd.Run}' comes from iteration {odd.Origin!.Iteration} of '{odd.Origin.Parent}', expected 1 or more.", nameof(chain));
        for (var i = 0; i < chain.Count; i++)
        {
            var (expected, actual) = (chain[i].Origin?.Parent, i + 1 < chain.Count ? chain[i + 1].Run : null);
            if (expected != actual)
                throw new ArgumentException($"Run '{chain[i].Run}' comes from '{expected ?? "M0"}', but what follows it is '{actual ?? "nothing"}'.", nameof(chain));
        }

        _chain = chain;
    }

    /// <summary>The run's own first event.</summary>
    public RunStarted Start => _chain[0];

    /// <summary>The first event of the run that began at M0; seed data and the models up to M1 are its.</summary>
    public RunStarted Root => _chain[^1];

    /// <summary>The run, the run that it comes from, and so on.</summary>
    public IReadOnlyList<RunStarted> Chain => _chain;

    /// <summary>How many models, from M0 on, are shared with the run that this one comes from.</summary>
    public int SharedModels => SharedModelsOf(Start);

    /// <summary>Stages of this iteration's prompts (0 to 4) that are shared.</summary>
    public int SharedStages(int iteration) => SharedStagesOf(Start, iteration);

    /// <summary>Prompts that the iteration was planned with.</summary>
    public int Planned(int iteration) => SettingsOf(iteration, PromptStage.Settled).Prompts.PerIteration;

    /// <summary>The streams that hold an iteration's prompts, oldest stages first; all stages together are 1 to 4.</summary>
    public IReadOnlyList<PromptSegment> Prompts(int iteration)
    {
        var segments = new List<PromptSegment>();
        var to = PromptStage.Settled;
        foreach (var run in _chain.TakeWhile(_ => to > 0))
        {
            var shared = SharedStagesOf(run, iteration);
            if (shared < to)
                segments.Add(new PromptSegment(run.Run, shared, to));
            to = Math.Min(to, shared);
        }

        segments.Reverse();
        return segments;
    }

    /// <summary>The settings by which a stage of an iteration's prompts is done: those of the run that does it.</summary>
    public RunSettings SettingsOf(int iteration, int stage) => _chain.First(run => SharedStagesOf(run, iteration) < stage).Settings;

    /// <summary>The settings by which a model is made: those of the run that makes it.</summary>
    public RunSettings SettingsOf(string model) => MakerOf(model).Settings;

    /// <summary>The run that made a model, and has its training and evaluation streams.</summary>
    public string OwnerOf(string model) => MakerOf(model).Run;

    /// <summary>The version in the run's own stream at which a model of its own is published.</summary>
    public int PublishedVersion(string model) => RunStage.Published(model, Start.Settings.Iterations) - SharedModels;

    /// <summary>The version in the run's own stream that ends it.</summary>
    public int EndedVersion => RunStage.Ended(Start.Settings.Iterations) - SharedModels;

    private RunStarted MakerOf(string model) => _chain.First(run => IndexOf(model) >= SharedModelsOf(run));

    private static int SharedStagesOf(RunStarted run, int iteration) =>
        run.Origin is not { } origin || iteration > origin.Iteration ? 0 : iteration < origin.Iteration ? PromptStage.Settled : (int)origin.From;

    // M0, SFT and M1 to M(k): the fork's first iteration, k, samples from the last of them.
    private static int SharedModelsOf(RunStarted run) => run.Origin is { } origin ? IndexOf(ModelNames.OfIteration(origin.Iteration)) + 1 : 0;

    private static int IndexOf(string model) => model switch { ModelNames.Base => 0, ModelNames.Baseline => 1, _ => ModelNames.Iteration(model)!.Value + 1 };
}
