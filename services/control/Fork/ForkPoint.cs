using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Fork;

/// <summary>Whether a run has come as far as a fork would share.</summary>
public static class ForkPoint
{
    /// <summary>Looks the point up in the log.</summary>
    /// <exception cref="UserException">The run never reached it.</exception>
    public static async Task CheckAsync(RunLog log, RunStarted parent, RunOrigin origin, CancellationToken cancellationToken)
    {
        var (run, iteration, iterations) = (origin.Parent, origin.Iteration, parent.Settings.Iterations);
        if (iteration < 1 || iteration > iterations)
            throw new UserException($"--at {iteration}: run '{run}' has {iterations} iterations, expected 1 to {iterations}.");

        var published = (await log.ReadRunAsync(run, cancellationToken)).OfType<ModelPublished>().Select(model => model.Model.Name).ToHashSet(StringComparer.Ordinal);
        var needed = ModelNames.All(iterations).TakeWhile(name => ModelNames.Iteration(name) is not { } n || n <= iteration).ToList();
        if (needed.Find(name => !published.Contains(name)) is { } missing)
            throw new UserException($"--at {iteration}: run '{run}' has not published {missing} yet; let it go on ('selfreward resume {run}'), or fork from an earlier iteration.");
        foreach (var name in needed)
        {
            if (!await log.IsEvaluatedAsync(run, name, cancellationToken))
                throw new UserException($"--at {iteration}: {name} of run '{run}' is not measured yet; let it go on ('selfreward resume {run}').");
        }

        var (planned, reached) = (0, 0);
        await foreach (var history in log.ReadIterationAsync(run, iteration, cancellationToken))
        {
            planned++;
            if (history.Outcome is not null || history.Version >= (int)origin.From)
                reached++;
        }

        if (reached < planned && origin.From != ForkStage.Prompts)
        {
            var stage = (ForkStage)((int)origin.From - 1);
            throw new UserException($"--from {ForkRules.InWords(origin.From)}: iteration {iteration} of run '{run}' has {ForkRules.InWords(stage)} for {reached} of {planned} prompts; let it go on ('selfreward resume {run}'), or fork from an earlier stage.");
        }
    }
}
