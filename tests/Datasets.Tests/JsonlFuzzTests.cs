using System.IO.Compression;
using System.Text;
using System.Text.Json;
using SelfRewarding.Datasets.OpenAssistant;
using SelfRewarding.Tests;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

/// <summary>Whatever a line holds, it is read or refused with a sentence that names it, and takes no more memory than its length allows. The inputs come from a fixed seed.</summary>
[Collection(Alone.Name)]
public sealed class JsonlFuzzTests : IDisposable
{
    private const int Inputs = 120_000, LinesOfAFile = 1_000, GzippedFiles = 3_000;
    private const int MostAllocated = 64 * 1024; // a line, the lines having at most 2 KiB

    private static readonly string[] Tokens =
    [
        "-1", "0", "4", "1e400", "-0.5", "9223372036854775808", "1e-400", "null", "true", "false", "[]", "{}", "\"\"", "[", "]", "{", "}", ",", ":", "\"", "\\", "\\ud800", "\\udc00", "\\u0000", "\\n",
        "\"prompt\"", "\"response\"", "\"responses\"", "\"turns\"", "\"rank\"", "\"quality\"", "\"text\"", "\"\\u0070rompt\"", "\"\\ud800\":1,", "Score: 4", "Score: 1e9", "Score:", "\uFEFF", " ", "\r", "\u2028",
    ];

    // For each kind a few lines that are right.
    private static readonly Dictionary<DataKind, string[]> Lines = new()
    {
        [DataKind.Prompts] = ["""{"prompt":"Name a colour."}""", """{"id":7,"prompt":"é😀\n\"x\"","more":[1,{"a":null}]}"""],
        [DataKind.Ift] = ["""{"prompt":"a","response":"b"}""", """{"source":null,"response":"\u00e9","prompt":" x "}"""],
        [DataKind.Eft] = ["""{"prompt":"a","response":"","judgement":"Well.\nScore: 4","score":4}""", """{"prompt":"a","response":"b","judgement":"Score: 4.5","score":5.0}"""],
        [DataKind.Ranked] =
        [
            """{"prompt":"a","responses":[{"text":"x","rank":1,"quality":0.5},{"text":"y","rank":0}]}""",
            """{"turns":[{"role":"prompter","text":"a"}],"responses":[{"text":"x","quality":0.25},{"text":"y","quality":1},{"text":"z"}]}""",
        ],
        [DataKind.Pairs] = ["""{"prompt":"a","chosen":"b","rejected":"c"}""", """{"prompt":"a","chosen":"b","rejected":"","score_chosen":4.5,"score_rejected":-1}"""],
    };

    private static readonly string[] Trees =
    [
        """{"message_tree_id":"t1","tree_state":"ready_for_export","prompt":{"text":"p","role":"prompter","lang":"en","deleted":false,"review_result":true,"rank":null,"replies":[{"text":"x","role":"assistant","lang":"en","rank":1,"labels":{"quality":{"value":0.5,"count":3}},"replies":[]},{"text":"y","role":"assistant","lang":"en","rank":0}]}}""",
        """{"message_tree_id":"t2","prompt":{"text":"q","role":"prompter","lang":"en","replies":null}}""",
    ];

    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_mutated_line_is_read_or_refused_with_its_place_and_allocates_little()
    {
        var random = new Random(20250301);
        var (inputs, right, wrong) = (0, 0L, 0L);
        foreach (var kind in Enumerable.Range(0, Inputs / LinesOfAFile).Select(file => (DataKind)(file % Lines.Count)))
        {
            List<byte[]> lines = [.. Enumerable.Range(0, LinesOfAFile).Select(_ => Mutated(Lines[kind], random))];
            var path = _folder.Write("data.jsonl", [.. lines.SelectMany(line => line.Append((byte)'\n'))]);
            var (check, refused) = (new DataFileCheck(path, kind), new List<int>());
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var problem in check.Problems())
            {
                problem.ShouldStartWith(path + ":");
                refused.Add(int.Parse(problem.AsSpan(path.Length + 1, problem.IndexOf(':', path.Length + 1) - path.Length - 1), System.Globalization.CultureInfo.InvariantCulture));
            }

            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(LinesOfAFile * MostAllocated);
            var refusedLines = refused.ToHashSet();
            foreach (var (index, line) in lines.Index().Where(line => !refusedLines.Contains(line.Index + 1)))
                ShouldBeRight(kind, line);
            inputs += lines.Count;
            right += check.Right;
            wrong += check.Wrong;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{inputs} lines: {right} read, {wrong} refused");
        inputs.ShouldBe(Inputs);
        right.ShouldBeGreaterThan(Inputs / 20, "some must still be right");
        wrong.ShouldBeGreaterThan(Inputs / 4);
    }

