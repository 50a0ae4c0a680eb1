using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace SelfRewarding.Contracts;

/// <summary>Finds everything that is wrong with a run's settings at once, before anything starts.</summary>
public static class SettingsCheck
{
    /// <summary>What is wrong with a model of one's own that has no data yet.</summary>
    public const string ModelWithoutData = "model.path is given without data: give data.ift, data.eft and data.heldout too (Kata's tokens are those of its own fresh model).";

    /// <summary>One sentence for each setting that cannot be, named by its path such as <c>dpo.beta</c>; empty when all is well.</summary>
    public static IReadOnlyList<string> Problems(RunSettings settings)
    {
        var problems = new List<string>();
        CheckRanges(settings, "", problems);

        var model = settings.Model;
        if (model.Path is null)
        {
            if (model.HiddenSize % model.Heads != 0 || model.HiddenSize / model.Heads % 2 != 0)
                problems.Add($"model.hidden_size is {model.HiddenSize}, expected a multiple of twice model.heads ({model.Heads}): rotary embedding turns pairs of each head.");
            if (model.Heads % model.KeyValueHeads != 0)
                problems.Add($"model.key_value_heads is {model.KeyValueHeads}, expected a divisor of model.heads ({model.Heads}).");
        }

        var files = new[] { settings.Data.Ift, settings.Data.Eft, settings.Data.Heldout };
        if (files.Any(f => f is not null) && files.Any(f => f is null))
            problems.Add("data.ift, data.eft and data.heldout go together: give all three files, or none for Kata.");
        if (model.Path is not null && files.All(f => f is null))
            problems.Add(ModelWithoutData);
        if (settings.Prompts.SeedShots + settings.Prompts.OwnShots == 0 && settings.Prompts.Source == "model")
            problems.Add("prompts.seed_shots and prompts.own_shots are both 0: a model drafts prompts from at least one example.");
        if (model.ChatTemplate is { } template && !ChatTemplates.All.Contains(template))
            problems.Add($"model.chat_template is '{template}', expected one of {string.Join(", ", ChatTemplates.All)}.");
        if (model.ComputeDtype is { } dtype && !ComputeDtypes.All.Contains(dtype))
            problems.Add($"model.compute_dtype is '{dtype}', expected one of {string.Join(", ", ComputeDtypes.All)}.");
        if (!DpoLosses.All.Contains(settings.Dpo.Loss))
            problems.Add($"dpo.loss is '{settings.Dpo.Loss}', expected one of {string.Join(", ", DpoLosses.All)}.");
        if (settings.Sft.EftShare + settings.Sft.DraftShare >= 1)
            problems.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"sft.eft_share ({settings.Sft.EftShare}) and sft.draft_share ({settings.Sft.DraftShare}) leave nothing for demonstrations, expected a sum below 1."));
        if (settings.Judge.MinScore >= settings.Judge.MaxScore)
            problems.Add($"judge.min_score is {settings.Judge.MinScore}, expected below judge.max_score ({settings.Judge.MaxScore}).");
        if (settings.Judge is { MetaIterations: { } meta, Count: 1 })
            problems.Add($"judge.meta_iterations is {meta}, but judge.count is 1: comparing judgements takes two.");
        if (settings.Judge is { MetaMaxLength: { } longest, MetaIterations: null })
            problems.Add($"judge.meta_max_length is {longest}, but judge.meta_iterations is not set: no judgements are compared, so none is chosen. Set both, or both to null.");
        if (settings.Pairs.LengthControlByIteration is { } byIteration && (byIteration.Count == 0 || !byIteration.All(rho => rho is >= 0 and <= 1)))
            problems.Add($"pairs.length_control_by_iteration is {(byIteration.Count == 0 ? "empty" : Describe(byIteration))}, expected one or more numbers from 0 to 1, or null.");
        if (settings.Pairs is { LengthControl: { } length, LengthControlByIteration: { } each })
            problems.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"pairs.length_control is {length} and pairs.length_control_by_iteration is {Describe(each)}, expected one of the two: set the other to null."));
        if (settings.Lora.TargetModules.Count == 0)
            problems.Add($"lora.target_modules is empty, expected some of {string.Join(", ", LoraTargets.All)} (lora.r=0 trains all weights).");
        foreach (var target in settings.Lora.TargetModules.Except(LoraTargets.All))
            problems.Add($"lora.target_modules names '{target}', expected some of {string.Join(", ", LoraTargets.All)}.");
        ServerCheck.Check(settings, problems);
        RequirePlaceholder(settings.Format.Answer, "format.answer", "{prompt}", problems);
        RequirePlaceholder(settings.Format.Judge, "format.judge", "{prompt}", problems);
        RequirePlaceholder(settings.Format.Judge, "format.judge", "{response}", problems);
        RequirePlaceholder(settings.Format.Draft, "format.draft", "{examples}", problems);
        RequirePlaceholder(settings.Format.DraftExample, "format.draft_example", "{prompt}", problems);
        foreach (var placeholder in settings.Format.MetaJudge is null ? Array.Empty<string>() : ["{prompt}", "{response}", "{first}", "{second}"])
            RequirePlaceholder(settings.Format.MetaJudge!, "format.meta_judge", placeholder, problems);
        return problems;
    }

    private static void RequirePlaceholder(string format, string name, string placeholder, List<string> problems)
    {
        if (!format.Contains(placeholder, StringComparison.Ordinal))
            problems.Add($"{name} does not contain {placeholder}: the model would never see it.");
    }

    private static void CheckRanges(object section, string prefix, List<string> problems)
    {
        foreach (var property in section.GetType().GetProperties())
        {
            var name = prefix + JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            var value = property.GetValue(section);
            if (value is not null && property.PropertyType.Namespace == typeof(RunSettings).Namespace)
            {
                CheckRanges(value, name + ".", problems);
                continue;
            }

            foreach (var rule in property.GetCustomAttributes(typeof(ValidationAttribute), inherit: true).Cast<ValidationAttribute>())
            {
                if (value is double number && !double.IsFinite(number))
                    problems.Add($"{name} is {number}, expected a finite number.");
                else if (!rule.IsValid(value))
                    problems.Add($"{name} is {Describe(value)}, expected {Describe(rule)}.");
            }
        }
    }

    private static string Describe(object? value) => value switch
    {
        null => "not set",
        string text => $"'{text}'",
        IEnumerable list => string.Join(", ", list.Cast<object>().Select(item => Convert.ToString(item, System.Globalization.CultureInfo.InvariantCulture))),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "",
    };

    private static string Describe(ValidationAttribute rule) => rule switch
    {
        RangeAttribute range => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}"),
        RequiredAttribute => "a value",
        _ => rule.FormatErrorMessage("the value"),
    };
}
