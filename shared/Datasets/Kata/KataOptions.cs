namespace SelfRewarding.Datasets.Kata;

/// <summary>How much of what Kata makes. Sizes are counts of examples, lengths are letters of the instruction's word.</summary>
public sealed record KataOptions
{
    /// <summary>IFT: instructions with their right answers.</summary>
    public int Demonstrations { get; init; } = 2_000;

    /// <summary>EFT: answers, right and wrong, with their judgements.</summary>
    public int Judged { get; init; } = 15_000;

    /// <summary>Examples of writing an instruction after others.</summary>
    public int Drafts { get; init; } = 1_000;

    /// <summary>Instructions shown in each of <see cref="Drafts"/>.</summary>
    public int Shots { get; init; } = 8;

    /// <summary>Instructions that few-shot prompts are put together from, and that drafts must not repeat.</summary>
    public int SeedPrompts { get; init; } = 1_000;

    /// <summary>Held-out instructions to answer, all different.</summary>
    public int HeldOutInstructions { get; init; } = 1_000;

    /// <summary>Held-out instructions with ranked answers, none of them among <see cref="HeldOutInstructions"/>.</summary>
    public int HeldOutRanked { get; init; } = 250;

    /// <summary>Held-out instructions behind <see cref="HeldOutInstructions"/> that nothing is measured on: how many there are changes no other set.</summary>
    public int Validation { get; init; }

    /// <summary>Answers to each ranked instruction, all of different quality.</summary>
    public int RankedAnswers { get; init; } = 4;

    public int MinLetters { get; init; } = 3;
    public int MaxLetters { get; init; } = 7;

    /// <summary>The longest word that is demonstrated; judged answers, drafts and held-out instructions go up to <see cref="MaxLetters"/>.</summary>
    public int DemonstrationMaxLetters { get; init; } = 7;

    /// <summary>Share of right answers among the judged ones.</summary>
    public double RightShare { get; init; } = 0.3;

    /// <summary>Where the held-out words come from: <see cref="KataPart.Development"/> while settings are being chosen.</summary>
    public KataPart MeasuredOn { get; init; } = KataPart.HeldOut;

    /// <exception cref="ArgumentException">A setting that no data can be made with; the message says which.</exception>
    internal void Check()
    {
        if (MinLetters < 3 || MaxLetters > 12 || MinLetters > MaxLetters)
            throw new ArgumentException($"Kata words have {MinLetters} to {MaxLetters} letters; expected 3 <= MinLetters <= MaxLetters <= 12.");
        if (DemonstrationMaxLetters < MinLetters || DemonstrationMaxLetters > MaxLetters)
            throw new ArgumentException($"Kata's DemonstrationMaxLetters is {DemonstrationMaxLetters}; expected {MinLetters} to {MaxLetters}.");
        if (RankedAnswers is < 2 or > 5)
            throw new ArgumentException($"Kata's RankedAnswers is {RankedAnswers}; expected 2 to 5: a short word has no more grades of wrong.");
        if (MeasuredOn == KataPart.Training)
            throw new ArgumentException("Kata cannot measure on the words that it trains on; set MeasuredOn to HeldOut or Development.");
        // A twentieth of the words, times eight families, of which all held-out sets together take no more than half.
        var available = Enumerable.Range(MinLetters, MaxLetters - MinLetters + 1).Sum(letters => Math.Pow(KataInstruction.Letters.Length, letters));
        if (HeldOutInstructions + Validation + HeldOutRanked > available / 20 * KataInstruction.Families.Count / 2)
            throw new ArgumentException($"{HeldOutInstructions + Validation} held-out instructions and {HeldOutRanked} ranked ones are more than words of {MinLetters} to {MaxLetters} letters can give.");
    }
}
