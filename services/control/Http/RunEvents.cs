using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Commands;
using SelfRewarding.Control.Summary;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Http;

/// <summary>A fact that has come to the log; its texts are to be read where it says.</summary>
/// <param name="Fact">Its stored name, such as <c>candidates_judged</c>.</param>
public sealed record FactLine(string Fact, string Stream, long Version, long Position, DateTimeOffset At);

/// <summary>
/// A run's facts as server-sent events, as they are committed. An event's id is its position in the log, so a browser that lost the connection
/// goes on behind the last one that it has. The stream outlives the database: it goes on when a run starts it again.
/// </summary>
internal static class RunEvents
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    public static async Task<IResult> FollowAsync(
        string run, string? after, HttpRequest request, ServedLog served, TimeProvider time, IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var last = request.Headers["Last-Event-ID"].ToString();
        var asked = RunEndpoints.Number(last.Length > 0 ? "Last-Event-ID" : "after", last.Length > 0 ? last : after, -1, 0, long.MaxValue);
        await using var lease = await served.UseAsync(cancellationToken);
        Known.Run(run, await lease.Log.Runs.NamesAsync(cancellationToken));
        var from = asked >= 0 ? asked : (await lease.Log.ReadModels.LagAsync(cancellationToken)).End;
        return TypedResults.ServerSentEvents(UntilTheServerStopsAsync(served, run, from, time, lifetime.ApplicationStopping, cancellationToken));
    }

    private static async IAsyncEnumerable<SseItem<FactLine?>> UntilTheServerStopsAsync(
        ServedLog served, string run, long from, TimeProvider time, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        await using var facts = FactsAsync(served, run, from, either.Token).GetAsyncEnumerator(either.Token);
        // Says that the answer has begun, and from where.
        yield return Alive(from);
        while (true)
        {
            var next = facts.MoveNextAsync().AsTask();
            while (await Task.WhenAny(next, Task.Delay(Silence, time, either.Token)) != next && !either.IsCancellationRequested)
                yield return Alive(null);
            if (!await MovedAsync(next, either.Token))
                yield break;
            yield return facts.Current;
        }
    }

    // A client that has gone is noticed when something is sent to it.
    private static SseItem<FactLine?> Alive(long? position) => new(null, "alive") { EventId = position?.ToString(CultureInfo.InvariantCulture) };

    private static async IAsyncEnumerable<SseItem<FactLine?>> FactsAsync(ServedLog served, string run, long position, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            await using (var lease = await served.UseAsync(cancellationToken))
            {
                using var both = CancellationTokenSource.CreateLinkedTokenSource(lease.Lost, cancellationToken);
                // Where nobody else has the log, nothing comes to it, and it need not be held for that.
                var recorded = lease.IsAlone ? lease.Log.Runs.ReadAllAsync(position, run, both.Token) : lease.Log.Runs.FollowAsync(position, run, both.Token);
                await using var facts = recorded.GetAsyncEnumerator(both.Token);
                var shared = 0L;
                while (await MovedAsync(facts.MoveNextAsync().AsTask(), both.Token))
                {
                    var fact = facts.Current;
                    if (fact.Fact is RunStarted { Origin: not null })
                        shared = fact.Position;
                    // A name of a newer version may be any run's.
                    if (RunSummary.RunOf(fact.Fact) != run)
                        continue;
                    yield return Item(fact, isResumable: fact.Position != shared);
                    if (fact.Position != shared)
                        position = fact.Position;
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            await served.WaitForWriterAsync(cancellationToken);
        }
    }

    // What a fork shares has its first event's position: behind that id nobody could go on in the middle.
    private static SseItem<FactLine?> Item(Recorded recorded, bool isResumable) =>
        new(new FactLine(FactNames.Versions.NameOf(recorded.Fact.GetType())!, recorded.Stream, recorded.Version, recorded.Position, recorded.At), "fact")
        {
            EventId = isResumable ? recorded.Position.ToString(CultureInfo.InvariantCulture) : null,
        };

    /// <summary>False at the end, and where reading ended because the database or the reader has gone.</summary>
    private static async Task<bool> MovedAsync(Task<bool> next, CancellationToken gone)
    {
        try
        {
            return await next;
        }
        catch (Exception e) when (gone.IsCancellationRequested && e is OperationCanceledException or NpgsqlException or ObjectDisposedException)
        {
            return false;
        }
    }
}
