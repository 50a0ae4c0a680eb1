using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;
using SelfRewarding.Hosting;
using Shouldly;
using Spectre.Console;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class ViewTests
{
    private static readonly DateTimeOffset BeforeTheRun = SummaryExample.Start.AddDays(-1);

    [Theory]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void The_final_table_fits_and_has_all_models_side_by_side(int width)
    {
        var lines = FinalLines(width);

        lines.ShouldAllBe(line => line.Length <= width);
        lines.ShouldContain(line => Words(line) == "M0 SFT M1 M2 M3");
        Row(lines, "exact match, greedy %").ShouldBe("4.1 59.1 92.1 95.1 98.1");
        Row(lines, "exact match, sampled %").ShouldBe("0.1 55.1 88.1 91.1 94.1");
        Row(lines, "pairwise accuracy %").ShouldBe("50.0 52.0 93.0 94.0 93.5");
        Row(lines, "pairs").ShouldBe("- - - 1 1");
        Row(lines, "final rewards/margins").ShouldBe("- - - 1.500 1.500");
    }

    [Fact]
    public void Pairs_of_judgements_stand_beside_those_of_answers_where_judgements_are_compared()
    {
        var lines = FinalLines(80, [.. SummaryExample.Judging()]);
        (Row(lines, "pairs of answers"), Row(lines, "pairs of judgements")).ShouldBe(("- - - 1 1", "- - - 2 -"));
        FinalLines(80).ShouldNotContain(line => line.Contains("pairs of answers", StringComparison.Ordinal) || line.Contains("pairs of judgements", StringComparison.Ordinal));

        string Picture(IEnumerable<object> facts) => Written(200, console => console.Write(RunPicture.Of(SummaryTests.Fold([.. facts]), console, SummaryExample.Start)));
        var settled = SummaryExample.Judging().TakeWhile(fact => fact is not DatasetFrozen).ToList();
        Picture(settled).ShouldContain("4/4: 1 pairs and 2 pairs of judgements, ");
        Picture(SummaryExample.Facts().Take(settled.Count)).ShouldContain("4/4: 1 pairs, ");
        Picture(SummaryExample.Judging().Take(settled.Count + 1)).ShouldContain("1 pairs and 2 pairs of judgements");
    }

    [Fact]
    public void A_head_to_head_says_how_likely_chance_alone_would_make_it()
    {
        var lines = FinalLines(80);

        Rows(lines, "win/tie/lose %").ShouldBe(["- 60/40/0 35/60/5 6/90/4 5/90/5", "- - 35/60/5 38/58/4 40/56/4"]);
        Rows(lines, "sign test, p").ShouldBe(["- <.001 <.001 .057 1.000", "- - <.001 <.001 <.001"]);
    }

    [Fact]
    public void The_drift_panel_has_a_column_for_each_iteration()
    {
        var lines = FinalLines(80);

        lines.ShouldContain(line => Words(line) == "M1->M2 M2->M3");
        Row(lines, "scored 5 %").ShouldBe("##. 60 ##. 60");
        Row(lines, "unparsable %", 1).ShouldBe("16.7 16.7");
        Row(lines, "usable pairs %").ShouldBe("25.0 25.0");
        Row(lines, "tie %").ShouldBe("25.0 25.0");
        Row(lines, "chosen is longer %").ShouldBe("25.0 25.0");
        Row(lines, "mean length, characters", 1).ShouldBe("5.3 5.3");
    }

    [Fact]
    public void It_ends_with_what_each_model_gained_over_M1_and_how_sure_that_is()
    {
        var text = string.Join(' ', FinalLines(120));

        text.ShouldContain("M2 against M1: +3.0 points of exact match, sampled (95 % interval +0.3 to +5.7), and +1.0 points of pairwise accuracy as a judge.");
        text.ShouldContain("M3 against M1: +6.0 points of exact match, sampled (95 % interval +3.5 to +8.5), and +0.5 points of pairwise accuracy as a judge.");
    }

    [Fact]
    public void It_says_where_log_models_and_pairs_lie()
    {
        var lines = FinalLines(200);

        Row(lines, "log").ShouldStartWith("PostgreSQL in /somewhere/data/postgres, table mt_events, stream run-kata-7");
        lines.ShouldContain(line => line.Contains("/somewhere/data/models/kata-7/M3, sha256 aaa", StringComparison.Ordinal));
        lines.ShouldContain(line => line.Contains("/somewhere/data/runs/kata-7/pairs/M3.jsonl, sha256 d2", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_Unicode_nothing_beyond_ASCII_is_written_and_without_colour_no_escape()
    {
        var summary = SummaryTests.Fold([.. SummaryExample.Facts()]);
        var halfway = SummaryTests.Fold([.. SummaryExample.Facts().Take(20)]);

        Written(80, console => RunView.Write(console, summary, "/data")).ShouldAllBe(character => char.IsAscii(character) && character != '\e');
        Written(80, console => console.Write(RunPicture.Of(halfway, console, SummaryExample.Start))).ShouldAllBe(character => char.IsAscii(character) && character != '\e');
    }

    [Fact]
    public void More_models_than_fit_side_by_side_go_into_a_further_table()
    {
        object[] facts = [.. SummaryExample.Facts(), .. SummaryExample.Model("M4", 9, 0.95, 0.9), .. SummaryExample.Model("M5", 9, 0.96, 0.9)];

        var lines = FinalLines(80, facts);

        lines.ShouldAllBe(line => line.Length <= 80);
        lines.ShouldContain(line => Words(line) == "M4 M5");
        Rows(lines, "exact match, sampled %").ShouldBe(["0.1 55.1 88.1 91.1 94.1", "95.0 96.0"]);
    }

    [Fact]
    public void A_run_that_stopped_before_any_figure_says_why_and_an_unknown_run_that_there_is_none()
    {
        object[] facts = [.. SummaryExample.Facts().Take(1), new RunStopped("kata-7", 1, "iteration 1: no usable pair from 64 prompts (all 768 judgements unparsable)")];

        FinalLines(120, facts).ShouldContain("The run stopped: iteration 1: no usable pair from 64 prompts (all 768 judgements unparsable)");
        Written(80, console => RunView.Write(console, new RunSummary("nobody"), "/data")).Trim().ShouldBe("The log has no run 'nobody'.");
    }

    [Fact]
    public async Task Plain_lines_tell_every_milestone_and_progress_at_most_once_in_ten_seconds()
    {
        var lines = await PlainAsync(SummaryExample.Facts(), from: BeforeTheRun);

        lines[0].ShouldBe("03:04:05 run kata-7: preset kata, seed 7; 2 iterations of 4 prompts, 4 answers each, 3 judgements an answer");
        lines.ShouldContain("03:04:06 M0 is ready: models/kata-7/M0, sha256 aaaaaaaaaaaa");
        lines.ShouldContain("03:04:08 SFT: sft from M0 on 96 examples, 3 steps");
        lines.Count(line => line.Contains(" measured: ", StringComparison.Ordinal)).ShouldBe(5);
        lines.ShouldContain(line => line.EndsWith("iteration 1: 1 pairs from 4 prompts (no acceptable draft 1, unparsable 1, tie 1)", StringComparison.Ordinal));
        lines.ShouldContain(line => line.Contains("M2: step 12 of 12, loss 0.0833, rewards/margins 1.500, rewards/accuracies 0.75, lr 1.0e-3, 2,000 tokens/s", StringComparison.Ordinal));
        lines[^1].ShouldEndWith("M3 is the last model: the run is complete");
        var progress = lines.Where(line => line.Contains(": of 4 prompts", StringComparison.Ordinal) || (line.Contains(": step ", StringComparison.Ordinal) && !line.Contains("step 12 of 12", StringComparison.Ordinal)
            && !line.Contains("step 3 of 3", StringComparison.Ordinal))).Select(line => TimeSpan.Parse(line[..8], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        progress.Count.ShouldBeGreaterThan(3);
        progress.Zip(progress.Skip(1)).ShouldAllBe(pair => pair.Second - pair.First >= TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_run_that_goes_on_does_not_tell_its_story_twice()
    {
        var facts = SummaryExample.Facts().ToList();

        var lines = await PlainAsync(facts, from: SummaryExample.Start.AddSeconds(facts.Count - 1));

        lines.Count.ShouldBe(2);
        lines[0].ShouldEndWith("run kata-7 goes on where it was");
        lines[1].ShouldEndWith("M3 is the last model: the run is complete");
    }

    [Fact]
    public async Task Another_run_in_the_same_log_is_not_told()
    {
        object[] facts = [new RunStarted("another", SummaryExample.Settings, []), .. SummaryExample.Facts().Take(1), new RunStopped("another", 1, "broken")];

        (await PlainAsync(facts, BeforeTheRun)).ShouldHaveSingleItem().ShouldContain("run kata-7: preset kata");
    }

    [Theory]
    [InlineData(0, 0, 1.0)]
    [InlineData(5, 5, 1.0)]
    [InlineData(0, 5, 0.0625)]
    [InlineData(8, 2, 0.109375)]
    [InlineData(60, 40, 0.05688793364098077)]
    public void The_sign_test_is_exact_and_two_sided(int wins, int losses, double expected)
    {
        Chance.SignTest(wins, losses).ShouldBe(expected, 1e-9);
        Chance.SignTest(losses, wins).ShouldBe(expected, 1e-9);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(false, "LANG", "C")]
    [InlineData(true, "LANG", "C.UTF-8")]
    [InlineData(true, "LANG", "de_DE.utf8")]
    [InlineData(false, "LC_ALL", "POSIX", "LANG", "C.UTF-8")]
    [InlineData(true, "LC_ALL", "", "LC_CTYPE", "en_GB.UTF-8")]
    public void The_locale_decides_whether_there_is_more_than_ASCII(bool expected, params string[] variables)
    {
        var environment = variables.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);

        Terminal.SpeaksUtf8(name => environment.GetValueOrDefault(name)).ShouldBe(expected);
    }

    private static async Task<IReadOnlyList<string>> PlainAsync(IEnumerable<object> facts, DateTimeOffset from)
    {
        using var writer = new StringWriter();
        await LiveView.ShowAsync(
            Console(80, writer), new RunSummary("kata-7"), Recorded(facts), new ClockAt(from), plain: true, TestContext.Current.CancellationToken);
        return writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async IAsyncEnumerable<Recorded> Recorded(IEnumerable<object> facts)
    {
        var position = 0;
        foreach (var fact in facts)
        {
            yield return new Recorded(fact, "", 1, position + 1, SummaryExample.Start.AddSeconds(position));
            position++;
            await Task.Yield();
        }
    }

    private static IReadOnlyList<string> FinalLines(int width, object[]? facts = null)
    {
        var summary = SummaryTests.Fold(facts ?? [.. SummaryExample.Facts()]);
        return [.. Written(width, console => RunView.Write(console, summary, "/somewhere/data")).Split('\n').Select(line => line.TrimEnd())];
    }

    private static string Written(int width, Action<IAnsiConsole> write)
    {
        using var writer = new StringWriter();
        write(Console(width, writer));
        return writer.ToString();
    }

    private static IAnsiConsole Console(int width, TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = false;
        return console;
    }

    private static string Words(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Row(IReadOnlyList<string> lines, string label, int which = 0) => Rows(lines, label)[which];

    private static IReadOnlyList<string> Rows(IReadOnlyList<string> lines, string label) =>
        [.. lines.Select(line => line.TrimStart()).Where(line => line.StartsWith(label + "  ", StringComparison.Ordinal)).Select(line => Words(line[label.Length..]))];

    private sealed class ClockAt(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
