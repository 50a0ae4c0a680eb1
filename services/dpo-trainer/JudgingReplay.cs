using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// A model that trains on its answers alone forgets how to judge. Replay shows it some judging examples of the seed in every step; which ones
/// follows from seed and step. The paper has none (0 examples).
/// </summary>
public sealed class JudgingReplay
{
    private readonly List<(TrainingSequence Sequence, int Example)> _rows;
    private readonly int _perStep;
    private readonly ulong _key;

    private JudgingReplay(List<(TrainingSequence Sequence, int Example)> rows, int perStep, ulong key) => (_rows, _perStep, _key) = (rows, perStep, key);

    /// <summary>Tokenises the judging seed in the run's format; null where replay is off or there is nothing to replay.</summary>
    public static JudgingReplay? Of(IReadOnlyList<JudgedExample> judged, RunSettings settings, int iteration, ChatTemplate chat, int context)
    {
        if (settings.Dpo.ReplayJudged == 0)
            return null;
        var format = new PromptFormat(settings.Format);
        var rows = judged
            .Select((example, index) => (Sequence: chat.Sequence(format.Judge(example.Prompt, example.Response), example.Judgement), Example: index))
            .Where(row => row.Sequence.Length <= context)
            .ToList();
        return rows.Count == 0 ? null : new JudgingReplay(rows, settings.Dpo.ReplayJudged, DrawKey.For(settings.Seed, DrawPurpose.Shuffle, iteration + 1, 1));
    }

    /// <summary>Examples that can be shown.</summary>
    public int Count => _rows.Count;

    /// <summary>An example.</summary>
    public TrainingSequence this[int row] => _rows[row].Sequence;

    /// <summary>Which of the judging examples a row is: those that are too long have none.</summary>
    public int ExampleOf(int row) => _rows[row].Example;

    /// <summary>The rows of a step, steps counted from 1; each time round in an order of its own.</summary>
    public IReadOnlyList<int> Batch(int step) => [.. Enumerable.Range(0, _perStep).Select(i =>
    {
        var (epoch, position) = Math.DivRem(((long)(step - 1) * _perStep) + i, _rows.Count);
        return KeyedPermutation.At((int)position, _rows.Count, DrawKey.For(_key, DrawPurpose.Shuffle, (int)epoch));
    })];
}
