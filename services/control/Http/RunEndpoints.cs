using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Commands;
using SelfRewarding.Control.Lineage;

namespace SelfRewarding.Control.Http;

/// <summary>The log and its read models for programs and for the page: what the commands read, by the same code, as JSON.</summary>
internal static class RunEndpoints
{
    private const int UsualPage = 50;
    private const int LargestPage = 200;

    public static void MapRuns(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/runs", RunsAsync);
        app.MapGet("/api/runs/{run}", RunAsync);
        app.MapGet("/api/runs/{run}/training/{model}", TrainingAsync);
        app.MapGet("/api/runs/{run}/prompts", PromptsAsync);
        app.MapGet("/api/runs/{run}/pairs", PairsAsync);
        app.MapGet("/api/runs/{run}/events", RunEvents.FollowAsync).RequireRateLimiting(Limits.Events);
        app.MapGet("/api/lineage/{**id}", LineageAsync);
    }

    /// <summary>A number that a request gives, or the usual one.</summary>
    /// <exception cref="RequestException">It is none, or out of range.</exception>
    public static long Number(string name, string? text, long usual, long least, long most)
    {
        if (string.IsNullOrEmpty(text))
            return usual;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new RequestException($"{name} is '{text}', expected {least}{(most == long.MaxValue ? " or more" : $" to {most}")}.");
    }

    private static async Task<RunList> RunsAsync(ServedLog served, CancellationToken cancellationToken)
    {
        await using var lease = await served.UseAsync(cancellationToken);
        var behind = await lease.Log.ReadModels.CatchUpAsync(cancellationToken);
        return new RunList(await lease.Log.ReadModels.RunsAsync(cancellationToken), behind);
    }

    private static async Task<RunReport> RunAsync(string run, ServedLog served, CancellationToken cancellationToken)
    {
        await using var lease = await served.UseAsync(cancellationToken);
        var behind = await lease.Log.ReadModels.CatchUpAsync(cancellationToken);
        var names = (await lease.Log.ReadModels.RunsAsync(cancellationToken)).Select(listing => listing.Run).ToList();
        var (summary, position) = await lease.Log.ReadModels.SummaryOfAsync(Known.Run(run, names), cancellationToken);
        return RunReport.Of(summary, position, behind);
    }

    private static async Task<TrainingCurve> TrainingAsync(string run, string model, string? after, ServedLog served, CancellationToken cancellationToken)
    {
        var passed = Number("after", after, 0, 0, int.MaxValue);
        await using var lease = await served.UseAsync(cancellationToken);
        var ancestry = await AncestryAsync(lease.Log, run, cancellationToken);
        var names = ModelNames.All(ancestry.Start.Settings.Iterations);
        if (!names.Contains(model))
            throw new UserException($"Run '{run}' has no model {model}, expected one of {string.Join(", ", names)}.");
        var training = await lease.Log.Log.ReadAsync(await lease.Log.Runs.TrainingStreamAsync(run, model, cancellationToken), cancellationToken);
        // After a crash training goes on from the last checkpoint: what comes again replaces what was.
        var steps = new SortedDictionary<int, TrainingPoint>();
        foreach (var step in training.OfType<TrainingStepped>().Where(step => step.Step > passed))
            steps[step.Step] = TrainingPoint.Of(step);
        return new TrainingCurve(run, model, training.OfType<TrainingStarted>().FirstOrDefault()?.Steps, [.. steps.Values]);
    }

    private static Task<Page<PromptLine>> PromptsAsync(string run, string? iteration, string? after, string? limit, ServedLog served, CancellationToken cancellationToken) =>
        PageAsync<PromptLine>(run, iteration, after, limit, served, (number, ordinal, history) => [PromptLine.Of(run, number, ordinal, history)], cancellationToken);

    private static Task<Page<PairLine>> PairsAsync(string run, string? iteration, string? after, string? limit, ServedLog served, CancellationToken cancellationToken) =>
        PageAsync(run, iteration, after, limit, served, (number, ordinal, history) => PairLine.Of(run, number, ordinal, history), cancellationToken);

    private static async Task<Page<T>> PageAsync<T>(
        string run, string? iteration, string? after, string? limit, ServedLog served, Func<int, int, Hosting.PromptHistory, IEnumerable<T>> lines, CancellationToken cancellationToken)
    {
        var (number, passed, most) = ((int)Number("iteration", iteration, 1, 1, int.MaxValue), (int)Number("after", after, -1, -1, int.MaxValue - 1), (int)Number("limit", limit, UsualPage, 1, LargestPage));
        await using var lease = await served.UseAsync(cancellationToken);
        Known.Iteration(await AncestryAsync(lease.Log, run, cancellationToken), number);
        return await PromptPages.ReadAsync(lease.Log, run, number, passed, most, (ordinal, history) => lines(number, ordinal, history), cancellationToken);
    }

    private static async Task<LineageNode> LineageAsync(string id, ServedLog served, CancellationToken cancellationToken)
    {
        await using var lease = await served.UseAsync(cancellationToken);
        return await LineageTree.OfAsync(lease.Log, id, measure: false, cancellationToken);
    }

    private static async Task<Ancestry> AncestryAsync(LogReader log, string run, CancellationToken cancellationToken) =>
        await log.Catalog.AncestryOfAsync(Known.Run(run, await log.Runs.NamesAsync(cancellationToken)), cancellationToken);
}
