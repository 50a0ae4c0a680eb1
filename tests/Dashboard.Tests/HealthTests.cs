using System.Net;
using System.Text.Json.Nodes;
using SelfRewarding.Control.Http;
using SelfRewarding.Hosting;
using SelfRewarding.Pipeline.Tests;
using Shouldly;
using Xunit;

namespace SelfRewarding.Dashboard.Tests;

public sealed class HealthTests(RecordedData data)
{
    [Fact]
    public async Task It_is_ready_with_the_database_and_says_how_far_the_read_models_are_behind()
    {
        await using var server = await data.ServeAsync();
        using var client = server.Client();
        (await client.JsonAsync("/health/live"))["live"]!.GetValue<bool>().ShouldBeTrue();
        await client.JsonAsync("/api/runs");
        var ready = await client.JsonAsync("/health/ready");
        (ready["ready"]!.GetValue<bool>(), ready["database"]!.GetValue<string>(), ready["broker"]).ShouldBe((true, "ok", null));
        ready["read_models_lag"]!.GetValue<long>().ShouldBeGreaterThanOrEqualTo(0);
    }

    [Fact]
    public async Task It_is_not_ready_without_the_broker_that_it_is_told_of()
    {
        await using var server = await data.ServeAsync(broker: new Uri("amqp://guest:secret-word@127.0.0.1:1/"));
        using var client = server.Client();
        using var response = await client.GetAsync("/health/ready");
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable, text);
        JsonNode.Parse(text)!["broker"]!.GetValue<string>().ShouldBe("away");
        text.ShouldNotContain("secret-word");
    }

    [Fact]
    public async Task It_is_ready_with_the_broker_and_no_longer_when_that_has_gone()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        var folder = Directory.CreateTempSubdirectory("selfreward-broker-").FullName;
        DashboardServer server;
        HttpClient client;
        await using (var broker = await PrivateBroker.StartAsync(folder, TestContext.Current.CancellationToken))
        {
            server = await data.ServeAsync(broker: new Uri(broker.Address));
            client = server.Client();
            (await client.JsonAsync("/health/ready"))["broker"]!.GetValue<string>().ShouldBe("ok");
        }

        // The connection notices by itself that the node has gone.
        HttpStatusCode status;
        do
        {
            using var response = await client.GetAsync("/health/ready");
            status = response.StatusCode;
        }
        while (status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests);
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        client.Dispose();
        await server.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Where_something_breaks_inside_the_answer_says_nothing_of_the_inside()
    {
        var folder = RecordedData.TemporaryFolder();
        try
        {
            await using var run = await LiveLog.OpenAsync(folder);
            await RecordedRuns.AppendAsync(run.Log, RecordedRuns.Named("kata-7").Take(1));
            await run.ExecuteAsync(
                """
                insert into mt_streams (id, version) values ('training-kata-7-M2', 1);
                insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
                values (nextval('mt_events_sequence'), gen_random_uuid(), 'training-kata-7-M2', 1, '["secret-word"]', 'training_stepped', now());
                """);
            await using var server = await DashboardServer.StartAsync(folder, shared: false, ServeOptions.From("http://127.0.0.1:0", null), null, CancellationToken.None);
            using var client = server.Client();
            using var response = await client.GetAsync("/api/runs/kata-7/training/M2");
            (await response.ProblemAsync(HttpStatusCode.InternalServerError)).ShouldBe("Something failed here; the log of the server says what.");
            (await File.ReadAllTextAsync(Path.Combine(folder, "selfreward-serve.log"), TestContext.Current.CancellationToken)).ShouldContain("training-kata-7-M2");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
