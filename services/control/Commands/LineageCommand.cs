using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using SelfRewarding.Control.Lineage;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward lineage ID</c>: where something came from, and what it led to.</summary>
public static class LineageCommand
{
    // Enums by name and figures as they are; the tree's shape is LineageNode's.
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Argument<string> Id { get; } = new("ID") { Description = LineageId.Forms };
    public static Option<bool> AsJson { get; } = new("--json") { Description = "The tree as JSON: kind, id, text, facts, children" };
    public static Option<bool> Measure { get; } = new("--measure") { Description = "Of a prompt that made a pair: also load the trained model and the one before, and measure the pair's rewards after the last step" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var tree = await LineageTree.OfAsync(log, options.GetValue(Id)!, options.GetValue(Measure), cancellationToken);
        if (options.GetValue(AsJson))
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(tree, Readable));
        else
            tree.Write(Terminal.Create());
        return 0;
    }
}
