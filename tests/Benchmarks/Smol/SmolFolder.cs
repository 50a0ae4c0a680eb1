using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>What a run of the paper's method needs, made up in a folder: a model as Hugging Face lays it out, demonstrations, ranked answers to build the judging seed from, and others held out.</summary>
internal sealed class SmolFolder
{
    private const int Demonstrations = 16, Ranked = 8, HeldOut = 4;
    private const int PromptWords = 12, AnswerWords = 40;

    private readonly string _folder;
    private readonly Random _random = new(1);

    private SmolFolder(string folder) => _folder = folder;

    /// <summary>Writes all of it, and gives the settings that name it.</summary>
    public static async Task<RunSettings> MakeAsync(string folder, CancellationToken cancellationToken)
    {
        var made = new SmolFolder(folder);
        var model = Path.Combine(folder, "model");
        using (var weights = new LoadedModel(Llama.Create(SmolModel.Config, seed: 1), TokenizerFile.Parse(SmolTokenizer.Json(SmolModel.Config.VocabSize), SmolModel.Config.EosTokenIds)))
            CheckpointFolder.Save(model, weights);
        return Presets.Paper with
        {
            Iterations = 1,
            Model = Presets.Paper.Model with { Path = model },
            Data = new()
            {
                Ift = await made.WriteAsync("ift.jsonl", SeedSets.Lines(Enumerable.Range(0, Demonstrations).Select(_ => new InstructionExample(made.Text(PromptWords), made.Text(AnswerWords)))), cancellationToken),
                Eft = await made.WriteAsync("ranked.jsonl", SeedSets.Lines(made.RankedPrompts(Ranked)), cancellationToken),
                Heldout = await made.WriteAsync("heldout.jsonl", SeedSets.Lines(made.RankedPrompts(HeldOut)), cancellationToken),
            },
        };
    }

    private IEnumerable<RankedPrompt> RankedPrompts(int count) =>
        Enumerable.Range(0, count).Select(_ => new RankedPrompt(Text(PromptWords), [new(Text(AnswerWords), 0, null), new(Text(AnswerWords), 1, null)]));

    private string Text(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => SmolTokenizer.Words[_random.Next(SmolTokenizer.Words.Count)]));

    private async Task<string> WriteAsync(string name, IEnumerable<CanonicalJson> lines, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder, name);
        await File.WriteAllLinesAsync(path, lines.Select(line => line.ToString()), cancellationToken);
        return path;
    }
}
