using SelfRewarding.Contracts;
using SelfRewarding.Datasets.Kata;

namespace SelfRewarding.Datasets;

/// <summary>Kata as a run's seed and held-out data.</summary>
public static class KataSeedData
{
    /// <summary>A pure function of the run's seed and settings.</summary>
    /// <exception cref="DataFileException">Settings that Kata cannot make data with.</exception>
    public static SeedData Generate(RunSettings settings)
    {
        try
        {
            var kata = KataData.Generate(settings.Seed, Options(settings));
            var data = new SeedData
            {
                Ift = kata.Ift,
                EftJudged = kata.Eft,
                Drafts = kata.Drafts,
                SeedPrompts = kata.SeedPrompts,
                HeldOutPrompts = [.. kata.HeldOutInstructions.Select(example => new HeldOutPrompt(example.Prompt, example.Response))],
                HeldOutRanked = kata.HeldOutRanked,
                Oracle = (instruction, answer) => KataComparison.Of(KataInstruction.Parse(instruction), answer.Trim()).Score,
            };
            return data with { Sets = SeedSets.OfGenerated("kata", data) };
        }
        catch (ArgumentException e)
        {
            throw new DataFileException(e.Message, e);
        }
    }

    private static KataOptions Options(RunSettings settings) => new()
    {
        Demonstrations = settings.Data.KataIft,
        DemonstrationMaxLetters = settings.Data.KataIftMaxLetters,
        Judged = settings.Data.KataEft,
        Drafts = settings.Data.KataDrafts,
        Shots = Math.Max(1, settings.Prompts.SeedShots + settings.Prompts.OwnShots),
        HeldOutInstructions = settings.Evaluation.Prompts,
        Validation = settings.Dpo.EarlyStopping is { Every: > 0 } stopping ? stopping.Prompts : 0,
        HeldOutRanked = settings.Evaluation.Ranked,
    };
}
