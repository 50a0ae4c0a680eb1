using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Datasets.Kata;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Answers and judgements to give where no model writes any: those that Kata's judging seed holds, which is what its models learn to write. Which one is given follows from the
/// draw's key alone.
/// </summary>
internal sealed class RecordedTexts
{
    private const int Recordings = 1024;

    // Mean answer of the paper's M1 (1,092 characters) and a justification of a few sentences, at four characters a token, which is usual for English.
    private const int CharactersPerToken = 4, PaperAnswer = 1092, PaperJudgement = 600;
    private const int PaperVocabulary = 32_000;
    private const int WordLetters = 7;

    private readonly IReadOnlyList<GeneratedText> _answers, _judgements;

    private RecordedTexts(string name, IEnumerable<GeneratedText> answers, IEnumerable<GeneratedText> judgements)
    {
        Name = name;
        (_answers, _judgements) = ([.. answers], [.. judgements]);
    }

    /// <summary>Whose lengths the texts have.</summary>
    public string Name { get; }

    /// <summary>Of an answer, the stop token included.</summary>
    public double MeanAnswerTokens => _answers.Average(text => text.Tokens.Count + 1);

    /// <summary>Of a judgement, the stop token included.</summary>
    public double MeanJudgementTokens => _judgements.Average(text => text.Tokens.Count + 1);

    /// <summary>As they are, a token for each byte.</summary>
    public static RecordedTexts Kata()
    {
        var tokenizer = ByteLevelTokenizer.ForKata();
        var examples = Examples();
        return new("Kata", examples.Select(example => Text(example.Response)), examples.Select(example => Text(example.Judgement)));

        GeneratedText Text(string text) => Written(text, tokenizer.Encode(text));
    }

    /// <summary>As long as a large model's: each is followed by others until the mean is the paper's, so that lengths are spread as Kata's are.</summary>
    public static RecordedTexts Paper()
    {
        var examples = Examples();
        var (answers, judgements) = (examples.ConvertAll(e => e.Response), examples.ConvertAll(e => e.Judgement[..e.Judgement.IndexOf(" Score", StringComparison.Ordinal)]));
        return new(
            "paper",
            Lengthened(answers, PaperAnswer).Select(Text),
            Lengthened(judgements, PaperJudgement).Zip(examples, (text, example) => Text($"{text} Score: {example.Score}")));

        static GeneratedText Text(string text) => Written(text, [.. text.Chunk(CharactersPerToken).Select(letters => letters.Aggregate(7, (id, letter) => ((id * 31) + letter) % PaperVocabulary))]);
    }

    public GeneratedText Answer(ulong key) => _answers[(int)(key % Recordings)];

    public GeneratedText Judgement(ulong key) => _judgements[(int)(key % Recordings)];

    /// <summary>A new instruction: drafts that repeat one another are refused, so these come from tens of millions.</summary>
    public static GeneratedText Draft(ulong key)
    {
        var family = KataInstruction.Families[(int)(key % (ulong)KataInstruction.Families.Count)];
        key /= (ulong)KataInstruction.Families.Count;
        var word = new char[WordLetters];
        for (var i = 0; i < word.Length; i++, key /= (ulong)KataInstruction.Letters.Length)
            word[i] = KataInstruction.Letters[(int)(key % (ulong)KataInstruction.Letters.Length)];
        var text = new KataInstruction(family, new string(word)).ToString();
        return Written(text, [.. text.Select(letter => (int)letter)]);
    }

    // Texts that repeat themselves would be compressed to nothing in the log.
    private static IEnumerable<string> Lengthened(List<string> texts, double mean)
    {
        var factor = mean / texts.Average(text => text.Length);
        for (var i = 0; i < texts.Count; i++)
        {
            var (longer, length) = (new StringBuilder(), (int)(texts[i].Length * factor));
            for (var j = i; longer.Length < length; j = (j + 1) % texts.Count)
                longer.Append(texts[j]).Append(' ');
            yield return longer.ToString(0, length);
        }
    }

    private static List<JudgedExample> Examples() =>
        [.. KataData.Generate(1, new() { Judged = Recordings, Demonstrations = 1, Drafts = 1, SeedPrompts = 1, HeldOutInstructions = 1, HeldOutRanked = 1 }).Eft
            .Select(example => example with { Response = example.Response.Length == 0 ? "_" : example.Response })];

    private static GeneratedText Written(string text, int[] tokens) => new(text, tokens, Finish.Stop, -0.5 * tokens.Length);
}
