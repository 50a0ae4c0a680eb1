using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The reference runs once for each dataset; what it said is believed only of these pairs, of this model, and undamaged.</summary>
public sealed class ReferenceLogProbsTests : IDisposable
{
    private static readonly RunSettings s_settings = Presets.Kata with
    {
        Model = new() { HiddenSize = 16, IntermediateSize = 24, Layers = 1, Heads = 2, KeyValueHeads = 1, MaxPositions = 128 },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("selfreward-reference-");
    private int _scored;

    private string FilePath => Path.Combine(_folder.FullName, "M2.reference.safetensors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_read_again_has_the_bits_of_what_was_scored()
    {
        var options = new WorkerOptions { Data = _folder.FullName, Postgres = "" };
        var reference = await new BaseModel(options).MakeAsync("r", s_settings, TestContext.Current.CancellationToken);
        var pairs = Pairs();
        using var model = CheckpointFolder.Load(options.Locate(reference.Path));
        var expected = pairs.ScoreWith(model.Model);

        Same(ReferenceLogProbs.Of(pairs, "r", "M2", reference, new RunSettings(), options), expected);
        Directory.Delete(options.Locate(reference.Path), recursive: true); // from here on nobody can run the reference
        Same(ReferenceLogProbs.Of(pairs, "r", "M2", reference, new RunSettings(), options), expected);
    }

    [Fact]
    public void It_is_made_once()
    {
        Same(Of(Pairs(), "one"), Of(Pairs(), "one"));
        _scored.ShouldBe(1);
    }

    [Fact]
    public void Another_model_or_another_dataset_makes_it_anew()
    {
        Of(Pairs(), "one");
        Of(Pairs(), "another");
        Of(Pairs("bca"), "another");
        Of(Pairs("bca"), "another");
        _scored.ShouldBe(3);
    }

    [Fact]
    public void A_file_that_is_damaged_anywhere_is_made_anew()
    {
        var expected = Of(Pairs(), "one");
        var whole = File.ReadAllBytes(FilePath);
        foreach (var damaged in (byte[][])[[], whole[..^1], [.. whole[..^3], (byte)(whole[^3] ^ 1), .. whole[^2..]], [.. whole[..9], 0xff, .. whole[10..]]])
        {
            File.WriteAllBytes(FilePath, damaged);
            var before = _scored;
            Same(Of(Pairs(), "one"), expected);
            _scored.ShouldBe(before + 1);
            File.ReadAllBytes(FilePath).ShouldBe(whole);
        }
    }

    private FrozenPairs.LogProbs Of(FrozenPairs pairs, string reference) => ReferenceLogProbs.Of(FilePath, pairs, reference, () =>
    {
        _scored++;
        return new FrozenPairs.LogProbs([-1.1f, -2.2f, -3.3f], [-4.4f, -5.5f, -6.6f]);
    });

    private static FrozenPairs Pairs(string rejected = "cab")
    {
        var chat = ChatTemplate.Named(ChatTemplate.Plain, ByteLevelTokenizer.ForKata());
        var pairs = Enumerable.Range(0, 3).Select(i => new PreferencePairBuilt("r", 1, i, $"sort: cab{i}", new PairSide(0, $"{i}abc", 5), new PairSide(1, rejected, 1), []));
        return FrozenPairs.Of([.. pairs.Select(pair => new FrozenPair(CanonicalPair.Of(pair), Finish.Stop))], 1, s_settings, chat, context: 100);
    }

    private static void Same(FrozenPairs.LogProbs actual, FrozenPairs.LogProbs expected)
    {
        actual.Chosen.ShouldBe(expected.Chosen);
        actual.Rejected.ShouldBe(expected.Rejected);
    }
}
