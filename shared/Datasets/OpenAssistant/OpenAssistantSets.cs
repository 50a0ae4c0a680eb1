using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SelfRewarding.Datasets.OpenAssistant;

/// <summary>The sets that a file of trees is parted into.</summary>
public enum OpenAssistantSet
{
    /// <summary>Demonstrations: prompts with the answer that people liked best.</summary>
    Ift,

    /// <summary>Ranked answers to make judging examples of.</summary>
    Ranked,

    /// <summary>Ranked answers to measure on.</summary>
    HeldOut,
}

/// <summary>How a file of trees is parted.</summary>
/// <param name="Language">Of prompt and answers.</param>
/// <param name="RankedShare">The share of prompts whose ranked answers are for the judging seed.</param>
/// <param name="HeldOutShare">The share of prompts that no training sees.</param>
public sealed record OpenAssistantOptions(string Language = "en", double RankedShare = 0.3, double HeldOutShare = 0.1);

/// <summary>
/// Makes seed data of Open Assistant's message trees, one tree at a time. The prompt's own text decides which set a tree is for, so trees with the same prompt fall into the same set
/// and the three are disjoint, by tree and by prompt, whatever the file's order; of each tree that was read 16 bytes are kept, to know it if it comes again.
/// </summary>
public sealed class OpenAssistantSets(OpenAssistantOptions options)
{
    private readonly HashSet<UInt128> _seen = [];
    private readonly Dictionary<OpenAssistantSet, SetCounts> _sets = Enum.GetValues<OpenAssistantSet>().ToDictionary(set => set, _ => new SetCounts(0, 0, 0));
    private readonly Dictionary<string, long> _leftOut = new(StringComparer.Ordinal);

    /// <summary>Prompts, answers and pairs of answers with different ranks.</summary>
    public sealed record SetCounts(long Prompts, long Answers, long Pairs);

    /// <summary>How many trees were read.</summary>
    public long Trees { get; private set; }

    /// <summary>What each set got.</summary>
    public IReadOnlyDictionary<OpenAssistantSet, SetCounts> Sets => _sets;

    /// <summary>Trees that no set got, by reason, in the order in which the reasons first came up.</summary>
    public IReadOnlyDictionary<string, long> LeftOut => _leftOut;

    /// <summary>The file's examples in its order, each as the line of its set.</summary>
    /// <exception cref="DataFileException">A line is no message tree; says which and why.</exception>
    public IEnumerable<(OpenAssistantSet Set, CanonicalJson Line)> Read(string path)
    {
        foreach (var line in Jsonl.Read(path))
        {
            Trees++;
            if (Example(MessageTree.Read(line)) is { } example)
                yield return example;
        }
    }

    private (OpenAssistantSet, CanonicalJson)? Example(MessageTree tree)
    {
        if (!_seen.Add(BinaryPrimitives.ReadUInt128BigEndian(Hash(tree.Id))))
            return LeaveOut("read before");
        if (!tree.IsFinished)
            return LeaveOut("not ready for export");
        if (tree.Prompt is not { IsGood: true } prompt || string.IsNullOrWhiteSpace(prompt.Text))
            return LeaveOut("without a good prompt");
        if (prompt.Language != options.Language)
            return LeaveOut("in another language");

        var answers = tree.Answers
            .Where(answer => answer is { IsGood: true, Rank: not null } && answer.Language == options.Language && !string.IsNullOrWhiteSpace(answer.Text))
            .OrderBy(answer => answer.Rank).ToList();
        var set = SetOf(prompt.Text);
        if (set == OpenAssistantSet.Ift)
            return answers is [{ Rank: 0 } best, ..] ? Demonstration(prompt.Text, best.Text) : LeaveOut("without an answer of rank 0");
        return answers.DistinctBy(answer => answer.Rank).Count() > 1 ? Ranking(set, prompt.Text, answers) : LeaveOut("without two ranked answers");
    }

    private (OpenAssistantSet, CanonicalJson) Demonstration(string prompt, string answer)
    {
        var counts = _sets[OpenAssistantSet.Ift];
        _sets[OpenAssistantSet.Ift] = counts with { Prompts = counts.Prompts + 1, Answers = counts.Answers + 1 };
        return (OpenAssistantSet.Ift, SeedSets.Line(new InstructionExample(prompt, answer)));
    }

    // Where an answer in between was left out, those behind it move up: rank 0 is the best of these.
    private (OpenAssistantSet, CanonicalJson) Ranking(OpenAssistantSet set, string prompt, List<TreeMessage> answers)
    {
        var ranks = answers.Select(answer => answer.Rank).Distinct().ToList();
        var ranked = new RankedPrompt(prompt, [.. answers.Select(answer => new RankedAnswer(answer.Text, ranks.IndexOf(answer.Rank), answer.Quality))]);
        var counts = _sets[set];
        _sets[set] = new(counts.Prompts + 1, counts.Answers + answers.Count, counts.Pairs + ranked.DifferentPairs());
        return (set, SeedSets.Line(ranked));
    }

    private OpenAssistantSet SetOf(string prompt)
    {
        // White space and case make no other prompt.
        var text = string.Join(' ', prompt.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToLowerInvariant();
        var place = BinaryPrimitives.ReadUInt64BigEndian(Hash(text)) / (double)ulong.MaxValue;
        return place < options.HeldOutShare ? OpenAssistantSet.HeldOut
            : place < options.HeldOutShare + options.RankedShare ? OpenAssistantSet.Ranked
            : OpenAssistantSet.Ift;
    }

    private (OpenAssistantSet, CanonicalJson)? LeaveOut(string reason)
    {
        _leftOut[reason] = _leftOut.GetValueOrDefault(reason) + 1;
        return null;
    }

    private static ReadOnlySpan<byte> Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan();
}
