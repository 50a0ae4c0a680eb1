using System.Security.Cryptography;
using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class SeedDataTests : IDisposable
{
    private const string Ranked = """{"prompt":"r1","responses":[{"text":"x","rank":0},{"text":"y","rank":1}]}""";

    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DataSettings Files(string? eft = null, string? heldOut = null, int limit = 0) => new()
    {
        Ift = _folder.Write("ift.jsonl", """{"prompt":"a","response":"b"}""", """{"prompt":"c","response":"d"}""", """{"prompt":"a","response":"e"}"""),
        Eft = _folder.Write("eft.jsonl", eft ?? """{"prompt":"p","response":"q","judgement":"Score: 4","score":4}"""),
        Heldout = _folder.Write("heldout.jsonl", heldOut ?? Ranked),
        Limit = limit,
    };

    private static RunSettings Kata(ulong seed = 1) => new()
    {
        Seed = seed,
        Data = new() { KataIft = 30, KataEft = 40, KataDrafts = 10 },
        Evaluation = new() { Prompts = 20, Ranked = 5 },
    };

    [Fact]
    public void Three_files_make_the_data_of_a_run()
    {
        var settings = Files();
        var data = SeedData.For(new RunSettings { Data = settings });
        data.Ift.ShouldBe([new("a", "b"), new("c", "d"), new("a", "e")]);
        data.SeedPrompts.ShouldBe(["a", "c"]);
        data.EftJudged.ShouldBe([new("p", "q", "Score: 4", 4)]);
        data.EftRanked.ShouldBeEmpty();
        data.Drafts.ShouldBeEmpty();
        data.HeldOutPrompts.ShouldBe([new("r1", null)]);
        data.HeldOutRanked.ShouldHaveSingleItem().Answers.Count.ShouldBe(2);
        data.Oracle.ShouldBeNull();
        data.Sets.Select(set => (set.Kind, set.Path, set.Examples)).ShouldBe(
            [("ift", settings.Ift!, 3), ("eft", settings.Eft!, 1), ("heldout-prompts", settings.Heldout!, 1), ("heldout-ranked", settings.Heldout!, 1)]);
        data.Sets[0].Sha256.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(settings.Ift!))));
    }

    [Fact]
    public void The_first_line_tells_ranked_answers_from_judged_ones()
    {
        var data = SeedDataFiles.Load(Files(eft: Ranked.Replace("r1", "r2", StringComparison.Ordinal)), new());
        data.EftJudged.ShouldBeEmpty();
        data.EftRanked.ShouldHaveSingleItem().Prompt.ShouldBe("r2");
        data.Sets[1].Kind.ShouldBe("ranked");
    }

    [Fact]
    public void Judged_answers_have_scores_of_the_run_s_judge()
    {
        var settings = new RunSettings { Data = Files(eft: """{"prompt":"p","response":"q","judgement":"Score: 9 out of 10","score":9}""") };
        SeedData.For(settings with { Judge = new() { MaxScore = 10 } }).EftJudged.ShouldHaveSingleItem().Score.ShouldBe(9);
        Should.Throw<DataFileException>(() => SeedData.For(settings)).Message.ShouldEndWith("eft.jsonl:1: \"score\" is 9, expected 0 to 5 (judge.min_score, judge.max_score).");
    }

    [Fact]
    public void A_limit_takes_the_first_examples_of_each_file() =>
        SeedDataFiles.Load(Files(limit: 2), new()).Ift.Count.ShouldBe(2);

    [Fact]
    public void A_held_out_prompt_that_training_sees_is_refused() =>
        Should.Throw<DataFileException>(() => SeedDataFiles.Load(Files(heldOut: Ranked.Replace("r1", "c", StringComparison.Ordinal)), new()))
            .Message.ShouldContain("1 of 1 prompts are also in ");

    [Fact]
    public void An_empty_file_is_refused()
    {
        var settings = Files();
        _folder.Write("ift.jsonl");
        Should.Throw<DataFileException>(() => SeedDataFiles.Load(settings, new())).Message.ShouldEndWith("ift.jsonl: holds no examples, expected JSON Lines.");
    }

    [Fact]
    public void A_file_that_is_not_given_is_named() =>
        Should.Throw<DataFileException>(() => SeedDataFiles.Load(Files() with { Eft = null }, new())).Message.ShouldStartWith("data.eft is not set");

    [Fact]
    public void Without_files_the_data_is_Kata_and_repeats_by_seed()
    {
        var data = SeedData.For(Kata());
        data.Sets.Select(set => (set.Kind, set.Path, set.Examples)).ShouldBe(
            [("ift", "kata", 30), ("eft", "kata", 40), ("drafts", "kata", 10), ("heldout-prompts", "kata", 20), ("heldout-ranked", "kata", 5)]);
        SeedData.For(Kata()).Sets.ShouldBe(data.Sets);
        SeedData.For(Kata(seed: 2)).Sets.Select(set => set.Sha256).Intersect(data.Sets.Select(set => set.Sha256)).ShouldBeEmpty();
    }

    [Fact]
    public void Kata_s_oracle_gives_its_own_reference_answers_a_full_score()
    {
        var data = SeedData.For(Kata());
        data.HeldOutPrompts.ShouldAllBe(prompt => data.Oracle!(prompt.Prompt, prompt.Reference! + "\n") == 5);
        data.HeldOutPrompts.ShouldAllBe(prompt => data.Oracle!(prompt.Prompt, "") < 5);
    }

    [Fact]
    public void Runs_with_early_stopping_and_without_are_measured_on_the_same_Kata_prompts()
    {
        var (without, with) = (SeedData.For(Kata()), SeedData.For(Kata() with { Dpo = new() { EarlyStopping = new() { Every = 2, Prompts = 7 } } }));
        with.HeldOutPrompts.Count.ShouldBe(27);
        with.HeldOutPrompts.Take(20).ShouldBe(without.HeldOutPrompts);
        with.Sets[4].ShouldBe(without.Sets[4]); // the ranked ones
    }

    [Fact]
    public void Kata_s_judgements_are_ones_that_the_parser_reads() =>
        SeedData.For(Kata()).EftJudged.ShouldAllBe(example => JudgeScore.Parse(example.Judgement, Finish.Stop, new JudgeSettings()).Score == example.Score);

    [Fact]
    public void A_set_that_Kata_cannot_make_is_refused_in_a_sentence() =>
        Should.Throw<DataFileException>(() => SeedData.For(Kata() with { Evaluation = new() { Prompts = 10_000_000 } })).Message.ShouldContain("10000000 held-out instructions");

    [Fact]
    public void A_generated_set_hashes_like_the_file_that_it_is_written_to()
    {
        var data = SeedData.For(Kata());
        using var stream = File.Create(Path.Combine(_folder.Path, "ranked.jsonl"));
        CanonicalJson.Write(stream, SeedSets.Lines(data.HeldOutRanked)).ShouldBe(data.Sets[4].Sha256);
        stream.Dispose();
        SeedSets.Hash(Jsonl.ReadRanked(stream.Name)).ShouldBe(data.Sets[4].Sha256);
    }

    [Fact]
    public void The_Open_Assistant_data_loads()
    {
        var folder = Path.GetFullPath(Path.Combine(SourceFolder(), "../../../shared/data/oasst"));
        Assert.SkipUnless(Directory.Exists(folder), $"the Open Assistant data is not at {folder}");
        var data = SeedDataFiles.Load(new DataSettings
        {
            Ift = Path.Combine(folder, "ift_seed_oasst_best.jsonl"),
            Eft = Path.Combine(folder, "eft_seed_oasst_ranked.jsonl"),
            Heldout = Path.Combine(folder, "heldout_oasst1_val_first_turn.jsonl"),
        }, new());
        data.Ift.Count.ShouldBe(1683);
        // 2,788 answers, of which 52 to prompts without ranks have no rating either.
        (data.EftRanked.Count, data.EftRanked.Sum(prompt => prompt.Answers.Count)).ShouldBe((783, 2736));
        data.HeldOutRanked.Count.ShouldBe(186);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
