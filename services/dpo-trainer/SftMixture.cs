using System.Security.Cryptography;
using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>An example of the seed by the set that it is in (<c>ift</c>, <c>eft</c>, <c>drafts</c>) and its number there, from 0.</summary>
public readonly record struct SeedExample(string Set, int Index);

/// <summary>
/// The SFT dataset: demonstrations, judged answers and drafts in fixed shares of every batch. Which rows a step sees is a function of seed and
/// step alone, so training that goes on after a crash sees what it would have seen.
/// </summary>
public sealed class SftMixture
{
    private readonly List<TrainingSequence> _rows = [];
    private readonly List<SeedExample> _examples = [];
    private readonly List<Part> _parts = [];
    private readonly ulong _seed;

    private SftMixture(ulong seed) => _seed = seed;

    /// <summary>One kind of example: rows <c>Start .. Start + Count</c>, and its share of a batch.</summary>
    private sealed record Part(int Start, int Count, double Share);

    /// <summary>Examples that are trained on.</summary>
    public int Examples => _rows.Count;

    /// <summary>Examples left out because they do not fit into the context.</summary>
    public int TooLong { get; private set; }

    /// <summary>SHA-256 over every row's texts, in order.</summary>
    public string Sha256 { get; private set; } = "";

    /// <summary>A row.</summary>
    public TrainingSequence this[int row] => _rows[row];

    /// <summary>Which example of the seed a row is: those that are too long have none.</summary>
    public SeedExample ExampleOf(int row) => _examples[row];

    /// <summary>Tokenises the seed data in the run's format.</summary>
    /// <exception cref="DataFileException">Not one demonstration fits into the model's context.</exception>
    public static SftMixture Of(SeedData seed, IReadOnlyList<JudgedExample> judged, bool baseline, RunSettings settings, ChatTemplate chat, int context)
    {
        var mixture = new SftMixture(DrawKey.For(settings.Seed, DrawPurpose.Shuffle, baseline ? 0 : 1));
        var format = new PromptFormat(settings.Format);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var drafts = seed.Drafts.Select(example => (format.Draft(example.Shots), example.Prompt));
        var demonstrations = seed.Ift.Select(example => (format.Answer(example.Prompt), example.Response));
        var judgements = judged.Select(example => (format.Judge(example.Prompt, example.Response), example.Judgement));

        var (ift, draft, eft) = (Add("ift", demonstrations), Add("drafts", drafts), Add("eft", judgements));
        if (ift.Count == 0)
            throw new DataFileException($"None of the {seed.Ift.Count} demonstrations fits into the model's context of {context} tokens: give shorter ones, or a model with a longer context.");
        var sft = settings.Sft;
        var draftShare = draft.Count == 0 ? 0 : sft.DraftShare;
        var eftShare = eft.Count == 0 ? 0 : sft.EftShare > 0 ? sft.EftShare : (1 - draftShare) * eft.Count / (eft.Count + ift.Count);
        mixture._parts.Add(new Part(eft.Start, eft.Count, eftShare));
        mixture._parts.Add(new Part(draft.Start, draft.Count, draftShare));
        mixture._parts.Add(new Part(ift.Start, ift.Count, 1 - eftShare - draftShare));
        mixture.Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        return mixture;

        (int Start, int Count) Add(string set, IEnumerable<(string Prompt, string Response)> examples)
        {
            var start = mixture._rows.Count;
            foreach (var (index, (prompt, response)) in examples.Index())
            {
                var sequence = chat.Sequence(prompt, response);
                if (sequence.Length > context)
                {
                    mixture.TooLong++;
                    continue;
                }

                mixture._rows.Add(sequence);
                mixture._examples.Add(new SeedExample(set, index));
                hash.AppendData(Encoding.UTF8.GetBytes(prompt));
                hash.AppendData([0]);
                hash.AppendData(Encoding.UTF8.GetBytes(response));
                hash.AppendData([0]);
            }

            return (start, mixture._rows.Count - start);
        }
    }

    /// <summary>The rows of a step's batch, steps counted from 1. Each kind goes through its examples in an order that is shuffled anew each time round.</summary>
    public IReadOnlyList<int> Batch(int step, int size)
    {
        var rows = new List<int>(size);
        for (var p = 0; p < _parts.Count; p++)
        {
            var part = _parts[p];
            var quota = p == _parts.Count - 1 ? size - rows.Count : (int)Math.Round(size * part.Share);
            for (var i = 0; i < quota && part.Count > 0; i++)
            {
                var drawn = ((long)(step - 1) * quota) + i;
                var (epoch, position) = ((int)(drawn / part.Count), (int)(drawn % part.Count));
                rows.Add(part.Start + KeyedPermutation.At(position, part.Count, DrawKey.For(_seed, DrawPurpose.Shuffle, p, epoch)));
            }
        }

        return rows;
    }
}
