using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>A trained model says what the reference implementation says.</summary>
public sealed class StoriesTests
{
    [Fact]
    public async Task Greedy_continuations_are_those_of_the_reference_token_for_token()
    {
        using var model = Stories.Load();
        await using var engine = new GenerationEngine(model);
        foreach (var (prompt, greedy) in Stories.Continuations())
            (await ContinueAsync(engine, prompt, greedy.Length, samples: 1)).ShouldHaveSingleItem().ShouldBe(greedy);
    }

    [Fact]
    public async Task And_they_are_in_a_full_batch()
    {
        using var model = Stories.Load();
        await using var engine = new GenerationEngine(model, new GenerationEngineOptions(Slots: 12, RowsPerStep: 5)); // prompts come in pieces
        var continuations = Stories.Continuations();

        var texts = await Task.WhenAll(continuations.Select(expected => ContinueAsync(engine, expected.Prompt, expected.Greedy.Length, samples: 3)));

        foreach (var (some, (_, greedy)) in texts.Zip(continuations)) some.ShouldAllBe(text => text.SequenceEqual(greedy));
    }

    [Fact]
    public void And_they_are_without_a_cache()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Stories.Load();
        foreach (var (prompt, greedy) in Stories.Continuations())
        {
            using var batch = SequenceBatch.Of([new(prompt, greedy)]);
            var likeliest = model.Model.Logits(model.Model.Forward(batch.Ids, batch.Layout)).argmax(-1).Longs();
            likeliest[(prompt.Length - 1)..^1].ShouldBe(Array.ConvertAll(greedy, id => (long)id));
        }
    }

    [Fact]
    public void Log_probabilities_of_a_text_equal_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Stories.Load();
        var (ids, reference) = Stories.LogProbabilities();

        using var batch = SequenceBatch.Of([new(ids[..1], ids[1..])]);
        ShouldBeClose(batch.TargetLogProbs(model.Model).Floats()[..^1], reference);
    }

    [Fact]
    public void And_they_do_beside_other_texts()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Stories.Load();
        var (ids, reference) = Stories.LogProbabilities();
        var others = Stories.Continuations();

        using var batch = SequenceBatch.Of([new(others[1].Prompt, others[1].Greedy), new(ids[..1], ids[1..]), new(others[2].Prompt, others[2].Greedy)]);
        var start = others[1].Prompt.Length + others[1].Greedy.Length;
        ShouldBeClose(batch.TargetLogProbs(model.Model).Floats()[start..(start + ids.Length - 1)], reference);
    }

    [Fact]
    public void And_they_do_token_by_token_from_a_cache()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Stories.Load();
        var (ids, reference) = Stories.LogProbabilities();
        using var cache = new KvCache(model.Model.Config, slots: 2, ids.Length);

        var logProbs = new float[ids.Length - 1];
        for (var i = 0; i < logProbs.Length; i++)
        {
            // The same token in both slots, one step of both at once.
            var hidden = model.Model.Forward(torch.tensor(new long[] { ids[i], ids[i] }), torch.tensor(new long[] { 0, 1 }), torch.tensor(new long[] { i, i }), cache);
            var both = Kernels.LogProbs(model.Model.Logits(hidden), torch.tensor(new long[] { ids[i + 1], ids[i + 1] })).Floats();
            both[1].ShouldBe(both[0]);
            logProbs[i] = both[0];
        }

        ShouldBeClose(logProbs, reference);
    }

    private static async Task<IReadOnlyList<int[]>> ContinueAsync(GenerationEngine engine, int[] prompt, int tokens, int samples)
    {
        ulong[] keys = [.. Enumerable.Range(0, samples).Select(i => (ulong)i)];
        var completions = await engine.GenerateAsync(new(prompt, keys, new(0, 1, 0, tokens, [])), TestContext.Current.CancellationToken);
        return [.. completions.Select(completion => completion.TokenIds.ToArray())];
    }

    private static void ShouldBeClose(float[] actual, float[] reference)
    {
        actual.Length.ShouldBe(reference.Length);
        for (var i = 0; i < reference.Length; i++) actual[i].ShouldBe(reference[i], 1e-4f, $"at {i}");
    }
}
