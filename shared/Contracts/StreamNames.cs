namespace SelfRewarding.Contracts;

/// <summary>Stream names, and the fixed version of each fact inside its stream (rule: stage = stream version).</summary>
public static class StreamNames
{
    public static string Run(string run) => $"run-{run}";

    public static string Prompt(string run, int iteration, int ordinal) => $"prompt-{run}-{iteration}-{ordinal}";

    /// <param name="run">The run.</param>
    /// <param name="model">The model in the making: <c>SFT</c>, <c>M1</c>, <c>M2</c> …</param>
    public static string Training(string run, string model) => $"training-{run}-{model}";

    public static string Evaluation(string run, string model) => $"evaluation-{run}-{model}";

    /// <summary>The judging seed that the baseline makes from ranked answers.</summary>
    public static string Eft(string run) => $"eft-{run}";

    /// <summary>How the names of a run's streams begin; those of another run may begin so, too (see <see cref="RunOf"/>).</summary>
    public static IReadOnlyList<string> Prefixes(string run) => [Run(run), $"prompt-{run}-", $"training-{run}-", $"evaluation-{run}-", Eft(run)];

    /// <summary>The run that a stream belongs to, exactly; null for a name that is none of these.</summary>
    public static string? RunOf(string stream)
    {
        var mark = stream.IndexOf('-');
        var rest = mark < 0 ? "" : stream[(mark + 1)..];
        var run = (mark < 0 ? "" : stream[..mark]) switch
        {
            "run" or "eft" => rest,
            // Neither a model's name nor a number has a hyphen, while a run's name may end like a number.
            "training" or "evaluation" => WithoutLast(rest, _ => true),
            "prompt" => WithoutLast(WithoutLast(rest, IsNumber), IsNumber),
            _ => null,
        };
        return string.IsNullOrEmpty(run) ? null : run;
    }

    /// <summary>False where the stream is surely not this run's. A run's name may hold hyphens, so a stream of run <c>a-1</c> may look like one of run <c>a</c>.</summary>
    public static bool MayBelongTo(string stream, string run)
    {
        var start = stream.IndexOf('-') + 1;
        var rest = stream.AsSpan(start);
        return start > 0 && rest.StartsWith(run, StringComparison.Ordinal) && (rest.Length == run.Length || rest[run.Length] == '-');
    }

    private static string? WithoutLast(string? name, Func<string, bool> isLast) =>
        name?.LastIndexOf('-') is > 0 and var mark && isLast(name[(mark + 1)..]) ? name[..mark] : null;

    private static bool IsNumber(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);
}

/// <summary>The models of a run, in the order in which <c>run-{run}</c> publishes them.</summary>
public static class ModelNames
{
    public const string Base = "M0";
    public const string Baseline = "SFT";

    /// <summary><c>M1</c>, <c>M2</c> …: the model that iteration <paramref name="iteration"/> samples from.</summary>
    public static string OfIteration(int iteration) => $"M{iteration}";

    /// <summary>M0, SFT, M1, … up to the model that the last iteration makes.</summary>
    public static IReadOnlyList<string> All(int iterations) => [Base, Baseline, .. Enumerable.Range(1, iterations + 1).Select(OfIteration)];

    /// <summary>The iteration that a model samples in: 1 for M1; null for M0 and SFT, which only get evaluated.</summary>
    public static int? Iteration(string model) => model.Length > 1 && model[0] == 'M' && int.TryParse(model.AsSpan(1), out var n) && n > 0 ? n : null;
}

/// <summary>Versions in <c>prompt-…</c>.</summary>
public static class PromptStage
{
    public const int Generated = 1;
    public const int Sampled = 2;
    public const int Judged = 3;
    public const int Settled = 4;

    /// <summary>The stage in whose place a discard stands: the worker of that stage wrote it.</summary>
    public static int Of(DiscardReason reason) => reason switch
    {
        DiscardReason.NoAcceptableDraft => Generated,
        DiscardReason.TooLong or DiscardReason.AnswersTooLarge => Sampled,
        DiscardReason.JudgementsTooLarge => Judged,
        _ => Settled,
    };
}

/// <summary>Versions in <c>run-…</c>: 1 is <see cref="RunStarted"/>, then the models in their order, then the end.</summary>
public static class RunStage
{
    public const int Started = 1;

    public static int Published(string model, int iterations)
    {
        var index = ModelNames.All(iterations).ToList().IndexOf(model);
        return index >= 0 ? index + 2 : throw new ArgumentException($"Model '{model}' is none of this run's ({string.Join(", ", ModelNames.All(iterations))}).", nameof(model));
    }

    public static int Ended(int iterations) => ModelNames.All(iterations).Count + 2;
}

/// <summary>Versions in <c>evaluation-…</c>.</summary>
public static class EvaluationStage
{
    public const int Answered = 1;
    public const int Judged = 2;
    public const int Evaluated = 3;
}
