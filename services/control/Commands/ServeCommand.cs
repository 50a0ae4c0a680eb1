using System.CommandLine;
using Microsoft.Extensions.Configuration;
using SelfRewarding.Control.Http;
using SelfRewarding.Control.Settings;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward serve</c>: the log over HTTP, and a page that shows it, until it is interrupted.</summary>
public static class ServeCommand
{
    public static Option<string> Urls { get; } = new("--urls")
    {
        HelpName = "URL[;URL]",
        Description = $"Where to listen; where other machines can reach it, {ServeOptions.TokenVariable} has to be set",
        DefaultValueFactory = _ => "http://127.0.0.1:8080",
    };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        var folder = RunOptions.DataFolder(options);
        var serve = ServeOptions.From(options.GetValue(Urls)!, environment[ServeOptions.TokenVariable]);
        var shared = LogServer.Shared is not null;
        // A wrong folder is said now; a shared database may come later, and pages say so until it does.
        if (!shared)
            await (await LogReader.OpenAsync(folder, cancellationToken)).DisposeAsync();

        await using var server = await DashboardServer.StartAsync(folder, shared, serve, BrokerOf(WorkerOptions.Given(environment, WorkerOptions.RabbitMqVariable)), cancellationToken);
        await Console.Out.WriteLineAsync($"The runs of {(shared ? $"the database that {WorkerOptions.PostgresVariable} names" : $"'{folder}'")} are at {string.Join(" and ", server.Urls)}{(serve.Token is null ? "" : ", for who has the token")}. Ctrl-C ends it.");
        var stopped = new TaskCompletionSource();
        await using var stop = cancellationToken.Register(stopped.SetResult);
        await stopped.Task;
        return 0;
    }

    private static Uri? BrokerOf(string? address) => address is null ? null
        : BrokerAddress.Problem(address) is { } problem ? throw new UserException(problem)
        : new Uri(address);
}
