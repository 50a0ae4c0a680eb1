using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>
/// Seed data as the log names it: kind, origin, number and SHA-256. A generated set is hashed in the canonical form of its documented
/// file format, so writing it to a file and hashing the file gives the same.
/// </summary>
public static class SeedSets
{
    public static IEnumerable<CanonicalJson> Lines(IEnumerable<InstructionExample> examples) => examples.Select(Line);

    public static CanonicalJson Line(InstructionExample example) => new CanonicalJson().Add("prompt", example.Prompt).Add("response", example.Response);

    public static IEnumerable<CanonicalJson> Lines(IEnumerable<JudgedExample> examples) => examples.Select(example => new CanonicalJson()
        .Add("prompt", example.Prompt).Add("response", example.Response).Add("judgement", example.Judgement).Add("score", example.Score));

    public static IEnumerable<CanonicalJson> Lines(IEnumerable<RankedPrompt> prompts) => prompts.Select(Line);

    public static CanonicalJson Line(RankedPrompt prompt) => new CanonicalJson()
        .Add("prompt", prompt.Prompt)
        .Add("responses", [.. prompt.Answers.Select(answer =>
        {
            var json = new CanonicalJson().Add("text", answer.Text).Add("rank", answer.Rank);
            return answer.Quality is { } quality ? json.Add("quality", quality) : json;
        })]);

    public static IEnumerable<CanonicalJson> Lines(IEnumerable<DraftExample> examples) =>
        examples.Select(example => new CanonicalJson().Add("shots", example.Shots).Add("prompt", example.Prompt));

    public static IEnumerable<CanonicalJson> Lines(IEnumerable<HeldOutPrompt> prompts) => prompts.Select(prompt =>
    {
        var json = new CanonicalJson().Add("prompt", prompt.Prompt);
        return prompt.Reference is { } reference ? json.Add("response", reference) : json;
    });

    public static string Hash(IEnumerable<InstructionExample> examples) => CanonicalJson.Sha256(Lines(examples));

    public static string Hash(IEnumerable<JudgedExample> examples) => CanonicalJson.Sha256(Lines(examples));

    public static string Hash(IEnumerable<RankedPrompt> prompts) => CanonicalJson.Sha256(Lines(prompts));

    public static string Hash(IEnumerable<DraftExample> examples) => CanonicalJson.Sha256(Lines(examples));

    public static string Hash(IEnumerable<HeldOutPrompt> prompts) => CanonicalJson.Sha256(Lines(prompts));

    /// <summary>What the log says about the sets of <paramref name="data"/>, where they were generated.</summary>
    /// <param name="origin">Stands in the place of a path, such as <c>kata</c>.</param>
    public static IReadOnlyList<SeedSet> OfGenerated(string origin, SeedData data) =>
    [
        new("ift", origin, data.Ift.Count, Hash(data.Ift)),
        new("eft", origin, data.EftJudged.Count, Hash(data.EftJudged)),
        new("drafts", origin, data.Drafts.Count, Hash(data.Drafts)),
        new("heldout-prompts", origin, data.HeldOutPrompts.Count, Hash(data.HeldOutPrompts)),
        new("heldout-ranked", origin, data.HeldOutRanked.Count, Hash(data.HeldOutRanked)),
    ];
}
