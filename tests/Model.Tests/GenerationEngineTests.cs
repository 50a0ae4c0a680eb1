using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

public sealed class GenerationEngineTests : IDisposable
{
    private static readonly SamplingParameters Sampled = new(Temperature: 1, TopP: 0.95, TopK: 0, MaxNewTokens: 24);
    private readonly LoadedModel _model = TinyModel.Load();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Greedy_answers_are_those_of_the_uncached_forward_pass_token_for_token()
    {
        int[] prompt = [1, 40, 50, 60];
        await using var engine = new GenerationEngine(_model);

        var completion = (await engine.GenerateAsync(new(prompt, [1], new(0, 1, 0, 20, [])), Cancelled)).ShouldHaveSingleItem();

        var (tokens, logProbs) = Uncached(prompt, 20);
        completion.TokenIds.ShouldBe(tokens);
        completion.LogProbs.ShouldHaveTheBitsOf(logProbs);
        completion.FinishReason.ShouldBe(FinishReason.Length);
    }

    [Fact]
    public async Task A_request_draws_the_same_bits_alone_and_among_63_others_in_any_order()
    {
        var requests = Enumerable.Range(0, 64).Select(i => new GenerationRequest(Prompt(i), [(ulong)i], Sampled)).ToArray();
        var alone = new List<Completion>();
        await using (var engine = new GenerationEngine(_model, new(Slots: 1)))
        {
            foreach (var request in requests) alone.AddRange(await engine.GenerateAsync(request, Cancelled));
        }

        await using var crowded = new GenerationEngine(_model, new(Slots: 64, RowsPerStep: 100));
        var together = await Task.WhenAll(requests.Select(request => crowded.GenerateAsync(request, Cancelled)));
        var reversed = await Task.WhenAll(requests.Reverse().Select(request => crowded.GenerateAsync(request, Cancelled)));

        for (var i = 0; i < requests.Length; i++)
        {
            ShouldBeTheSame(together[i][0], alone[i]);
            ShouldBeTheSame(reversed[63 - i][0], alone[i]);
        }
    }

    [Fact]
    public async Task Samples_of_one_prompt_differ_and_repeat_by_key()
    {
        await using var engine = new GenerationEngine(_model, new(Slots: 8));
        var request = new GenerationRequest(Prompt(3), [10, 11, 12, 13], Sampled);

        var first = await engine.GenerateAsync(request, Cancelled);
        var again = await engine.GenerateAsync(request with { SampleKeys = [13, 12, 11, 10] }, Cancelled);

        first.Select(completion => string.Join(',', completion.TokenIds)).Distinct().Count().ShouldBe(4);
        for (var i = 0; i < 4; i++) ShouldBeTheSame(again[3 - i], first[i]);
    }

    [Fact]
    public async Task More_samples_than_slots_run_in_several_parts()
    {
        await using var narrow = new GenerationEngine(_model, new(Slots: 3));
        await using var wide = new GenerationEngine(_model, new(Slots: 16));
        var request = new GenerationRequest(Prompt(5), [.. Enumerable.Range(0, 10).Select(i => (ulong)i)], Sampled);

        var parts = await narrow.GenerateAsync(request, Cancelled);
        var whole = await wide.GenerateAsync(request, Cancelled);

        for (var i = 0; i < 10; i++) ShouldBeTheSame(parts[i], whole[i]);
    }

    [Fact]
    public async Task A_long_prompt_is_read_in_pieces_without_changing_a_bit()
    {
        await using var pieces = new GenerationEngine(_model, new(RowsPerStep: 7));
        await using var whole = new GenerationEngine(_model);
        var request = new GenerationRequest([.. Enumerable.Range(0, 100).Select(i => 3 + i * 7 % 90)], [5, 6], Sampled);

        var inPieces = await pieces.GenerateAsync(request, Cancelled);
        var atOnce = await whole.GenerateAsync(request, Cancelled);

        for (var i = 0; i < 2; i++) ShouldBeTheSame(inPieces[i], atOnce[i]);
    }

    [Fact]
    public async Task A_stop_token_ends_an_answer_and_counts_in_its_log_probability_only()
    {
        int[] prompt = [1, 40, 50, 60];
        var (tokens, logProbs) = Uncached(prompt, 12);
        var stop = tokens[7];
        var length = Array.IndexOf(tokens, stop);
        await using var engine = new GenerationEngine(_model);

        var completion = (await engine.GenerateAsync(new(prompt, [1], new(0, 1, 0, 12, [stop])), Cancelled))[0];

        completion.TokenIds.ShouldBe(tokens[..length]);
        completion.LogProbs.ShouldHaveTheBitsOf(logProbs[..(length + 1)]);
        completion.SumLogProb.ShouldBe(logProbs[..(length + 1)].Sum(logProb => (double)logProb));
        completion.FinishReason.ShouldBe(FinishReason.Stop);
    }

