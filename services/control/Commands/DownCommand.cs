using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SelfRewarding.Control.Settings;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward down</c>: stops what <c>selfreward up</c> keeps alive, the workers first, then broker and database.</summary>
public static class DownCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var folder = RunOptions.DataFolder(options);
        if (DataFolder.FindUp(folder) is not { } up)
        {
            Console.WriteLine($"Nothing is up in '{folder}'.");
            return 0;
        }

        var id = up.ProcessId.ToString(CultureInfo.InvariantCulture);
        using (var kill = Process.Start("sh", ["-c", "kill -TERM \"$1\"", "down", id]))
            await kill.WaitForExitAsync(cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            while (DataFolder.FindUp(folder) is { } still && still.ProcessId == up.ProcessId)
                await Task.Delay(Look, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UserException($"Process {id} has not stopped within {Patience.TotalMinutes} minutes: 'kill -9 {id}' ends it and everything below it; nothing that is in the log is lost.");
        }

        Console.WriteLine($"Down: {up.Parts.Count - 2} workers, the broker and the database in '{folder}' have stopped. Everything is in the log; 'selfreward up' goes on.");
        return 0;
    }
}
