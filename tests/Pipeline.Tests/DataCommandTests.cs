using System.IO.Compression;
using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Export;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class DataCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_check_says_every_wrong_line_and_ends_with_1()
    {
        var file = Write("ift.jsonl", """{"prompt":"a","response":"b"}""", "[1]", """{"prompt":"a"}""");

        var (code, output, _) = await SelfrewardProcess.RunAsync("data", "check", file);

        code.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(
            [$"{file}:2: a list, expected one JSON object a line.", $"{file}:3: \"response\" is missing", $"{file}: 1 demonstrations, 2 wrong."]);
        (await SelfrewardProcess.RunAsync("data", "check", file, "--kind", "sft")).Errors.Trim().ShouldBe("--kind is 'sft', expected one of prompts, ift, eft, ranked, pairs.");
    }

    [Fact]
    public async Task A_gzip_file_that_was_cut_off_is_neither_right_nor_made_data_of()
    {
        var trees = Path.Combine(_folder, "trees.jsonl.gz");
        await using (var gzip = new GZipStream(File.Create(trees), CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 200).Select(i => Tree(i) + "\n"))));
        await using (var file = File.OpenWrite(trees))
            file.SetLength(file.Length - 4);

        var (code, output, _) = await SelfrewardProcess.RunAsync("data", "check", trees, "--kind", "prompts");
        code.ShouldBe(1);
        output.ShouldContain($"{trees}:201: not gzip, or damaged: Found truncated data while decoding.");
        (code, _, var errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", Path.Combine(_folder, "made"));
        code.ShouldBe(2);
        errors.Trim().ShouldBe($"{trees}:201: not gzip, or damaged: Found truncated data while decoding.");
        Directory.GetFileSystemEntries(_folder).ShouldBe([trees]);
    }

    [Fact]
    public async Task Message_trees_become_three_files_that_a_run_takes()
    {
        var trees = Path.Combine(_folder, "trees.jsonl.gz");
        await using (var gzip = new GZipStream(File.Create(trees), CompressionLevel.Fastest))
        {
            foreach (var i in Enumerable.Range(0, 200))
                gzip.Write(Encoding.UTF8.GetBytes(Tree(i) + "\n"));
        }

        var folder = Path.Combine(_folder, "made");
        var (code, output, errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", folder);

        code.ShouldBe(0, errors);
        string[] files = [Path.Combine(folder, "ift.jsonl"), Path.Combine(folder, "ranked.jsonl"), Path.Combine(folder, "heldout.jsonl")];
        Directory.GetFileSystemEntries(folder).ShouldBe(files, ignoreOrder: true);
        var data = SeedDataFiles.Load(new DataSettings { Ift = files[0], Eft = files[1], Heldout = files[2] }, new());
        output.ShouldContain($"{trees}: 200 message trees.");
        output.ShouldContain($"{files[0]}: {data.Ift.Count} demonstrations.");
        output.ShouldContain($"{files[1]}: {data.EftRanked.Count} ranked prompts with {2 * data.EftRanked.Count} answers, {data.EftRanked.Count} pairs of different rank.");
        output.ShouldContain("Left out: 50 in another language.");
        (data.Ift.Count + data.EftRanked.Count + data.HeldOutRanked.Count).ShouldBe(150);
        foreach (var file in files)
            (await SelfrewardProcess.RunAsync("data", "check", file)).Output.ShouldEndWith(", nothing wrong.\n");
    }

    [Fact]
    public async Task A_file_of_trees_with_a_wrong_line_leaves_nothing()
    {
        var trees = Write("trees.jsonl", [.. Enumerable.Range(0, 100).Select(Tree), "{}"]);

        var (code, _, errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", Path.Combine(_folder, "made"));

        code.ShouldBe(2);
        errors.Trim().ShouldBe($"{trees}:101: \"message_tree_id\" is missing");
        Directory.GetFileSystemEntries(_folder).ShouldBe([trees]);
    }

    [Fact]
    public async Task A_folder_that_is_there_is_left_as_it_is()
    {
        var trees = Write("trees.jsonl", [.. Enumerable.Range(0, 200).Select(Tree)]);
        var made = Directory.CreateDirectory(Path.Combine(_folder, "made")).FullName;
        var before = Write(Path.Combine("made", "heldout.jsonl"), "kept");

        var (code, _, errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", made + "/");

        code.ShouldBe(2);
        errors.Trim().ShouldBe($"'{made}/' is there already: name another folder, or take it away first.");
        (await File.ReadAllTextAsync(before, TestContext.Current.CancellationToken)).ShouldBe("kept\n");
        Directory.GetFileSystemEntries(_folder).ShouldBe([trees, made], ignoreOrder: true);
        Directory.GetFileSystemEntries(made).ShouldBe([before]);
    }

    [Fact]
    public async Task A_folder_gets_its_name_only_when_all_is_in_it()
    {
        var folder = Path.Combine(_folder, "made");
        await OutputFolder.WriteAsync(folder, unfinished =>
        {
            File.WriteAllText(Path.Combine(unfinished, "a"), "");
            Directory.Exists(folder).ShouldBeFalse();
            return Task.CompletedTask;
        });
        Directory.GetFileSystemEntries(_folder).ShouldBe([folder]);
        Directory.GetFileSystemEntries(folder).ShouldBe([Path.Combine(folder, "a")]);
    }

    [Fact]
    public async Task Nothing_is_written_where_a_set_would_be_empty()
    {
        var trees = Write("trees.jsonl", Tree(1));
        var folder = Path.Combine(_folder, "made");
        var (code, _, errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", folder, "--lang", "de");
        code.ShouldBe(2);
        errors.ShouldContain("nothing of its 1 trees is for ift.jsonl (1 in another language), so no file was written");
        Directory.GetFileSystemEntries(_folder).ShouldBe([trees]);
        (await SelfrewardProcess.RunAsync("data", "oasst", trees, "--ranked", "0.95")).Errors.ShouldContain("--ranked is 0.95 and --heldout 0.1, expected shares above 0");
    }

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private static string Tree(int i) =>
        $$"""{"message_tree_id":"t{{i}}","prompt":{"text":"Question {{i}}?","role":"prompter","lang":"{{(i % 4 == 3 ? "es" : "en")}}","replies":[{"text":"no","role":"assistant","lang":"en","rank":1},{"text":"yes","role":"assistant","lang":"en","rank":0} ] } }""";
}
