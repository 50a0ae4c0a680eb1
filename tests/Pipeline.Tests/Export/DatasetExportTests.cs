using System.IO.Compression;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Export;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Lines that other trainers read, from what is recorded.</summary>
public sealed class DatasetExportTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private static readonly RunSettings s_settings = SummaryExample.Settings with { Format = PaperFormat.Settings };
    private static readonly IReadOnlyList<RankedPrompt> s_ranked = [new("Why?", [new("Because.", 0, null), new("No.", 1, null)])];

    private readonly EventFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_pair_has_TRL_s_fields_as_trained_on_its_scores_and_where_it_came_from()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("kata-7", s_settings, []), .. SummaryExample.Iteration(1), .. SummaryExample.Iteration(2)]);

        var lines = await (await LinesAsync(log)).PairsAsync(CancellationToken.None).Select(line => line.ToString()).ToListAsync();

        lines[0].ShouldBe(
            """{"prompt":"User: reverse: ab0\n\nAssistant: ","chosen":"0ba","rejected":"ab0","score_chosen":5,"score_rejected":2,"run":"kata-7","iteration":1,"ordinal":0,"chosen_candidate":0,"rejected_candidate":1""" +
            $$""","rejected_finish":"stop","model":"M1","model_sha256":"{{SummaryExample.Ref("M1").Sha256}}","instruction":"reverse: ab0"}""");
        lines.Count.ShouldBe(2);
        (JsonNode.Parse(lines[1])!["iteration"]!.GetValue<int>(), JsonNode.Parse(lines[1])!["model"]!.GetValue<string>()).ShouldBe((2, "M2"));
    }

    [Fact]
    public async Task Demonstrations_come_in_the_order_of_the_mixture_s_rows_laid_out_as_trained_on()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("kata-7", s_settings, [])]);
        var seed = Seed with { EftJudged = [new JudgedExample("p", "r", "Good. Score: 4", 4)], Drafts = [new DraftExample(["one"], "two")] };

        var lines = await (await LinesAsync(log)).DemonstrationsAsync(seed, CancellationToken.None).Select(line => JsonNode.Parse(line.ToString())!).ToListAsync();

        var format = new PromptFormat(s_settings.Format);
        lines.Select(line => (line["set"]!.GetValue<string>(), line["prompt"]!.GetValue<string>(), line["completion"]!.GetValue<string>())).ShouldBe(
            [("ift", format.Answer("i"), "a"), ("drafts", format.Draft(["one"]), "two"), ("eft", format.Judge("p", "r"), "Good. Score: 4")]);
    }

    [Fact]
    public async Task Judging_examples_that_the_baseline_made_are_read_back_also_those_with_half_points()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("kata-7", s_settings, [])]);
        var seed = Seed with { EftRanked = s_ranked };
        var lines = await LinesAsync(log);
        (await Should.ThrowAsync<Control.UserException>(async () => await lines.JudgingAsync(seed, CancellationToken.None).ToListAsync())).Message
            .ShouldBe("Run 'kata-7' has no judging examples yet: its SFT model judges the ranked answers once it is trained. Go on with the run ('selfreward resume kata-7'), and export then.");

        Judgement[] judgements = [Judged(0, "Fine.\nScore: 4.5", 4.5), Judged(1, "Bad.\nScore: 1", 1)];
        var built = EftSelection.Built("kata-7", SummaryExample.Ref("SFT"), [EftSelection.Verdict(s_ranked[0], judgements)], s_ranked);
        await log.Log.AppendAsync(StreamNames.Eft("kata-7"), 0, [built], CancellationToken.None);
        (await OutputFile.WriteLinesAsync(_files.Path("eft.jsonl.gz"), lines.JudgingAsync(seed, CancellationToken.None), CancellationToken.None)).ShouldBe(2);

        Jsonl.ReadJudged(_files.Path("eft.jsonl.gz"), new()).ShouldBe(
            [new JudgedExample("Why?", "Because.", "Fine.\nScore: 4.5", 5), new JudgedExample("Why?", "No.", "Bad.\nScore: 1", 1)]);
    }

    [Fact]
    public async Task A_file_is_there_whole_or_as_it_was()
    {
        await File.WriteAllTextAsync(_files.Path("pairs.jsonl.gz"), "before");
        static async IAsyncEnumerable<CanonicalJson> BrokenAsync()
        {
            for (var i = 0; i < 10_000; i++)
                yield return new CanonicalJson().Add("prompt", $"prompt {i}");
            await Task.Yield();
            throw new InvalidOperationException("the log is away");
        }

        await Should.ThrowAsync<InvalidOperationException>(() => OutputFile.WriteLinesAsync(_files.Path("pairs.jsonl.gz"), BrokenAsync(), CancellationToken.None));
        Directory.GetFiles(_files.Path("")).ShouldBe([_files.Path("pairs.jsonl.gz")]);
        (await File.ReadAllTextAsync(_files.Path("pairs.jsonl.gz"))).ShouldBe("before");

        await OutputFile.WriteLinesAsync(_files.Path("pairs.jsonl.gz"), BrokenAsync().Take(2), CancellationToken.None);
        await using var gzip = new GZipStream(File.OpenRead(_files.Path("pairs.jsonl.gz")), CompressionMode.Decompress);
        (await new StreamReader(gzip).ReadToEndAsync()).ShouldBe("{\"prompt\":\"prompt 0\"}\n{\"prompt\":\"prompt 1\"}\n");
    }

    private static SeedData Seed { get; } = new() { Ift = [new InstructionExample("i", "a")], SeedPrompts = ["i"], HeldOutPrompts = [], HeldOutRanked = [] };

    private static Judgement Judged(int answer, string raw, double score) => new(answer, 0, raw, score, null, 5, Finish.Stop, -1);

    private static async Task<DatasetLines> LinesAsync(LogUnderTest log)
    {
        var ancestry = await new RunCatalog(log.Log).AncestryOfAsync("kata-7", CancellationToken.None);
        return new DatasetLines(log.Runs, new TrainingData(log.Runs, log.Log, ancestry, new WorkerOptions { Data = "", Postgres = "" }), ancestry);
    }
}
