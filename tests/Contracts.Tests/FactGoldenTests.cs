using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

/// <summary>
/// What is in a log today has to be read by the code of tomorrow. <c>Goldens/</c> has one stored fact of each kind; a fact that reads and
/// writes otherwise than its golden changes the log's format. Where that is meant, <c>UPDATE_GOLDENS=1 dotnet run --project
/// tests/Contracts.Tests</c> writes the goldens anew, and <c>git diff tests/Contracts.Tests/Goldens</c> shows what changed.
/// </summary>
public sealed class FactGoldenTests
{
    // The store's own options but for the layout: property names as declared, a line for each, and letters that can be read.
    private static readonly JsonSerializerOptions s_readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Names => [.. FactNames.ByName.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_stored_fact_reads_and_writes_the_same(string name)
    {
        var (type, golden) = (FactNames.ByName[name], Path.Combine(Folder(), name + ".json"));
        File.Exists(golden).ShouldBeTrue($"{golden} is missing: add a stored '{name}' with every property set.");
        var stored = File.ReadAllText(golden);
        var fact = JsonSerializer.Deserialize(stored, type)!;
        var written = JsonSerializer.Serialize(fact, type, s_readable) + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDENS") == "1")
            File.WriteAllText(golden, written);
        else
            written.ShouldBe(stored);

        // The store writes without any layout: the same fact, and again when read back.
        var compact = JsonSerializer.SerializeToUtf8Bytes(fact, type);
        JsonSerializer.Serialize(JsonSerializer.Deserialize(compact, type), type, s_readable).ShouldBe(written.TrimEnd('\n'));
    }

    [Fact]
    public void No_golden_is_of_a_fact_that_there_is_not() =>
        Directory.GetFiles(Folder(), "*.json").Select(Path.GetFileNameWithoutExtension).ShouldBe(FactNames.ByName.Keys, ignoreOrder: true);

    [Fact]
    public void Enums_are_stored_by_name()
    {
        JsonSerializer.Serialize(Finish.Length).ShouldBe("\"Length\"");
        Enum.GetValues<DiscardReason>().ShouldAllBe(reason => JsonSerializer.Serialize(reason, (JsonSerializerOptions?)null) == $"\"{reason}\"");
    }

    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Goldens");
}