    [Fact]
    public async Task A_prompt_too_long_for_the_context_fails_alone()
    {
        await using var engine = new GenerationEngine(_model, new(MaxPositions: 32));
        var good = engine.GenerateAsync(new(Prompt(1), [1], Sampled), Cancelled);

        var error = await Should.ThrowAsync<ContextLengthException>(engine.GenerateAsync(new(Enumerable.Repeat(5, 32).ToArray(), [1], Sampled), Cancelled));

        error.Message.ShouldBe("The prompt has 32 tokens, but the context of 32 must also hold at least one token of the answer. Shorten the prompt.");
        (await good).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_answer_ends_with_the_context_and_says_so()
    {
        await using var engine = new GenerationEngine(_model, new(MaxPositions: 16));

        var completion = (await engine.GenerateAsync(new(Prompt(1), [1], new(0, 1, 0, 1000, [])), Cancelled))[0];

        (completion.TokenIds.Length + Prompt(1).Length).ShouldBe(16);
        completion.FinishReason.ShouldBe(FinishReason.Length);
    }

    [Fact]
    public async Task Impossible_requests_are_refused_with_what_was_expected()
    {
        await using var engine = new GenerationEngine(_model);

        (await Refusal(new([], [1], Sampled))).ShouldStartWith("The prompt has no token");
        (await Refusal(new([4, 97], [1], Sampled))).ShouldStartWith("Token 97 at 1 of the prompt is outside the vocabulary of 97.");
        (await Refusal(new([4], [1], Sampled with { Temperature = -1 }))).ShouldStartWith("Temperature is -1, expected 0 (greedy) or more.");
        (await Refusal(new([4], [1], Sampled with { TopP = 0 }))).ShouldStartWith("Top-p is 0, expected more than 0 and at most 1 (off).");
        (await Refusal(new([4], [1], Sampled with { MaxNewTokens = 0 }))).ShouldStartWith("Max new tokens is 0, expected 1 or more.");

        async Task<string> Refusal(GenerationRequest request) => (await Should.ThrowAsync<ArgumentException>(engine.GenerateAsync(request, Cancelled))).Message;
    }

    [Fact]
    public async Task A_cancelled_request_gives_its_slots_to_those_who_wait()
    {
        await using var engine = new GenerationEngine(_model, new(Slots: 2));
        using var cancel = new CancellationTokenSource();
        var endless = engine.GenerateAsync(new(Prompt(1), [1, 2], new(1, 1, 0, 250, [])), cancel.Token);
        var waiting = engine.GenerateAsync(new(Prompt(2), [3, 4], Sampled), Cancelled);

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(endless);
        (await waiting).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Stopping_an_engine_ends_what_waits_and_what_runs()
    {
        var engine = new GenerationEngine(_model, new(Slots: 1));
        var requests = Enumerable.Range(0, 3).Select(i => engine.GenerateAsync(new(Prompt(i), [1], new(1, 1, 0, 250, [])), Cancelled)).ToArray();

        await engine.DisposeAsync();

        foreach (var request in requests) await Should.ThrowAsync<ObjectDisposedException>(request);
        await Should.ThrowAsync<ObjectDisposedException>(engine.GenerateAsync(new(Prompt(1), [1], Sampled), Cancelled));
    }

    public void Dispose() => _model.Dispose();

    private static int[] Prompt(int i) => [1, .. Enumerable.Range(0, 2 + i % 11).Select(j => 3 + (i * 31 + j * 17) % 90)];

    private static void ShouldBeTheSame(Completion actual, Completion expected)
    {
        actual.TokenIds.ShouldBe(expected.TokenIds);
        actual.LogProbs.ShouldHaveTheBitsOf(expected.LogProbs);
        actual.FinishReason.ShouldBe(expected.FinishReason);
    }

    private (int[] Tokens, float[] LogProbs) Uncached(int[] prompt, int count)
    {
        using var off = torch.no_grad();
        var (ids, logProbs) = (prompt.Select(id => (long)id).ToList(), new List<float>());
        while (ids.Count < prompt.Length + count)
        {
            using var scope = torch.NewDisposeScope();
            using var layout = SequenceLayout.Of([0, ids.Count]);
            var last = _model.Model.Logits(_model.Model.Forward(torch.tensor(ids.ToArray()), layout).narrow(0, ids.Count - 1, 1));
            var token = last.argmax(1);
            logProbs.AddRange(Kernels.LogProbs(last, token).Floats());
            ids.Add(token.item<long>());
        }

        return ([.. ids.Skip(prompt.Length).Select(id => (int)id)], [.. logProbs]);
    }
}
