namespace SelfRewarding.Datasets;

/// <summary>What the lines of a data file are.</summary>
public enum DataKind
{
    /// <summary><c>{"prompt"}</c>.</summary>
    Prompts,

    /// <summary><c>{"prompt", "response"}</c>.</summary>
    Ift,

    /// <summary><c>{"prompt", "response", "judgement", "score"}</c>.</summary>
    Eft,

    /// <summary><c>{"prompt", "responses": [{"text", "rank"}]}</c>.</summary>
    Ranked,

    /// <summary><c>{"prompt", "chosen", "rejected"}</c>.</summary>
    Pairs,
}

/// <summary>Tells kinds of lines by their properties.</summary>
public static class DataKinds
{
    /// <summary>The kind's name on the command line.</summary>
    public static string NameOf(DataKind kind) => kind switch
    {
        DataKind.Prompts => "prompts",
        DataKind.Ift => "ift",
        DataKind.Eft => "eft",
        DataKind.Ranked => "ranked",
        _ => "pairs",
    };

    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, DataKind> ByName { get; } = Enum.GetValues<DataKind>().ToDictionary(NameOf, StringComparer.Ordinal);

    /// <summary>The kind that a line's properties are of, those that only one kind has first; null where they are of none.</summary>
    public static DataKind? Of(JsonlLine line) =>
        line.Has("responses") ? DataKind.Ranked
        : line.Has("chosen") || line.Has("rejected") ? DataKind.Pairs
        : line.Has("judgement") || line.Has("score") ? DataKind.Eft
        : line.Has("response") ? DataKind.Ift
        : line.IsText("prompt") ? DataKind.Prompts
        : null;

    /// <summary>Whether lines of this kind are such of another that lack some of its properties.</summary>
    public static bool LacksOf(this DataKind kind, DataKind richer) => kind switch
    {
        DataKind.Prompts => richer != DataKind.Prompts,
        DataKind.Ift => richer == DataKind.Eft,
        _ => false,
    };
}
