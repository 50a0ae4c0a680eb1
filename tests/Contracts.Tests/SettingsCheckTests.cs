using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class SettingsCheckTests
{
    private static string ProblemOf(RunSettings settings) => SettingsCheck.Problems(settings).ShouldHaveSingleItem();

    [Fact]
    public void The_settings_as_they_are_declared_are_sound() => SettingsCheck.Problems(new RunSettings()).ShouldBeEmpty();

    [Fact]
    public void Every_problem_is_found_at_once_and_named_by_its_path()
    {
        var problems = SettingsCheck.Problems(new RunSettings
        {
            Iterations = 0,
            Candidates = new() { Count = 1, Sampling = new() { TopP = 1.5 } },
            Sft = new() { Optimizer = new() { Beta1 = 1 } },
            Dpo = new() { Beta = -0.1, Loss = "hinge" },
            Prompts = new() { Filters = new() { MaxRougeL = 2 } },
            Format = new() { Answer = "" },
        });
        problems.Select(problem => problem.Split(' ')[0]).ShouldBe(
            [
                "iterations", "candidates.count", "candidates.sampling.top_p", "sft.optimizer.beta1", "dpo.beta", "dpo.loss",
                "prompts.filters.max_rouge_l", "format.answer", "format.answer",
            ],
            ignoreOrder: true);
        problems.ShouldContain("candidates.count is 1, expected 2 to 1024.");
        problems.ShouldContain("dpo.loss is 'hinge', expected one of sigmoid, sigmoid_norm, ipo, ipo_mean, simpo.");
        problems.ShouldContain("format.answer does not contain {prompt}: the model would never see it.");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_number_has_to_be_finite(double value) =>
        ProblemOf(new RunSettings { Dpo = new() { Beta = value } }).ShouldEndWith("expected a finite number.");

    [Fact]
    public void Data_files_go_together() =>
        ProblemOf(new RunSettings { Data = new() { Ift = "ift.jsonl", Heldout = "heldout.jsonl" } }).ShouldStartWith("data.ift, data.eft and data.heldout go together");

    [Fact]
    public void A_chat_template_is_one_that_there_is()
    {
        ProblemOf(new RunSettings { Model = new() { ChatTemplate = "chat-ml" } }).ShouldBe("model.chat_template is 'chat-ml', expected one of llama-2, llama-3, chatml, zephyr, mistral, plain.");
        SettingsCheck.Problems(new RunSettings { Model = new() { ChatTemplate = "chatml" } }).ShouldBeEmpty();
    }

    [Fact]
    public void A_type_to_compute_in_is_one_that_there_is()
    {
        ProblemOf(new RunSettings { Model = new() { ComputeDtype = "bf16" } }).ShouldBe("model.compute_dtype is 'bf16', expected one of float32, bfloat16.");
        SettingsCheck.Problems(new RunSettings { Model = new() { ComputeDtype = "bfloat16" } }).ShouldBeEmpty();
    }

    [Fact]
    public void Targets_of_low_rank_adaptation_are_projections_of_a_layer()
    {
        ProblemOf(new RunSettings { Lora = new() { R = 8, TargetModules = ["q_proj", "c_attn"] } })
            .ShouldBe("lora.target_modules names 'c_attn', expected some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.");
        ProblemOf(new RunSettings { Lora = new() { R = 8, TargetModules = [] } }).ShouldStartWith("lora.target_modules is empty");
        SettingsCheck.Problems(new RunSettings { Lora = new() { R = 8, TargetModules = ["q_proj"] } }).ShouldBeEmpty();
    }

    [Fact]
    public void How_long_a_chosen_judgement_may_be_says_nothing_without_a_meta_judge()
    {
        ProblemOf(new RunSettings { Judge = new() { MetaMaxLength = 1200 } }).ShouldStartWith("judge.meta_max_length is 1200, but judge.meta_iterations is not set");
        SettingsCheck.Problems(new RunSettings { Judge = new() { MetaMaxLength = 1200, MetaIterations = 1 } }).ShouldBeEmpty();
    }

    [Fact]
    public void A_model_needs_data() => ProblemOf(new RunSettings { Model = new() { Path = "models/x" } }).ShouldStartWith("model.path is given without data");

    [Fact]
    public void The_shape_of_a_fresh_model_has_to_fit_its_heads()
    {
        ProblemOf(new RunSettings { Model = new() { HiddenSize = 100, Heads = 8, KeyValueHeads = 8 } })
            .ShouldStartWith("model.hidden_size is 100, expected a multiple of twice model.heads (8)");
        ProblemOf(new RunSettings { Model = new() { HiddenSize = 128, Heads = 4, KeyValueHeads = 3 } })
            .ShouldBe("model.key_value_heads is 3, expected a divisor of model.heads (4).");
    }

    [Fact]
    public void A_draft_needs_an_example_to_be_drawn_from()
    {
        var prompts = new PromptSettings { SeedShots = 0, OwnShots = 0 };
        ProblemOf(new RunSettings { Prompts = prompts }).ShouldStartWith("prompts.seed_shots and prompts.own_shots are both 0");
        SettingsCheck.Problems(new RunSettings { Prompts = prompts with { Source = "prompts.jsonl" } }).ShouldBeEmpty();
    }

    [Fact]
    public void The_lowest_score_is_below_the_highest() =>
        ProblemOf(new RunSettings { Judge = new() { MinScore = 5, MaxScore = 5 } }).ShouldBe("judge.min_score is 5, expected below judge.max_score (5).");

    [Fact]
    public void A_layout_without_its_placeholders_is_refused() =>
        SettingsCheck.Problems(new RunSettings { Format = new() { Answer = "a", Judge = "{prompt}", Draft = "d", DraftExample = "e" } }).ShouldBe(
            [
                "format.answer does not contain {prompt}: the model would never see it.",
                "format.judge does not contain {response}: the model would never see it.",
                "format.draft does not contain {examples}: the model would never see it.",
                "format.draft_example does not contain {prompt}: the model would never see it.",
            ]);
}
