using System.CommandLine;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Up;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward up</c>: broker, database and workers as processes of this machine, kept alive until it is stopped.</summary>
public static class UpCommand
{
    private static readonly TimeSpan Redraw = TimeSpan.FromSeconds(1);

    public static Option<bool> Detach { get; } = new("--detach", "-d") { Description = "Go on in the background, once everything has been started" };

    public static Option<int?> Slots { get; } = Number("--slots", 1, 4096, "Sequences that a worker generates at once [default: 64]");

    /// <summary>One option for each worker: how many of it.</summary>
    public static IReadOnlyList<(string Worker, Option<int?> Count)> Counts { get; } =
        [.. Programs.All.Select(worker => (worker.Module.Name, Number($"--{worker.Module.Name}", 0, 256, $"How many {worker.Module.Name} processes [default: 1]")))];

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var folder = RunOptions.DataFolder(options);
        if (DataFolder.FindUp(folder) is { } running)
            throw new UserException($"'{folder}' is up already, by process {running.ProcessId}: 'selfreward ps' shows it, 'selfreward down' stops it.");
        return options.GetValue(Detach) ? await DetachAsync(options, folder, cancellationToken) : await StayAsync(options, folder, cancellationToken);
    }

    private static async Task<int> DetachAsync(ParseResult options, string folder, CancellationToken cancellationToken)
    {
        var counts = Counts.Append(("", Slots)).Where(count => options.GetValue(count.Item2) is not null).SelectMany(count => (string[])[count.Item2.Name, $"{options.GetValue(count.Item2)}"]);
        var up = await Detached.StartAsync(folder, ["up", "--data", folder, "--plain", .. counts], cancellationToken);
        Console.WriteLine($"Up in '{folder}': {up.Parts.Count - 2} workers, by process {up.ProcessId}. 'selfreward run' starts a run, 'selfreward ps' looks, 'selfreward down' stops everything.");
        return 0;
    }

    private static async Task<int> StayAsync(ParseResult options, string folder, CancellationToken cancellationToken)
    {
        var scale = new Scale(Counts.ToDictionary(count => count.Worker, count => options.GetValue(count.Count) ?? 1), options.GetValue(Slots));
        var console = Terminal.Create();
        var draws = !options.GetValue(RunOptions.Plain) && console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi;
        using var data = DataFolder.Open(folder);
        await using var supervisor = new Supervisor(data, scale, TimeProvider.System, Tell);
        try
        {
            await supervisor.StartAsync(cancellationToken);
            Tell("Everything runs; Ctrl-C or 'selfreward down' stops it. 'selfreward run' starts a run.");
            var keeping = supervisor.KeepAsync(cancellationToken);
            if (draws)
                await DrawAsync(console, supervisor, keeping);
            await keeping;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Tell("Stopping ...");
        }

        return 0;

        // Beside a table that is redrawn, lines would tear it; the table shows what they say.
        void Tell(string what)
        {
            if (!draws)
                console.Profile.Out.Writer.WriteLine($"{DateTimeOffset.Now:HH:mm:ss} {what}");
        }
    }

    private static async Task DrawAsync(IAnsiConsole console, Supervisor supervisor, Task keeping)
    {
        await console.Live(Text.Empty).StartAsync(async screen =>
        {
            using var redraw = new PeriodicTimer(Redraw);
            do
                screen.UpdateTarget(UpView.Parts(supervisor.State));
            while (await Task.WhenAny(keeping, redraw.WaitForNextTickAsync(CancellationToken.None).AsTask()) != keeping);
        });
    }

    private static Option<int?> Number(string name, int least, int most, string description)
    {
        var option = new Option<int?>(name) { HelpName = "N", Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && (!int.TryParse(token.Value, out var number) || number < least || number > most))
                result.AddError($"{name} is '{token.Value}', expected {least} to {most}.");
        });
        return option;
    }
}
