using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>New prompts from a file, in place of drafts.</summary>
[Collection(WholeRuns.Name)]
public sealed class PromptFileTests : IDisposable
{
    private const int Prompts = 8;

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-prompts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_run_takes_its_prompts_from_the_file_in_order_and_drafts_none()
    {
        string[] prompts = ["reverse: cab", "reverse: dog", "reverse: apple", "reverse: zebra", "reverse: house", "reverse: plane", "reverse: quick", "reverse: world"];
        var (code, output, errors) = await RunAsync(Write(prompts));
        code.ShouldBeOneOf(0, 1); // whether so few make a pair is not what is asked here
        output.ShouldContain($"of {Prompts} prompts", Case.Sensitive, errors);

        await using var log = await LogReader.OpenAsync(_folder, CancellationToken.None);
        var generated = new List<PromptGenerated>();
        await foreach (var recorded in log.Runs.ReadAllAsync(0, TinyRun.Name, CancellationToken.None))
        {
            if (recorded.Fact is PromptGenerated fact)
                generated.Add(fact);
        }

        generated.OrderBy(fact => fact.Ordinal).Select(fact => fact.Prompt).ShouldBe(prompts);
        generated.ShouldAllBe(fact => fact.Source == Path.Combine(_folder, "prompts.jsonl") && fact.Examples.Count == 0 && fact.Rejected.Count == 0);
    }

    [Fact]
    public async Task A_file_with_too_few_prompts_or_one_that_is_held_out_begins_no_run()
    {
        var seed = SeedData.For(Presets.Kata with { Seed = 7, Evaluation = Presets.Kata.Evaluation with { Prompts = 20, Ranked = 8 }, Data = Presets.Kata.Data with { KataIft = 400, KataEft = 1500, KataDrafts = 300 } });
        var (code, _, errors) = await RunAsync(Write("reverse: cab", seed.HeldOutPrompts[3].Prompt));
        code.ShouldBe(2);
        errors.ShouldContain($"prompt 2, \"{seed.HeldOutPrompts[3].Prompt}\", is also held out: take it out of one of the two");

        (code, _, errors) = await RunAsync(Write("reverse: cab"));
        code.ShouldBe(2);
        errors.ShouldContain("has 1 prompts, expected 8 (1 iterations of 8): add prompts, or ask for fewer (--prompts).");
        (await SelfrewardProcess.RunAsync("runs", "--data", _folder)).Output.ShouldNotContain(TinyRun.Name);
    }

    [Fact]
    public async Task A_file_with_a_prompt_that_no_message_can_carry_begins_no_run()
    {
        var (code, _, errors) = await RunAsync(Write("reverse: cab", new string('x', 17 << 20)));
        code.ShouldBe(2);
        errors.ShouldContain("prompts.jsonl: prompt 2 is too large (PromptGenerated has 17.1 MiB, more than the 16 MiB that a message may have): shorten it, or take it out.");
        (await SelfrewardProcess.RunAsync("runs", "--data", _folder)).Output.ShouldNotContain(TinyRun.Name);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string file)
    {
        var args = TinyRun.Arguments(_folder, "--prompts-from", file, "--iterations", "1", "--set", "sft.steps=10");
        args[Array.IndexOf(args, "--prompts") + 1] = $"{Prompts}";
        return SelfrewardProcess.RunAsync(args);
    }

    private string Write(params string[] prompts)
    {
        var path = Path.Combine(_folder, "prompts.jsonl");
        File.WriteAllLines(path, prompts.Select(prompt => new CanonicalJson().Add("prompt", prompt).ToString()));
        return path;
    }
}
