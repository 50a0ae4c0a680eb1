using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using TorchSharp;

namespace SelfRewarding.DpoTrainer;

/// <summary>A pair, and how its rejected text ended.</summary>
public sealed record FrozenPair(CanonicalPair Pair, Finish RejectedFinish)
{
    /// <summary>All that a prompt gives to train on: a pair of answers, one of judgements, both or neither.</summary>
    public static IEnumerable<FrozenPair> AllOf(PromptHistory history) =>
        CanonicalPair.AllOf(history.Outcome).Select(pair => new FrozenPair(pair, (pair.IsJudging ? RejectedJudgement(history) : RejectedAnswer(history)) ?? Finish.Stop));

    private static Finish? RejectedAnswer(PromptHistory history) =>
        history.Sampled?.Candidates.FirstOrDefault(candidate => candidate.Index == (history.Outcome as PreferencePairBuilt)?.Rejected.Candidate)?.Finish;

    private static Finish? RejectedJudgement(PromptHistory history) => history.Judging is { } judging
        ? history.Judged?.Judgements.FirstOrDefault(judgement => judgement.Candidate == judging.Candidate && judgement.Index == judging.Pair?.Rejected.Judgement)?.Finish
        : null;
}

/// <summary>The frozen preference data of one iteration, read from the log, held to its hash, tokenised.</summary>
public sealed class FrozenPairs
{
    private const int ReferenceBatch = 32;

    private readonly List<Row> _rows = [];
    private readonly ulong _key;

    private FrozenPairs(ulong key) => _key = key;

    /// <summary>One pair.</summary>
    /// <param name="IsJudging">Whether it is the prompt's pair of judgements, not of answers.</param>
    public sealed record Row(int Ordinal, bool IsJudging, TrainingSequence Chosen, TrainingSequence Rejected);

    /// <summary>Log-probabilities under a model, by row: sums over response tokens, in nats.</summary>
    public sealed record LogProbs(float[] Chosen, float[] Rejected);

    /// <summary>Pairs that are trained on.</summary>
    public int Count => _rows.Count;

    /// <summary>Pairs left out because they do not fit into the context.</summary>
    public int TooLong { get; private set; }

    /// <summary>SHA-256 over the ids of every row, in order: what a model's log-probabilities of them depend on beside the model.</summary>
    public string Sha256 { get; private set; } = "";

    /// <summary>A pair.</summary>
    public Row this[int row] => _rows[row];

    /// <summary>Reads the pairs of an iteration, writes them beside the models for people to look at, and tokenises them.</summary>
    /// <exception cref="InvalidDataException">The log's pairs do not hash to what was frozen.</exception>
    public static async Task<FrozenPairs> LoadAsync(
        RunLog log, DatasetFrozen frozen, RunSettings settings, ChatTemplate chat, int context, WorkerOptions options, CancellationToken cancellationToken)
    {
        var pairs = new List<FrozenPair>();
        await foreach (var history in log.ReadIterationAsync(frozen.Run, frozen.Iteration, cancellationToken))
            pairs.AddRange(FrozenPair.AllOf(history));

        var sha256 = CanonicalDataset.Sha256(pairs.Select(pair => pair.Pair));
        if (sha256 != frozen.Sha256)
            throw new InvalidDataException($"The pairs of iteration {frozen.Iteration} of run '{frozen.Run}' hash to {sha256}, expected {frozen.Sha256} as frozen: the log was changed. Nothing is trained on it.");
        var file = options.Locate(Path.Combine("runs", frozen.Run, "pairs", $"{frozen.Model}.jsonl"));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        AtomicFile.Write(file, stream => CanonicalDataset.Write(pairs.Select(pair => pair.Pair), stream));
        return Of(pairs, frozen.Iteration, settings, chat, context);
    }

    /// <summary>Tokenises pairs in the run's format.</summary>
    public static FrozenPairs Of(IReadOnlyList<FrozenPair> pairs, int iteration, RunSettings settings, ChatTemplate chat, int context)
    {
        var dataset = new FrozenPairs(DrawKey.For(settings.Seed, DrawPurpose.Shuffle, iteration + 1));
        var format = new PromptFormat(settings.Format);
        foreach (var (pair, rejectedFinish) in pairs)
        {
            var prompt = pair.Response is { } judged ? format.Judge(pair.Prompt, judged) : format.Answer(pair.Prompt);
            var rejected = pair.Rejected; // a text that was cut off never said that it was at its end
            var row = new Row(pair.Ordinal, pair.IsJudging, chat.Sequence(prompt, pair.Chosen), chat.Sequence(prompt, rejected, ends: rejectedFinish == Finish.Stop || rejected.Length == 0));
            if (Math.Max(row.Chosen.Length, row.Rejected.Length) > context)
                dataset.TooLong++;
            else
                dataset._rows.Add(row);
        }

        dataset.Sha256 = Hash(dataset._rows);
        return dataset;
    }

    /// <summary>Batches in one pass over the pairs; the last may be smaller.</summary>
    public int BatchesPerEpoch(int size) => (Count + size - 1) / size;

    /// <summary>The rows of a step's batch, steps counted from 1; each epoch has an order of its own.</summary>
    public IReadOnlyList<int> Batch(int step, int size)
    {
        var (epoch, batch) = Math.DivRem(step - 1, BatchesPerEpoch(size));
        var key = DrawKey.For(_key, DrawPurpose.Shuffle, epoch);
        return [.. Enumerable.Range(batch * size, Math.Min(size, Count - (batch * size))).Select(position => KeyedPermutation.At(position, Count, key))];
    }

    /// <summary>Which rows of a batch are pairs of judgements, by their places in it; null where none is.</summary>
    public IReadOnlyList<int>? JudgingIn(IReadOnlyList<int> batch)
    {
        IReadOnlyList<int> places = [.. batch.Index().Where(row => _rows[row.Item].IsJudging).Select(row => row.Index)];
        return places.Count == 0 ? null : places;
    }

    /// <summary>Scores every pair with a model that does not change, such as the reference.</summary>
    public LogProbs ScoreWith(Llama model)
    {
        var scores = new LogProbs(new float[Count], new float[Count]);
        using var off = torch.no_grad();
        for (var start = 0; start < Count; start += ReferenceBatch)
        {
            var rows = Enumerable.Range(start, Math.Min(ReferenceBatch, Count - start)).ToList();
            Score(model, [.. rows.Select(row => _rows[row].Chosen)]).CopyTo(scores.Chosen, start);
            Score(model, [.. rows.Select(row => _rows[row].Rejected)]).CopyTo(scores.Rejected, start);
        }

        return scores;
    }

    private static string Hash(List<Row> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var ids in rows.SelectMany(row => (int[][])[row.Chosen.Prompt, row.Chosen.Response, row.Rejected.Prompt, row.Rejected.Response]))
        {
            hash.AppendData(BitConverter.GetBytes(ids.Length));
            hash.AppendData(MemoryMarshal.AsBytes(ids.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static float[] Score(Llama reference, IReadOnlyList<TrainingSequence> sequences)
    {
        using var scope = torch.NewDisposeScope();
        using var batch = SequenceBatch.Of(sequences, reference.Device);
        return batch.ResponseLogProbs(reference).cpu().data<float>().ToArray();
    }
}
