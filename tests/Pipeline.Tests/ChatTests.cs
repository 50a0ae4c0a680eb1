using System.CommandLine;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A chat template named in the settings, or asked for by a model's folder, is what generation and training lay texts out by.</summary>
public sealed class ChatTests : IDisposable
{
    private static readonly RunSettings s_settings = Presets.Kata with
    {
        Model = new() { HiddenSize = 16, IntermediateSize = 24, Layers = 1, Heads = 2, KeyValueHeads = 1, MaxPositions = 128, ChatTemplate = "zephyr" },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("selfreward-chat-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_settings_know_every_template_that_the_models_have() => ChatTemplates.All.ShouldBe(ChatTemplate.Names);

    [Fact]
    public async Task Generation_reads_the_prompt_in_the_model_s_layout_and_stops_at_the_end_of_the_turn()
    {
        var options = new WorkerOptions { Data = _folder.FullName, Postgres = "" };
        var model = await new BaseModel(options).MakeAsync("r", s_settings, TestContext.Current.CancellationToken);
        await using var pool = new ModelPool(slots: 4);
        var sampling = new SamplingSettings { Temperature = 1, TopP = 1, MaxNewTokens = 12 };

        var texts = await new LocalTextGenerator(pool, options).GenerateAsync(RunModel.Of(model, s_settings), "sort: cab", [1, 2, 3], sampling, TestContext.Current.CancellationToken);

        await using var lease = await pool.AcquireAsync(options.Locate(model.Path), model.Sha256, TestContext.Current.CancellationToken);
        lease.Chat.Name.ShouldBe("zephyr");
        int[] prompt = [256, .. "<|user|>\nsort: cab".Select(unit => (int)unit), 257, .. "\n<|assistant|>\n".Select(unit => (int)unit)];
        var expected = await lease.Engine.GenerateAsync(new GenerationRequest(prompt, [1, 2, 3], new SamplingParameters(1, 1, 0, 12, [257])), TestContext.Current.CancellationToken);
        texts.Select(text => text.Tokens).ShouldBe(expected.Select(completion => (IReadOnlyList<int>)completion.TokenIds));
    }

    [Fact]
    public void Training_learns_answers_in_the_model_s_layout()
    {
        var chat = ChatTemplate.Named("zephyr", ByteLevelTokenizer.ForKata());
        var format = new PromptFormat(s_settings.Format);
        var judged = new JudgedExample("sort: cab", "abc", "aa.bb.cc. Score: 5", 5);
        var seed = SeedData.For(s_settings with { Data = new() { KataIft = 3, KataEft = 2, KataDrafts = 2 } });

        var mixture = SftMixture.Of(seed, [judged], baseline: false, s_settings, chat, context: 1000);
        Same(mixture[0], chat.Sequence(format.Answer(seed.Ift[0].Prompt), seed.Ift[0].Response));
        Same(JudgingReplay.Of([judged], s_settings, 1, chat, context: 1000)![0], chat.Sequence(format.Judge("sort: cab", "abc"), judged.Judgement));
        var pair = new PreferencePairBuilt("r", 1, 0, "sort: cab", new PairSide(0, "abc", 5), new PairSide(1, "cab", 1), []);
        FrozenPairs.Row RowOf(Finish rejected) => FrozenPairs.Of([new FrozenPair(CanonicalPair.Of(pair), rejected)], 1, s_settings, chat, context: 1000)[0];
        var row = RowOf(Finish.Length);
        Same(row.Chosen, chat.Sequence(format.Answer("sort: cab"), "abc"));
        Same(row.Rejected, chat.Sequence(format.Answer("sort: cab"), "cab", ends: false));
        row.Chosen.Response[^1].ShouldBe(257);
        row.Rejected.Response[^1].ShouldBe('b');
        Same(RowOf(Finish.ContentFilter).Rejected, row.Rejected);
        Same(RowOf(Finish.Stop).Rejected, chat.Sequence(format.Answer("sort: cab"), "cab"));

        static void Same(TrainingSequence actual, TrainingSequence expected) => (actual.Prompt, actual.Response).ShouldSatisfyAllConditions(
            both => both.Prompt.ShouldBe(expected.Prompt), both => both.Response.ShouldBe(expected.Response));
    }

    [Fact]
    public void A_folder_s_template_is_recorded_by_name_and_the_paper_s_layouts_give_way_to_a_chat_s()
    {
        var plain = Bind();
        (plain.Model.ChatTemplate, plain.Format).ShouldBe((null, PaperFormat.Settings));

        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer_config.json"), new JsonObject { ["chat_template"] = "{{ '<|im_start|>' }}{{ '<|im_end|>' }}" }.ToJsonString());
        var chat = Bind();
        (chat.Model.ChatTemplate, chat.Format).ShouldBe(("chatml", PaperFormat.ForChat));
        Bind("--set", "model.chat_template=plain").Format.ShouldBe(PaperFormat.Settings);
        Bind("--set", "format.answer=Q: {prompt}").Format.ShouldBe(PaperFormat.ForChat with { Answer = "Q: {prompt}" });
        SettingsDifferences.Between(chat, chat).ShouldBeEmpty();
        SettingsDifferences.Between(plain, chat).ShouldContain("model.chat_template is \"chatml\", but the run was started with null.");
    }

    [Fact]
    public void A_template_that_nobody_knows_is_a_problem_of_the_settings_unless_one_is_named()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "chat_template.jinja"), "{{ '<start_of_turn>' }}");

        Should.Throw<SettingsException>(() => Bind()).Problems.ShouldHaveSingleItem().ShouldContain("--set model.chat_template=NAME");
        Bind("--set", "model.chat_template=llama-3").Model.ChatTemplate.ShouldBe("llama-3");
    }

    private RunSettings Bind(params string[] more)
    {
        string[] files = [.. new[] { "ift", "eft", "heldout" }.SelectMany(name =>
        {
            var path = Path.Combine(_folder.FullName, name + ".jsonl");
            File.WriteAllText(path, "");
            return new[] { "--" + name, path };
        })];
        var command = new Command("run");
        RunOptions.AddTo(command);
        return RunOptions.Bind(command.Parse([.. files, "--model", _folder.FullName, .. more]));
    }
}
