using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>A held-out instruction.</summary>
/// <param name="Reference">The right answer, where there is one that an answer can be compared with letter by letter.</param>
public sealed record HeldOutPrompt(string Prompt, string? Reference);

/// <summary>All the data that a run is given. What is held out is in no other set.</summary>
public sealed record SeedData
{
    /// <summary>Demonstrations: instruction and good answer.</summary>
    public required IReadOnlyList<InstructionExample> Ift { get; init; }

    /// <summary>Judged answers to learn judging from; empty where <see cref="EftRanked"/> is given instead.</summary>
    public IReadOnlyList<JudgedExample> EftJudged { get; init; } = [];

    /// <summary>Ranked answers, from which the SFT baseline makes judged ones; empty where <see cref="EftJudged"/> is given.</summary>
    public IReadOnlyList<RankedPrompt> EftRanked { get; init; } = [];

    /// <summary>Examples of drafting an instruction; files have none.</summary>
    public IReadOnlyList<DraftExample> Drafts { get; init; } = [];

    /// <summary>The instructions that new ones are drafted after, each once.</summary>
    public required IReadOnlyList<string> SeedPrompts { get; init; }

    /// <summary>Instructions to measure answering on.</summary>
    public required IReadOnlyList<HeldOutPrompt> HeldOutPrompts { get; init; }

    /// <summary>Ranked answers to measure judging on.</summary>
    public required IReadOnlyList<RankedPrompt> HeldOutRanked { get; init; }

    /// <summary>Where the right answer can be computed: (instruction, answer) to the score that a perfect judge gives. Only measuring may use it.</summary>
    public Func<string, string, double>? Oracle { get; init; }

    /// <summary>The sets by kind, number and SHA-256, in a fixed order.</summary>
    public IReadOnlyList<SeedSet> Sets { get; init; } = [];

    /// <summary>The data that a run's settings ask for: its files or, without any, Kata.</summary>
    /// <exception cref="DataFileException">A file cannot be used, or Kata cannot make so much; says which, where and why.</exception>
    public static SeedData For(RunSettings settings) =>
        settings.Data is { Ift: null, Eft: null, Heldout: null } ? KataSeedData.Generate(settings) : SeedDataFiles.Load(settings.Data, settings.Judge);
}
