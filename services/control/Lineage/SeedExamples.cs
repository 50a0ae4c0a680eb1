using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Lineage;

/// <summary>
/// The seed's examples as lineage names them: <c>RUN/seed/17</c> is a prompt that new ones are drafted after, <c>RUN/ift/3</c>, <c>RUN/eft/3</c>,
/// <c>RUN/drafts/3</c> and <c>RUN/ranked/3</c> are examples of those sets, each counted from 0 in the order of its file.
/// </summary>
public sealed class SeedExamples
{
    /// <summary>The sets that can be asked for.</summary>
    public static readonly IReadOnlyList<string> Sets = ["seed", "ift", "eft", "drafts", "ranked"];

    private readonly string _run;
    private readonly Dictionary<string, IReadOnlyList<string>> _lines = new(StringComparer.Ordinal);

    private SeedExamples(string run, SeedData data, TrainingData training, IReadOnlyList<MadeExample>? made, IReadOnlyList<JudgedExample> judged) =>
        (_run, Data, Training, Made, Judged) = (run, data, training, made, judged);

    /// <summary>The data themselves.</summary>
    public SeedData Data { get; }

    /// <summary>What trainings saw of them.</summary>
    public TrainingData Training { get; }

    /// <summary>Where each of <see cref="Judged"/> was made from; null where the seed has judged answers of its own.</summary>
    public IReadOnlyList<MadeExample>? Made { get; }

    /// <summary>The judging examples: the seed's, or those made from its ranked answers so far.</summary>
    public IReadOnlyList<JudgedExample> Judged { get; }

    /// <summary>Reads the seed data of a run, held to their hashes.</summary>
    /// <returns>The examples, or why there are none: a file that is missing or another one.</returns>
    public static async Task<(SeedExamples? Examples, string Why)> OpenAsync(LogReader log, Ancestry ancestry, CancellationToken cancellationToken)
    {
        try
        {
            var data = await new RunData(log.Catalog).OfAsync(ancestry.Start.Run, cancellationToken);
            var training = new TrainingData(log.Runs, log.Log, ancestry, new WorkerOptions { Data = log.Folder, Postgres = "" });
            var made = data.EftRanked.Count > 0 ? EftSelection.Kept((await training.VerdictsAsync(cancellationToken))?.Verdicts ?? [], data.EftRanked) : null;
            return (new SeedExamples(ancestry.Start.Run, data, training, made, made?.Select(example => example.Example).ToList() ?? data.EftJudged), "");
        }
        catch (DataFileException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>How many examples a set has.</summary>
    public int Count(string set) => set switch
    {
        "seed" => Data.SeedPrompts.Count,
        "ift" => Data.Ift.Count,
        "eft" => Judged.Count,
        "drafts" => Data.Drafts.Count,
        _ => Data.EftRanked.Count,
    };

    /// <summary>An example as a node.</summary>
    /// <param name="kind">What the node is called; null is what the set's examples are called.</param>
    /// <param name="set">The set.</param>
    /// <param name="index">The example's number in it.</param>
    /// <param name="children">What it led to.</param>
    public LineageNode Node(string? kind, string set, int index, params IEnumerable<LineageNode> children) => LineageNode.Of(
        kind ?? KindOf(set), $"{_run}/{set}/{index}", TextOf(set, index), [("place", PlaceOf(set, index)), ("score", set == "eft" ? Judged[index].Score : null)], children);

    /// <summary>The node of a prompt that was shown to be drafted after.</summary>
    public LineageNode? Shot(string kind, string prompt) =>
        Data.SeedPrompts.Index().Where(entry => entry.Item == prompt).Select(entry => Node(kind, "seed", entry.Index)).FirstOrDefault();

    /// <summary>The model's training data, to find rows by example and examples by row.</summary>
    /// <exception cref="CheckpointException">The tokenizer of M0 is not there.</exception>
    public Task<SftMixture> MixtureAsync(string model, CancellationToken cancellationToken) => Training.MixtureAsync(Data, Judged, model, cancellationToken);

    private static string KindOf(string set) => set switch
    {
        "seed" => "seed prompt",
        "ift" => "demonstration",
        "eft" => "judging example",
        "drafts" => "drafting example",
        _ => "ranked answers",
    };

    private string TextOf(string set, int index) => set switch
    {
        "seed" => Data.SeedPrompts[index],
        "ift" => $"{Data.Ift[index].Prompt}\n{Data.Ift[index].Response}",
        "eft" => $"{Judged[index].Prompt}\n{Judged[index].Response}\n{Judged[index].Judgement}",
        "drafts" => string.Join('\n', Data.Drafts[index].Shots.Append(Data.Drafts[index].Prompt)),
        _ => Data.EftRanked[index].Prompt,
    };

    /// <summary>Where an example stands: <c>ift.jsonl:17</c>, or its number in what was generated.</summary>
    private string PlaceOf(string set, int index) => set switch
    {
        // Seed prompts of a file are its demonstrations' prompts, each once.
        "seed" when Data.Sets.All(known => known.Path != "kata") => PlaceOf("ift", Data.Ift.Index().First(entry => entry.Item.Prompt == Data.SeedPrompts[index]).Index),
        "eft" when Made is not null => $"{PlaceOf("ranked", Made[index].Ranked)}, answer {Made[index].Answer}",
        _ => Data.Sets.FirstOrDefault(known => known.Kind == set) is { Path: not "kata" } file ? LinesOf(file.Path)[index] : $"kata, {KindOf(set)} {index}",
    };

    private IReadOnlyList<string> LinesOf(string path)
    {
        if (!_lines.TryGetValue(path, out var lines))
            _lines[path] = lines = [.. Jsonl.Read(path).Select(line => line.Location)];
        return lines;
    }
}
