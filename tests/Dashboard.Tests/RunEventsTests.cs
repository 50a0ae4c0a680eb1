using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Http;
using SelfRewarding.Pipeline.Tests;
using Shouldly;
using Xunit;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>Live updates: every fact once and in order, also behind a broken connection, and beside runs that begin and end.</summary>
public sealed class RunEventsTests(RecordedData data)
{
    [Fact]
    public async Task Facts_come_as_they_are_committed_and_go_on_behind_the_last_event_id()
    {
        await using var server = await data.ServeAsync();
        using var client = server.Client();
        var facts = RecordedRuns.Named("live-events").ToList();
        await data.AppendAsync(facts.Take(10));

        var seen = new List<(string? Id, string Fact)>();
        await foreach (var (id, fact) in client.FactsAsync("/api/runs/live-events/events?after=0"))
        {
            seen.Add((id, fact["fact"]!.GetValue<string>()));
            if (seen.Count == 10)
                await data.AppendAsync(facts.Skip(10).Take(5));
            if (seen.Count == 15)
                break;
        }

        // Another run's facts come between, and are nobody's here.
        await data.AppendAsync(new RunStarted("live-between", SummaryExample.Settings, []));
        await data.AppendAsync(facts.Skip(15).Take(5));
        await foreach (var (id, fact) in client.FactsAsync("/api/runs/live-events/events", lastEventId: seen[^1].Id))
        {
            seen.Add((id, fact["fact"]!.GetValue<string>()));
            if (seen.Count == 20)
                break;
        }

        seen.Select(item => item.Fact).ShouldBe(facts.Take(20).Select(fact => FactNames.Versions.NameOf(fact.GetType())));
        seen.Select(item => long.Parse(item.Id!)).ShouldBeInOrder(SortDirection.Ascending);
        seen.Select(item => item.Id).Distinct().Count().ShouldBe(20);
    }

    [Fact]
    public async Task What_a_fork_shares_comes_again_whole_where_the_connection_broke_in_its_midst()
    {
        await using var server = await data.ServeAsync();
        using var client = server.Client();
        var shared = 0;
        await foreach (var (id, _) in client.FactsAsync($"/api/runs/{RecordedData.Fork}/events?after=0"))
        {
            id.ShouldBeNull("an id in the midst would pass over the rest");
            if (++shared == 30)
                break;
        }
    }

    [Fact]
    public async Task An_open_page_keeps_no_run_from_beginning_and_sees_what_it_does()
    {
        var folder = RecordedData.TemporaryFolder();
        try
        {
            await using (var before = await LiveLog.OpenAsync(folder))
                await RecordedRuns.AppendAsync(before.Log, RecordedRuns.Named("kata-7").Take(10));

            await using var server = await DashboardServer.StartAsync(folder, shared: false, ServeOptions.From("http://127.0.0.1:0", null), null, CancellationToken.None);
            using var client = server.Client();
            await using var facts = client.FactsAsync("/api/runs/kata-7/events?after=0").GetAsyncEnumerator(TestContext.Current.CancellationToken);
            for (var i = 0; i < 10; i++)
                (await facts.MoveNextAsync()).ShouldBeTrue();
            DataFolder.TryOpen(folder).ShouldBeNull("while it is read, it is taken");

            DataFolder? taken;
            while ((taken = DataFolder.TryOpen(folder)) is null)
                await Task.Delay(10, TestContext.Current.CancellationToken);
            (await client.JsonAsync("/health/ready"))["database"]!.GetValue<string>().ShouldBe("resting");

            // Two runs, one after the other: each has PostgreSQL for itself, and stops it.
            foreach (var next in (int[])[10, 13])
            {
                await using var run = await LiveLog.OpenAsync(folder, taken);
                await RecordedRuns.AppendAsync(run.Log, RecordedRuns.Named("kata-7").Skip(next).Take(3));
                for (var i = 0; i < 3; i++)
                    (await facts.MoveNextAsync()).ShouldBeTrue();
                taken = null;
            }

            facts.Current.Fact["position"]!.GetValue<long>().ShouldBe(16);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
