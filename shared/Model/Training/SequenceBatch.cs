using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>One sequence to learn from: the ids of a prompt and of the response to it, with its stop token.</summary>
public sealed record TrainingSequence(int[] Prompt, int[] Response)
{
    /// <summary>Tokens in all.</summary>
    public int Length => Prompt.Length + Response.Length;
}

/// <summary>
/// Sequences laid one after another without padding, R rows in all, with next-token targets: the row that reads token i has token i + 1 as
/// its target where that is part of the response, and −100 elsewhere. The shift happens here and nowhere else.
/// </summary>
public sealed class SequenceBatch : IDisposable
{
    /// <summary>From so many tokens on, scoring only the rows that have a target saves more than picking them costs.</summary>
    internal const int LargeVocabulary = 4096;

    private readonly int[] _offsets;
    private readonly torch.Tensor _targetRows; // (TargetTokens) int64

    private SequenceBatch(int[] offsets, torch.Tensor ids, torch.Tensor targets, SequenceLayout layout, long[] targetRows, torch.Tensor segment)
    {
        _offsets = offsets;
        _targetRows = torch.tensor(targetRows, [targetRows.Length], device: ids.device);
        Ids = ids;
        Targets = targets;
        Layout = layout;
        TargetTokens = targetRows.Length;
        Segment = segment;
    }

    /// <summary>(R) int64.</summary>
    public torch.Tensor Ids { get; }

    /// <summary>(R) int64, −100 where the next token is not to be learned.</summary>
    public torch.Tensor Targets { get; }

    /// <summary>Where each sequence lies among the rows.</summary>
    public SequenceLayout Layout { get; }

    /// <summary>(S, R) float32: 1 where the row belongs to the sequence. Sums rows to sequences with one product.</summary>
    public torch.Tensor Segment { get; }

    /// <summary>Tokens that the loss is taken over.</summary>
    public int TargetTokens { get; }

    /// <summary>All tokens.</summary>
    public int Tokens => _offsets[^1];

    /// <summary>Sequences.</summary>
    public int Count => _offsets.Length - 1;

    /// <summary>Packs sequences.</summary>
    /// <param name="sequences">At least one, each with a prompt and a response.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    public static SequenceBatch Of(IReadOnlyList<TrainingSequence> sequences, torch.Device? device = null)
    {
        if (sequences.Count == 0 || sequences.Any(sequence => sequence.Prompt.Length == 0 || sequence.Response.Length == 0))
            throw new ArgumentException("A batch needs at least one sequence, and each a prompt and a response of at least one token.", nameof(sequences));
        var offsets = new int[sequences.Count + 1];
        for (var s = 0; s < sequences.Count; s++)
            offsets[s + 1] = offsets[s] + sequences[s].Length;
        var ids = new long[offsets[^1]];
        var targets = new long[offsets[^1]];
        var segment = new float[sequences.Count * offsets[^1]];
        Array.Fill(targets, -100);
        var targetRows = new List<long>();
        for (var s = 0; s < sequences.Count; s++)
        {
            var (start, sequence) = (offsets[s], sequences[s]);
            for (var i = 0; i < sequence.Length; i++)
            {
                ids[start + i] = i < sequence.Prompt.Length ? sequence.Prompt[i] : sequence.Response[i - sequence.Prompt.Length];
                segment[(s * offsets[^1]) + start + i] = 1;
                if (i > 0 && i >= sequence.Prompt.Length)
                {
                    targets[start + i - 1] = ids[start + i];
                    targetRows.Add(start + i - 1);
                }
            }
        }

        return new SequenceBatch(
            offsets, torch.tensor(ids, [ids.Length], device: device), torch.tensor(targets, [targets.Length], device: device), SequenceLayout.Of(offsets, device), [.. targetRows],
            torch.tensor(segment, [sequences.Count, ids.Length], device: device));
    }

    /// <summary>Log-probability of each row's target, 0 where it has none.  (R)</summary>
    public torch.Tensor TargetLogProbs(Llama model, DropoutKey? dropout = null) => LogProbs(model, model.Forward(Ids, Layout, dropout));

    /// <summary>The same, to go back through with <see cref="TrainingPasses.Backward"/>.  (R)</summary>
    public torch.Tensor TargetLogProbs(TrainingPasses passes, DropoutKey? dropout = null) => LogProbs(passes.Model, passes.Forward(this, dropout));

    /// <summary>log p(response | prompt) of each sequence: the sum over the response's tokens, never their mean.  (S)</summary>
    public torch.Tensor ResponseLogProbs(Llama model, DropoutKey? dropout = null) => Sums(TargetLogProbs(model, dropout));

    /// <summary>The same, to go back through with <see cref="TrainingPasses.Backward"/>.  (S)</summary>
    public torch.Tensor ResponseLogProbs(TrainingPasses passes, DropoutKey? dropout = null) => Sums(TargetLogProbs(passes, dropout));

    /// <summary>Response tokens of each sequence.  (S)</summary>
    public torch.Tensor ResponseLengths() =>
        Kernels.Linear(Segment, Targets.ne(-100).to_type(torch.ScalarType.Float32).unsqueeze(0)).squeeze(1);

    private torch.Tensor LogProbs(Llama model, torch.Tensor hidden)
    {
        if (model.Config.VocabSize < LargeVocabulary) return Kernels.LogProbs(model.Logits(hidden), Targets);
        var logits = model.Logits(Kernels.Embedding(_targetRows, hidden)); // (TargetTokens, V)
        return torch.zeros([Tokens], device: hidden.device).index_copy_(0, _targetRows, Kernels.LogProbs(logits, Targets.index_select(0, _targetRows)));
    }

    private torch.Tensor Sums(torch.Tensor logProbs) => Kernels.Linear(Segment, logProbs.unsqueeze(0)).squeeze(1);

    public void Dispose()
    {
        Ids.Dispose();
        Targets.Dispose();
        _targetRows.Dispose();
        Segment.Dispose();
        Layout.Dispose();
    }
}
