using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Inference;
using SelfRewarding.Judge;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

public sealed class MetaJudgeTests
{
    private static readonly ModelRef s_model = new("meta-judge-tests", "runs/r/models/M1", new string('a', 64));
    private static readonly RunSettings s_settings = new() { Format = new() { MetaJudge = MetaJudgeFormat.Kata } };
    private static readonly Candidate s_answer = new(2, "ab", [], Finish.Stop, 0);
    private static readonly Judgement s_good = new(2, 0, "aa. Score: 5", 5, null, 1, Finish.Stop, 0), s_bad = new(2, 3, "Score: {first}", 0, null, 1, Finish.Stop, 0);

    /// <summary>Says what it is asked to, or that the prompt does not fit.</summary>
    private sealed class Scripted(Func<string, ulong, string?> says) : ITextGenerator
    {
        public Task<IReadOnlyList<GeneratedText>> GenerateAsync(RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<GeneratedText>>([.. keys.Select(key => new GeneratedText(says(prompt, key) ?? throw new ContextLengthException(300, 256), [1, 2], Finish.Stop, -1.5))]);
    }

    [Fact]
    public async Task Each_order_is_asked_with_its_own_texts_and_key_and_the_winner_is_named_by_its_index()
    {
        var asked = new List<(string Prompt, ulong Key)>();
        var compared = await CompareAsync((prompt, key) =>
        {
            asked.Add((prompt, key));
            return key == 1 ? "Winner: A" : "Winner: B";
        });

        asked.ShouldBe([("which sort: ba -> ab\nA aa. Score: 5\nB Score: {first}\n", 1UL), ("which sort: ba -> ab\nA Score: {first}\nB aa. Score: 5\n", 2UL)], ignoreOrder: true);
        compared.ShouldBe([new MetaJudgement(2, 0, 3, "Winner: A", 0, null, 2, Finish.Stop, -1.5), new MetaJudgement(2, 3, 0, "Winner: B", 0, null, 2, Finish.Stop, -1.5)]);
        compared.Select(comparison => comparison.Preferred()).ShouldBe(["first", "second"]);
    }

    [Fact]
    public async Task A_comparison_that_does_not_fit_is_not_made_and_says_so()
    {
        var compared = await CompareAsync((_, key) => key == 1 ? null : "no idea");
        compared.ShouldBe([new MetaJudgement(2, 0, 3, "", null, new ContextLengthException(300, 256).Message, 0, Finish.Length, 0), new MetaJudgement(2, 3, 0, "no idea", null, "no \"Winner:\"", 2, Finish.Stop, -1.5)]);
    }

    /// <summary>Answers one at a time: refuses the first, and the second one never comes back.</summary>
    private sealed class Refusing : ITextGenerator, IDisposable
    {
        private readonly SemaphoreSlim _free = new(1);

        public int Asked { get; private set; }

        public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
        {
            await _free.WaitAsync(cancellationToken);
            try
            {
                cancellationToken.ThrowIfCancellationRequested(); // as one that waited for its turn, and is not sent any more
                if (Asked++ == 0)
                    throw new ServerRefusedException("it wants a key", "401");
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return [];
            }
            finally
            {
                _free.Release();
            }
        }

        public void Dispose() => _free.Dispose();
    }

    [Fact]
    public async Task The_first_failure_ends_all_other_comparisons_and_is_what_is_thrown()
    {
        using var refusing = new Refusing();
        var questions = Enumerable.Range(1, 110).Select(key => (s_good, s_bad, (ulong)key)).ToList();
        var comparing = new MetaJudge(refusing).CompareAsync(s_model, "sort: ba", s_answer, s_settings, questions, CancellationToken.None);
        (await Should.ThrowAsync<ServerRefusedException>(() => comparing.WaitAsync(TimeSpan.FromMinutes(1)))).Message.ShouldBe("it wants a key");
        refusing.Asked.ShouldBe(2, "the one that was refused, and the one that was under way");
    }

    [Fact]
    public async Task The_span_has_an_event_and_the_counter_an_outcome_for_each_comparison()
    {
        Activity? span = null;
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "SelfRewarding.Inference", Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = stopped => span = stopped.DisplayName == $"meta-judge {s_model.Name}" ? stopped : span,
        };
        ActivitySource.AddActivityListener(spans);
        var compared = await CompareAsync((_, key) => key == 1 ? "Winner: A" : "no idea");
        span.ShouldNotBeNull().Events.Select(one => one.Tags.Single(tag => tag.Key == "gen_ai.evaluation.score.label").Value).ShouldBe(["first", "unparsable"], ignoreOrder: true);

        var counted = new List<string?>();
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "self_rewarding.meta_judgement.made")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        meters.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var named = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            if (named["model"] == s_model.Name)
                counted.Add(named["outcome"]);
        });
        meters.Start();
        JudgeTelemetry.Count(new CandidatesJudged("r", 1, 0, s_model, [], Meta: compared));
        counted.ShouldBe(["first", "unparsable"]);
    }

    private static async Task<IReadOnlyList<MetaJudgement>> CompareAsync(Func<string, ulong, string?> says)
    {
        var compared = await new MetaJudge(new Scripted(says)).CompareAsync(
            s_model, "sort: ba", s_answer, s_settings, [(s_good, s_bad, 1), (s_bad, s_good, 2)], CancellationToken.None);
        return [.. compared.Select(comparison => comparison.Comparison)];
    }
}