    [Fact]
    public void A_mutated_tree_is_read_or_refused_with_its_place()
    {
        var random = new Random(7);
        var (read, refused) = (0, 0);
        for (var input = 0; input < 5_000; input++)
        {
            var path = _folder.Write("trees.jsonl", Mutated(Trees, random));
            try
            {
                foreach (var (_, line) in new OpenAssistantSets(new("en", 0.4, 0.3)).Read(path))
                    JsonDocument.Parse(line.ToString()).RootElement.GetProperty("prompt").GetString().ShouldNotBeNullOrWhiteSpace();
                read++;
            }
            catch (DataFileException e)
            {
                e.Message.ShouldStartWith(path + ":1: ");
                refused++;
            }
        }

        read.ShouldBeGreaterThan(500);
        refused.ShouldBeGreaterThan(1_000);
    }

    [Fact]
    public void A_mutated_gzip_file_is_read_or_ends_with_a_sentence()
    {
        var random = new Random(11);
        var whole = File.ReadAllBytes(_folder.WriteGzipped("whole.gz", string.Concat(Enumerable.Range(0, 200).Select(i => $$"""{"prompt":"{{i * 7919}}","response":"{{i}}"}""" + "\n"))));
        var examples = Jsonl.ReadInstructions(Path.Combine(_folder.Path, "whole.gz")).ToList();
        examples.Count.ShouldBe(200);
        var (read, refused) = (0, 0);
        for (var input = 0; input < GzippedFiles; input++)
        {
            var bytes = whole.ToList();
            for (var changes = random.Next(3); changes >= 0; changes--)
            {
                var at = random.Next(bytes.Count);
                if (random.Next(4) == 0) bytes.RemoveRange(at, bytes.Count - at);
                else bytes[at] ^= (byte)(1 << random.Next(8));
                if (bytes.Count == 0) bytes.Add(0);
            }

            var path = _folder.Write("data.jsonl.gz", [.. bytes]);
            var check = new DataFileCheck(path, DataKind.Ift);
            foreach (var problem in check.Problems())
                problem.ShouldStartWith(path);
            if (check.Wrong > 0)
            {
                refused++;
                continue;
            }

            // Such as a change of the time in its head: then it has all that it had.
            Jsonl.ReadInstructions(path).ShouldBe(examples);
            read++;
        }

        read.ShouldBeGreaterThan(0);
        refused.ShouldBeGreaterThan(GzippedFiles / 2);
    }

    [Fact]
    public void A_line_that_grows_without_end_when_unpacked_is_refused_before_it_is_held()
    {
        var path = Path.Combine(_folder.Path, "bomb.jsonl.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            for (var part = 0; part < 512; part++)
                gzip.Write(new byte[1 << 20]);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        new DataFileCheck(path).Problems().ToList().ShouldHaveSingleItem().ShouldBe($"{path}:1: the line is longer than 64 MiB, expected JSON Lines.");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(140L << 20); // of 512 MiB: the buffers that were doubled until then
    }

    // By a plain look at the properties; of two with one name the last counts.
    private static void ShouldBeRight(DataKind kind, byte[] line)
    {
        var text = Encoding.UTF8.GetString(line).Trim('\uFEFF', ' ', '\t', '\r');
        if (text.Length == 0)
            return;
        using var document = JsonDocument.Parse(text);
        var json = document.RootElement;
        string[] texts = kind switch
        {
            DataKind.Ift => ["prompt", "response"],
            DataKind.Eft => ["prompt", "response", "judgement"],
            DataKind.Pairs => ["prompt", "chosen", "rejected"],
            DataKind.Ranked => [],
            _ => ["prompt"],
        };
        foreach (var name in texts)
            json.GetProperty(name).GetString().ShouldNotBeNull();
        if (kind == DataKind.Ranked)
            json.GetProperty("responses").GetArrayLength().ShouldBeGreaterThan(1);
    }

    private static byte[] Mutated(string[] lines, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(lines[random.Next(lines.Length)]).ToList();
        for (var changes = random.Next(4); changes > 0 && bytes.Count > 0; changes--)
            Change(bytes, lines, random);
        bytes.RemoveAll(value => value == '\n'); // an input is a line
        return [.. bytes];
    }

    private static void Change(List<byte> bytes, string[] lines, Random random)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(8))
        {
            case < ByteChange.Kinds and var kind:
                ByteChange.Make(kind, bytes, at, Tokens, random, least: 0);
                break;
            case 5: // a value for another
                var start = bytes.FindIndex(at, value => value == ':') + 1;
                var end = start == 0 ? -1 : bytes.FindIndex(start, value => value is (byte)',' or (byte)'}');
                if (end < 0) break;
                bytes.RemoveRange(start, end - start);
                bytes.InsertRange(start, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
                break;
            case 6: // deep nesting
                bytes.InsertRange(at, Enumerable.Repeat((byte)"[{"[random.Next(2)], random.Next(1, 200)));
                break;
            default: // another line behind it
                bytes.AddRange(Encoding.UTF8.GetBytes(lines[random.Next(lines.Length)]));
                break;
        }
    }
}
