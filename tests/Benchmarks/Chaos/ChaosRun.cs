using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Up;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>What is disturbed, and how.</summary>
/// <param name="Run">The run's name.</param>
/// <param name="Arguments">Of <c>selfreward run</c>.</param>
/// <param name="Up">More arguments of <c>selfreward up</c>.</param>
/// <param name="Facts">How many facts there are in a quiet run beside those of the evaluations: the kills are spread over so many.</param>
internal sealed record ChaosPlan(string Run, IReadOnlyList<string> Arguments, IReadOnlyList<string> Up, int Facts, int Kills, int Seed);

/// <summary>What was done to a run that came to its end all the same.</summary>
/// <param name="Kills">Those after which the run was not finished yet.</param>
/// <param name="Late">Those that came too late to disturb anything.</param>
/// <param name="Failed">Messages that workers gave up; they are in error queues.</param>
internal sealed record ChaosFigures(IReadOnlyDictionary<KillKind, int> Kills, int Late, int Copied, int Reordered, int Restarts, long Failed, TimeSpan Elapsed);

/// <summary>
/// A run over a real RabbitMQ and PostgreSQL, its workers processes that <c>selfreward up</c> keeps alive, while those and both servers are killed and messages come twice
/// and in another order. When what happens is said by the log's progress: after so many new facts there is the next kill, so that there always is something to kill in.
/// </summary>
/// <param name="data">An empty data folder.</param>
/// <param name="tell">Is told of each kill.</param>
internal sealed class ChaosRun(string data, ChaosPlan plan, Action<string> tell)
{
    private const int FactsBetweenTurns = 4;

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<KillKind, int> _kills = [];
    private int _late;

    /// <summary>Brings the run to its end.</summary>
    /// <exception cref="BenchmarkFailedException">It does not come to its end.</exception>
    public async Task<ChaosFigures> RunAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await using var up = await StartAsync("up", ["up", "--data", data, "--plain", .. plan.Up], cancellationToken);
        using (var look = new PeriodicTimer(_look))
        {
            while (DataFolder.FindUp(data) is not { IsReady: true })
            {
                if (up.Ended.IsCompleted)
                    throw Failed("'selfreward up' did not come up", "up");
                await look.WaitForNextTickAsync(cancellationToken);
            }
        }

        var random = new Random(plan.Seed);
        var duplicator = new Duplicator(DataFolder.FindUp(data)!.RabbitMq, random);
        await duplicator.TurnAsync(cancellationToken);
        await using var run = await StartAsync("run", plan.Arguments, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = run.Ended.ContinueWith(_ => either.Cancel(), TaskScheduler.Default);
        try
        {
            await DisturbAsync(duplicator, random, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The run has ended, one way or the other.
        }

        var code = await run.Ended.WaitAsync(cancellationToken);
        await ended;
        if (code != 0)
            throw Failed($"'selfreward run' ended with exit code {code}", "run");
        var parts = DataFolder.FindUp(data)!.Parts;
        return new ChaosFigures(_kills, _late, duplicator.Copied, duplicator.Reordered, parts.Sum(part => part.Restarts), await FailedMessagesAsync(cancellationToken), Stopwatch.GetElapsedTime(started));
    }

    private async Task DisturbAsync(Duplicator duplicator, Random random, CancellationToken cancellationToken)
    {
        var killer = new Killer(data, random);
        var kills = new Queue<KillKind>(KillPlan.Draw(plan.Kills, random));
        await using var log = await LogReader.OpenAsync(data, cancellationToken);
        var facts = 0;
        await foreach (var recorded in log.Runs.FollowAsync(0, plan.Run, cancellationToken))
        {
            if (recorded.Fact is RunCompleted or RunStopped)
                return;
            if (RunContents.IsEvaluation(recorded))
                continue;
            facts++;
            while (kills.Count > 0 && facts >= KillPlan.DueAfter(plan.Kills - kills.Count, plan.Kills, plan.Facts))
            {
                var kind = kills.Dequeue();
                var victim = await killer.KillAsync(kind, cancellationToken);
                if (await killer.IsUnfinishedAsync(cancellationToken))
                    _kills[kind] = _kills.GetValueOrDefault(kind) + 1;
                else
                    _late++;
                tell($"fact {facts} of {plan.Facts}: {kind}, {victim}");
            }

            if (facts % FactsBetweenTurns == 0)
                await duplicator.TurnAsync(cancellationToken);
        }
    }

    private async Task<long> FailedMessagesAsync(CancellationToken cancellationToken)
    {
        var look = await Topology.LookAsync(data, cancellationToken);
        return look.Errors.Sum(queue => queue.Messages);
    }

    private Task<TetheredProcess> StartAsync(string name, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        TetheredProcess.StartAsync(new ProcessPlan([.. Programs.CommandOf(typeof(UpState).Assembly), .. arguments], LogOf(name)), cancellationToken);

    private BenchmarkFailedException Failed(string what, string log) =>
        new($"{what}: {TroubleLog.LastLine(LogOf(log)) ?? "it does not say why"}. " + string.Join(" ", UpState.Read(data)?.Parts.Select(part => $"{part.Name}: {UpView.Trouble(part)}.") ?? []));

    private string LogOf(string name)
    {
        Directory.CreateDirectory(data);
        return Path.Combine(data, $"chaos-{name}.log");
    }
}
