namespace SelfRewarding.Datasets.Kata;

/// <summary>Everything a Kata run starts from and is measured on.</summary>
/// <param name="Ift">Instructions with right answers.</param>
/// <param name="Eft">Answers of every quality with their judgements.</param>
/// <param name="Drafts">Examples of writing an instruction after others.</param>
/// <param name="SeedPrompts">Different instructions to put few-shot prompts together from.</param>
/// <param name="HeldOutInstructions">Different instructions that no training saw (nor their words), with right answers.</param>
/// <param name="HeldOutRanked">Likewise unseen instructions, each with answers of different quality in a known order.</param>
public sealed record KataData(
    IReadOnlyList<InstructionExample> Ift,
    IReadOnlyList<JudgedExample> Eft,
    IReadOnlyList<DraftExample> Drafts,
    IReadOnlyList<string> SeedPrompts,
    IReadOnlyList<InstructionExample> HeldOutInstructions,
    IReadOnlyList<RankedPrompt> HeldOutRanked)
{
    // Share of right answers to draw from while looking for answers of different quality.
    private const double RankedRightShare = 0.3;

    // The sets of one seed; the numbers decide what is drawn, so they never change.
    private enum Set : ulong { Ift = 1, Eft = 2, Drafts = 3, SeedPrompts = 4, HeldOut = 5 }

    /// <summary>Makes the data: a pure function of seed and options, and each set but the last two a prefix of the same set made larger.</summary>
    /// <exception cref="ArgumentException">Options that no data can be made with.</exception>
    public static KataData Generate(ulong seed, KataOptions? options = null)
    {
        options ??= new();
        options.Check();
        var prompts = SeedPromptsOf(Random(Set.SeedPrompts), options);
        var (heldOut, ranked) = HeldOutOf(Random(Set.HeldOut), options);
        return new(
            IftOf(Random(Set.Ift), options),
            EftOf(Random(Set.Eft), options),
            DraftsOf(Random(Set.Drafts), options, prompts),
            prompts,
            heldOut,
            ranked);

        KataRandom Random(Set set) => KataRandom.For(seed, (ulong)set);
    }

    private static List<InstructionExample> IftOf(KataRandom random, KataOptions options) => Make(options.Demonstrations, () =>
    {
        var instruction = Draw(random, KataPart.Training, options.MinLetters, options.DemonstrationMaxLetters);
        return new InstructionExample(instruction.ToString(), instruction.RightAnswer);
    });

    private static List<JudgedExample> EftOf(KataRandom random, KataOptions options) => Make(options.Judged, () =>
    {
        var instruction = Draw(random, KataPart.Training, options.MinLetters, options.MaxLetters);
        var answer = KataMistakes.Answer(random, instruction, options.RightShare);
        var comparison = KataComparison.Of(instruction, answer);
        return new JudgedExample(instruction.ToString(), answer, comparison.Judgement, comparison.Score);
    });

    private static List<string> SeedPromptsOf(KataRandom random, KataOptions options) =>
        [.. Different(random, KataPart.Training, options).Take(options.SeedPrompts).Select(instruction => instruction.ToString())];

    private static List<DraftExample> DraftsOf(KataRandom random, KataOptions options, List<string> prompts) => Make(options.Drafts, () => new DraftExample(
        Make(options.Shots, () => random.Choose(prompts)),
        Draw(random, KataPart.Training, options.MinLetters, options.MaxLetters).ToString()));

    private static (List<InstructionExample> Instructions, List<RankedPrompt> Ranked) HeldOutOf(KataRandom random, KataOptions options)
    {
        // One stream of different instructions feeds both sets, so they share none. Those that nothing is measured on come last: with them or without, runs of one seed are measured on the same.
        using var different = Different(random, options.MeasuredOn, options).GetEnumerator();
        var instructions = Make(options.HeldOutInstructions, Next);
        var ranked = new List<RankedPrompt>(options.HeldOutRanked);
        while (ranked.Count < options.HeldOutRanked && different.MoveNext())
        {
            if (TryRank(random, different.Current, options.RankedAnswers) is { } prompt)
                ranked.Add(prompt);
        }
        instructions.AddRange(Make(options.Validation, Next));
        return (instructions, ranked);

        InstructionExample Next()
        {
            different.MoveNext();
            return new InstructionExample(different.Current.ToString(), different.Current.RightAnswer);
        }
    }

    // Null where the instruction has too few grades of wrong (the "last" of a short word, say) to give that many different answers.
    private static RankedPrompt? TryRank(KataRandom random, KataInstruction instruction, int count)
    {
        const int Tries = 300;
        var byMistakes = new Dictionary<int, string>();
        for (var i = 0; i < Tries && byMistakes.Count < count; i++)
        {
            var answer = KataMistakes.Answer(random, instruction, RankedRightShare);
            byMistakes.TryAdd(KataComparison.Of(instruction, answer).Mistakes, answer);
        }
        if (byMistakes.Count < count)
            return null;
        var best = byMistakes.Keys.Order().ToList();
        return new(instruction.ToString(), [.. byMistakes.Select(pair => new RankedAnswer(pair.Value, best.IndexOf(pair.Key), -pair.Key))]);
    }

    private static IEnumerable<KataInstruction> Different(KataRandom random, KataPart part, KataOptions options)
    {
        var seen = new HashSet<KataInstruction>();
        while (true)
        {
            var instruction = Draw(random, part, options.MinLetters, options.MaxLetters);
            if (seen.Add(instruction))
                yield return instruction;
        }
    }

    // A nearly uniform instruction: only those whose right answer would be empty are drawn again.
    private static KataInstruction Draw(KataRandom random, KataPart part, int minLetters, int maxLetters)
    {
        while (true)
        {
            var instruction = new KataInstruction(random.Choose(KataInstruction.Families), KataWords.Draw(random, part, minLetters, maxLetters));
            if (instruction.RightAnswer.Length > 0)
                return instruction;
        }
    }

    private static List<T> Make<T>(int count, Func<T> make)
    {
        var items = new List<T>(count);
        for (var i = 0; i < count; i++)
            items.Add(make());
        return items;
    }
}
