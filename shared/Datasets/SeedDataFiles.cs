using System.Security.Cryptography;
using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>Seed and held-out data from the files that a run was given.</summary>
public static class SeedDataFiles
{
    /// <summary>Reads all three files; at most <see cref="DataSettings.Limit"/> examples of each, with scores of the judge's range.</summary>
    /// <exception cref="DataFileException">A file is missing, malformed or empty, or a held-out prompt is also in the training data.</exception>
    public static SeedData Load(DataSettings settings, JudgeSettings judge)
    {
        var (ift, eft, heldOut) = (Given(settings.Ift, "ift"), Given(settings.Eft, "eft"), Given(settings.Heldout, "heldout"));
        var demonstrations = Take(Jsonl.ReadInstructions(ift), settings.Limit, ift);
        var isRanked = Jsonl.HoldsRanked(eft);
        List<RankedPrompt> ranked = isRanked ? Take(Jsonl.ReadRanked(eft), settings.Limit, eft) : [];
        List<JudgedExample> judged = isRanked ? [] : Take(Jsonl.ReadJudged(eft, judge), settings.Limit, eft);
        var heldOutRanked = Take(Jsonl.ReadRanked(heldOut), settings.Limit, heldOut);

        RefuseLeak(heldOut, heldOutRanked, ift, demonstrations.Select(example => example.Prompt));
        RefuseLeak(heldOut, heldOutRanked, eft, isRanked ? ranked.Select(prompt => prompt.Prompt) : judged.Select(example => example.Prompt));

        var heldOutHash = Sha256(heldOut);
        return new SeedData
        {
            Ift = demonstrations,
            EftJudged = judged,
            EftRanked = ranked,
            SeedPrompts = [.. demonstrations.Select(example => example.Prompt).Distinct(StringComparer.Ordinal)],
            // The best of several free answers is no answer to compare with letter by letter.
            HeldOutPrompts = [.. heldOutRanked.Select(prompt => new HeldOutPrompt(prompt.Prompt, Reference: null))],
            HeldOutRanked = heldOutRanked,
            Sets =
            [
                new("ift", ift, demonstrations.Count, Sha256(ift)),
                new(isRanked ? "ranked" : "eft", eft, isRanked ? ranked.Count : judged.Count, Sha256(eft)),
                new("heldout-prompts", heldOut, heldOutRanked.Count, heldOutHash),
                new("heldout-ranked", heldOut, heldOutRanked.Count, heldOutHash),
            ],
        };
    }

    /// <summary>Lower-case hex SHA-256 of a file, as the log names it.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string Sha256(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    private static string Given(string? path, string name) =>
        path ?? throw new DataFileException($"data.{name} is not set: data.ift, data.eft and data.heldout go together.");

    private static List<T> Take<T>(IEnumerable<T> examples, int limit, string path)
    {
        var taken = (limit == 0 ? examples : examples.Take(limit)).ToList();
        return taken.Count > 0 ? taken : throw new DataFileException($"{path}: holds no examples, expected JSON Lines.");
    }

    private static void RefuseLeak(string heldOutPath, List<RankedPrompt> heldOut, string trainingPath, IEnumerable<string> training)
    {
        var seen = training.ToHashSet(StringComparer.Ordinal);
        var leaks = heldOut.Where(prompt => seen.Contains(prompt.Prompt)).ToList();
        if (leaks.Count > 0)
        {
            throw new DataFileException(
                $"{heldOutPath}: {leaks.Count} of {heldOut.Count} prompts are also in {trainingPath}, the first is \"{Shorten(leaks[0].Prompt)}\": take them out of one of the two, else the figures measure memory.");
        }
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";
}
