namespace SelfRewarding.Datasets.Kata;

/// <summary>Wrong answers of the kinds that a learner gives: another family's answer, or the right one with a few slips.</summary>
internal static class KataMistakes
{
    private const double AnotherFamily = 0.2;
    private const double OneSlipMore = 0.4;
    private const double FromTheWord = 0.4;

    private enum Slip { Transpose, Replace, Drop, Insert, Repeat }

    // Replacing is the commonest slip of a model that has lost its place.
    private static readonly Slip[] s_slips = [Slip.Transpose, Slip.Replace, Slip.Replace, Slip.Drop, Slip.Insert, Slip.Repeat];

    /// <summary>The right answer with the given probability, else a mistaken one (which may turn out right by chance).</summary>
    public static string Answer(KataRandom random, KataInstruction instruction, double rightShare) =>
        random.Chance(rightShare) ? instruction.RightAnswer : Mistaken(random, instruction);

    private static string Mistaken(KataRandom random, KataInstruction instruction)
    {
        if (random.Chance(AnotherFamily))
            return (instruction with { Family = random.Choose(KataInstruction.Families) }).RightAnswer;
        var answer = instruction.RightAnswer.ToList();
        var upper = char.IsUpper(answer[0]);
        do
            Apply(random, random.Choose(s_slips), answer, instruction.Word, upper);
        while (random.Chance(OneSlipMore));
        return string.Concat(answer);
    }

    private static void Apply(KataRandom random, Slip slip, List<char> answer, string word, bool upper)
    {
        var at = random.Below(answer.Count);
        switch (slip)
        {
            case Slip.Transpose when at + 1 < answer.Count:
                (answer[at], answer[at + 1]) = (answer[at + 1], answer[at]);
                break;
            case Slip.Replace:
                answer[at] = Letter(random, random.Chance(FromTheWord) ? word : KataInstruction.Letters, upper);
                break;
            case Slip.Drop when answer.Count > 1:
                answer.RemoveAt(at);
                break;
            case Slip.Insert:
                answer.Insert(at, Letter(random, KataInstruction.Letters, upper));
                break;
            case Slip.Repeat:
                answer.Insert(at, answer[at]);
                break;
        }
    }

    private static char Letter(KataRandom random, string letters, bool upper)
    {
        var letter = random.Choose(letters);
        return upper ? char.ToUpperInvariant(letter) : letter;
    }
}
