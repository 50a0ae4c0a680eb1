namespace SelfRewarding.Datasets.Kata;

/// <summary>What a word may be used for. The parts never share a word, so no instruction of one part is ever seen by another.</summary>
public enum KataPart
{
    /// <summary>Seed data: demonstrations, judged answers, examples of instructions.</summary>
    Training,

    /// <summary>For choosing settings.</summary>
    Development,

    /// <summary>For the figures that are reported; nothing may be chosen by them.</summary>
    HeldOut,
}

/// <summary>The words of Kata, split into parts by a hash of their letters: disjoint by construction, whatever the seed.</summary>
internal static class KataWords
{
    private const int Slices = 20;

    /// <summary>A word's part: one slice in twenty is held out, one is for development, the rest train.</summary>
    public static KataPart PartOf(string word) => (Hash(word) % Slices) switch
    {
        0 => KataPart.HeldOut,
        1 => KataPart.Development,
        _ => KataPart.Training,
    };

    /// <summary>A word of the part, its length uniform in [<paramref name="minLetters"/>, <paramref name="maxLetters"/>].</summary>
    public static string Draw(KataRandom random, KataPart part, int minLetters, int maxLetters)
    {
        while (true)
        {
            var word = string.Create(random.Between(minLetters, maxLetters), random, static (letters, random) =>
            {
                foreach (ref var letter in letters)
                    letter = random.Choose(KataInstruction.Letters);
            });
            if (PartOf(word) == part)
                return word;
        }
    }

    // FNV-1a over the letters, then the finaliser of MurmurHash3 without its last step: the low bits alone would follow the last letter.
    private static uint Hash(string word)
    {
        var hash = 2166136261u;
        foreach (var letter in word)
            hash = (hash ^ letter) * 16777619u;
        hash = (hash ^ (hash >> 15)) * 2246822519u;
        return hash ^ (hash >> 13);
    }
}
