using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Npgsql;
using SelfRewarding.Control;
using SelfRewarding.Pipeline.Tests;
using Shouldly;
using Xunit;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>The real command.</summary>
public sealed partial class ServeCommandTests(RecordedData data)
{
    [Fact]
    public async Task It_says_where_it_listens_serves_and_ends_well()
    {
        using var process = SelfrewardProcess.Start("serve", "--data", data.Folder, "--urls", "http://127.0.0.1:0");
        using var client = await ClientAsync(process);
        (await client.JsonAsync("/api/runs"))["runs"]!.AsArray().ShouldNotBeEmpty();
        (await client.GetStringAsync("/", TestContext.Current.CancellationToken)).ShouldContain("<main id=\"main\"");

        process.Interrupt();
        (await process.WaitAsync()).ShouldBe(0, process.Errors);
        process.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task It_serves_a_shared_database_and_needs_no_folder()
    {
        using var process = StartShared(data.ConnectionString);
        using var client = await ClientAsync(process);
        (await client.JsonAsync("/api/runs"))["runs"]!.AsArray().Select(run => run!["run"]!.GetValue<string>()).ShouldContain(RecordedData.Fork);
        (await client.JsonAsync("/health/ready"))["database"]!.GetValue<string>().ShouldBe("ok");
        process.Interrupt();
        (await process.WaitAsync()).ShouldBe(0, process.Errors);
    }

    [Fact]
    public async Task In_an_empty_shared_database_it_makes_the_tables_that_workers_wait_for()
    {
        await using var server = NpgsqlDataSource.Create(data.ConnectionString);
        await using (var create = server.CreateCommand("create database not_begun"))
            await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        using var process = StartShared(new NpgsqlConnectionStringBuilder(data.ConnectionString) { Database = "not_begun" }.ConnectionString);
        using var client = await ClientAsync(process);
        (await client.JsonAsync("/health/ready"))["database"]!.GetValue<string>().ShouldBe("ok");
        (await client.JsonAsync("/api/runs"))["runs"]!.AsArray().ShouldBeEmpty();
        process.Interrupt();
        (await process.WaitAsync()).ShouldBe(0, process.Errors);
    }

    [Fact]
    public async Task While_a_shared_database_is_away_it_says_so_and_names_neither_user_nor_password()
    {
        using var process = StartShared("Host=127.0.0.1;Port=1;Username=somebody;Password=secret-word;Database=log");
        using var client = await ClientAsync(process);
        using var response = await client.GetAsync("/api/runs");
        (await response.ProblemAsync(HttpStatusCode.ServiceUnavailable)).ShouldBe("The log's database does not answer: is it running?");
        using var ready = await client.GetAsync("/health/ready");
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        process.Interrupt();
        (await process.WaitAsync()).ShouldBe(0);
        process.Errors.ShouldContain("LogAwayException");
        process.Errors.ShouldNotContain("secret-word");
    }

    [Fact]
    public async Task Beyond_this_machine_it_does_not_start_without_a_token() =>
        await ShouldBeRefusedAsync("SELFREWARD_TOKEN is not set", "serve", "--data", data.Folder, "--urls", "http://0.0.0.0:0");

    [Fact]
    public async Task A_folder_without_a_log_is_refused_and_left_alone()
    {
        var folder = Path.Combine(data.Folder, "nothing");
        await ShouldBeRefusedAsync("There is no log in", "serve", "--data", folder);
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await ShouldBeRefusedAsync("cannot be listened on", "serve", "--data", data.Folder, "--urls", $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    private static SelfrewardProcess StartShared(string postgres) => SelfrewardProcess.StartProgram(
        "Control", new Dictionary<string, string> { ["SELFREWARD_POSTGRES"] = postgres }, "serve", "--data", Path.Combine(Path.GetTempPath(), "not-there"), "--urls", "http://127.0.0.1:0");

    private static async Task<HttpClient> ClientAsync(SelfrewardProcess process)
    {
        while (!process.HasExited && !Address().IsMatch(process.Output))
            await Task.Delay(10, TestContext.Current.CancellationToken);
        return new HttpClient { BaseAddress = new Uri(Address().Match(process.Output + process.Errors).Value) };
    }

    private static async Task ShouldBeRefusedAsync(string sentence, params string[] args)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(args);
        code.ShouldBe(CommandLine.WrongInput);
        output.ShouldBeEmpty();
        errors.ShouldContain(sentence);
        errors.Trim().Split('\n').Length.ShouldBe(1);
    }

    [GeneratedRegex("http://127\\.0\\.0\\.1:[0-9]+")]
    private static partial Regex Address();
}
