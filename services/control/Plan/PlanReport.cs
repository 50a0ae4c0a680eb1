using SelfRewarding.Contracts;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Plan;

/// <summary>An estimate in lines.</summary>
public static class PlanReport
{
    // Of the time that the broker gives a message: this machine may not be the slowest.
    private const double MessageMayTake = 2 / 3.0;

    /// <summary>Tokens, memory and disk.</summary>
    public static IEnumerable<string> Of(PlannedRun run, TokenPlan tokens, MemoryNeed memory, long there, DiskNeed disk, long free)
    {
        var settings = run.Settings;
        yield return $"Preset {settings.Preset}: {settings.Iterations} iterations of {Figures.Count(settings.Prompts.PerIteration)} prompts, with a model of {Figures.Count(MemoryNeed.Elements(run.Config))} numbers and a context of {Figures.Count(run.Context)} tokens.";
        yield return "";
        yield return Row("Generating", "texts", "tokens read", "written at most");
        foreach (var work in tokens.Generated)
            yield return Row("  " + work.What + (work.Server ? " (by a server)" : ""), Figures.Count(work.Texts), Figures.Count(work.Read), Figures.Count(work.Written));
        yield return "";
        yield return Row("Training", "steps", "tokens", "");
        foreach (var model in tokens.Trained)
            yield return Row("  " + model.Model, (model.IsExact ? "" : "at most ") + Figures.Count(model.Steps), (model.IsExact ? "" : "at most ") + Figures.Count(model.Tokens), model.ReferenceTokens > 0 ? $"reference {Figures.Count(model.ReferenceTokens)}" : "");
        if (tokens.Generated.Any(work => work.What == TokenPlan.AnswersOfCheckpoints))
            yield return $"Trainings on pairs may stop before that: checkpoints {Figures.Count(settings.Dpo.EarlyStopping.Every)} steps apart are compared on {Figures.Count(run.Validation.Count)} prompts.";
        if (settings.Prompts.Source == "model")
            yield return "Counted with one draft a prompt: each further one costs as much again.";
        yield return "";
        yield return $"Memory: a worker that generates {Figures.Gibibytes(memory.Generating)} (up to three models of {Figures.Gibibytes(memory.Weights)} with a cache of {Figures.Gibibytes(memory.Cache)}); the worker that trains {Figures.Gibibytes(memory.Training)} "
            + $"({Figures.Gibibytes(memory.State)} for weights, gradients and moments, {Figures.Gibibytes(memory.Activations)} for {Figures.Count(run.LargestPart)} tokens at once); {(memory.IsOneProcess ? "all in one process" : "the larger of the two")} {Figures.Gibibytes(memory.Most)} of {Figures.Gibibytes(there)}.";
        yield return $"Disk: {Figures.Gibibytes(disk.Bytes)} of {Figures.Gibibytes(free)} that are free: models {Figures.Gibibytes(disk.Models)}, checkpoints {Figures.Gibibytes(disk.Checkpoints)}, log about {Figures.Gibibytes(disk.Log)}.";
    }

    /// <summary>The sentence that refuses for want of disk; null where there is enough.</summary>
    public static string? DiskProblem(DiskNeed disk, long free) => disk.Bytes <= free ? null
        : $"This needs {Figures.Gibibytes(disk.Bytes)} of disk, and {Figures.Gibibytes(free)} are free: give a folder elsewhere (--data), fewer iterations (--iterations), or fewer prompts (--prompts).";

    /// <summary>The time, and what it was worked out from.</summary>
    public static string Time(Speed speed, TokenPlan tokens) =>
        $"Time: about {Hours(speed.For(tokens))} on this machine with one worker of each kind, were every text to run to its limit (measured just now: {Figures.Rate(speed.Read)} read, {Figures.Rate(speed.Written)} written, {Figures.Rate(speed.Trained)} trained)"
        + (tokens.Generated.Any(work => work.Server) ? "; what servers do is not in it." : ".");

    /// <summary>
    /// The sentence about messages of the judge's queue that a broker may take back before they are done, because comparisons of judgements make them long; null where there is time enough, or servers judge and nobody knows.
    /// </summary>
    /// <param name="atOnce">Messages that a worker takes at once: they share its slots, so each may take as long as all.</param>
    /// <param name="takenBackAfter">How long the broker waits for a message to be done.</param>
    public static string? LongMessages(RunSettings settings, TokenPlan tokens, Speed speed, int atOnce, TimeSpan takenBackAfter)
    {
        var each = speed.For(tokens.OfJudging(settings));
        if (each * atOnce <= MessageMayTake * takenBackAfter)
            return null;
        var comparisons = settings.Judge.MetaIterations is null ? "" : $" and {Figures.Count(settings.Judge.Count * (settings.Judge.Count - 1))} comparisons";
        var few = (int)(MessageMayTake * takenBackAfter / each);
        return $"A message of the judge's queue is {Figures.Count(settings.Candidates.Count * settings.Judge.Count)} judgements{comparisons}: {atOnce} at once, as a worker takes them, may take {Hours(each * atOnce)}, and RabbitMQ takes a message back that is not done after {Hours(takenBackAfter)}, unless its consumer_timeout is another: "
            + (few > 0 ? $"SELFREWARD_PREFETCH={few} for the judges would do." : "set SELFREWARD_PREFETCH=1 for the judges, and a longer consumer_timeout.");
    }

    private static string Hours(TimeSpan time) => time.TotalHours >= 1 ? $"{Figures.Number(time.TotalHours, "#,0.0")} hours" : $"{Figures.Number(time.TotalMinutes, "0.0")} minutes";

    private static string Row(string what, string first, string second, string third) => $"{what,-36}{first,18}{second,24}{third,26}".TrimEnd();
}
