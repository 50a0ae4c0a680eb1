using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A run's computation and nothing else: the same parts called directly, without bus, event store, host or consumers. It overlaps what the
/// pipeline overlaps, with tasks instead of messages: models are measured one after the other beside whatever comes next; a block of prompts
/// is drafted while those before it are answered and judged. Nothing limits how many of those there are, so the engine is as full as can be.
/// </summary>
internal sealed class BareRun(
    RunSettings settings, SeedData seed, WorkerOptions options, ITextGenerator generator, WorkDone work, CancellationToken cancellationToken)
{
    private const string Run = "bare";
    private const int Block = 64; // as prompt-gen decides them

    private readonly PromptFormat _format = new(settings.Format);
    private readonly AnswerJudge _judge = new(generator);
    private readonly List<string> _own = [];
    private readonly List<(HeldOutAnswered Answered, HeldOutJudged Judged)> _evaluations = [];
    private Task _evaluated = Task.CompletedTask;

    /// <summary>Computes a whole run in an empty folder.</summary>
    public static async Task<WorkDone> RunAsync(RunSettings settings, string folder, CancellationToken cancellationToken)
    {
        var options = new WorkerOptions { Data = folder, Postgres = "" };
        await using var pool = new ModelPool(slots: options.Slots);
        var work = new WorkDone();
        var seed = await Task.Run(() => SeedData.For(settings), cancellationToken);
        await new BareRun(settings, seed, options, new LocalTextGenerator(pool, options), work, cancellationToken).RunAsync();
        work.End();
        return work;
    }

    private async Task RunAsync()
    {
        var training = new BareTraining(settings, options, work, Run);
        var m0 = Publish(new ModelPublished(Run, await new BaseModel(options).MakeAsync(Run, settings, cancellationToken), null, null, 0));
        Publish(await Task.Run(() => training.Sft(ModelNames.Baseline, m0, seed), cancellationToken));
        var model = Publish(await Task.Run(() => training.Sft(ModelNames.OfIteration(1), m0, seed), cancellationToken));
        for (var iteration = 1; iteration <= settings.Iterations; iteration++)
        {
            var (frozen, pairs) = await MakePairsAsync(iteration, model);
            if (pairs.Count == 0)
                break;
            var parent = model;
            model = Publish(await Task.Run(() => training.Dpo(frozen, parent, pairs, seed), cancellationToken));
        }

        await _evaluated;
    }

    private ModelRef Publish(ModelPublished published)
    {
        Note(published);
        _evaluated = EvaluateAsync(_evaluated, published.Model);
        return published.Model;
    }

    private async Task<(DatasetFrozen Frozen, IReadOnlyList<(PreferencePairBuilt Pair, bool Truncated)> Pairs)> MakePairsAsync(int iteration, ModelRef model)
    {
        var tally = new IterationTally();
        var settling = new List<Task<(CandidatesSampled Sampled, CandidatesJudged Judged, object Outcome)>>();
        var pool = new PromptPool(settings.Prompts.Filters, seed.SeedPrompts.Concat(_own));
        foreach (var ordinals in Enumerable.Range(0, settings.Prompts.PerIteration).Chunk(Block))
        {
            foreach (var fact in await DraftAsync(iteration, model, pool, ordinals))
            {
                Note(fact);
                if (fact is PromptGenerated generated)
                {
                    _own.Add(generated.Prompt);
                    settling.Add(Task.Run(() => AnswerAndJudgeAsync(generated), cancellationToken));
                }
                else
                {
                    tally.Apply(fact);
                }
            }
        }

        var pairs = new List<(PreferencePairBuilt Pair, bool Truncated)>();
        foreach (var (sampled, judged, outcome) in await Task.WhenAll(settling))
        {
            tally.Apply(sampled);
            tally.Apply(judged);
            tally.Apply(outcome);
            if (outcome is PreferencePairBuilt pair)
                pairs.Add((pair, sampled.Candidates[pair.Rejected.Candidate].Finish == Finish.Length));
        }

        var frozen = new DatasetFrozen(
            Run, iteration, ModelNames.OfIteration(iteration + 1), pairs.Count, CanonicalDataset.Sha256(pairs.Select(pair => CanonicalPair.Of(pair.Pair))), tally.Statistics());
        Note(frozen);
        return (frozen, pairs);
    }

    // The drafts of a block are generated together; those that the filters refuse are drawn anew, together again.
    private async Task<object[]> DraftAsync(int iteration, ModelRef model, PromptPool pool, int[] ordinals)
    {
        var prompts = settings.Prompts;
        var decided = new object[ordinals.Length];
        var rejected = ordinals.Select(_ => new List<RejectedDraft>()).ToArray();
        var open = Enumerable.Range(0, ordinals.Length).ToList();
        for (var attempt = 0; attempt < prompts.MaxDrafts && open.Count > 0; attempt++)
        {
            var round = attempt;
            var drafts = await Task.WhenAll(open.Select(async slot =>
            {
                var shots = ShotSelection.Choose(
                    seed.SeedPrompts, _own, prompts.SeedShots, prompts.OwnShots,
                    DrawKey.For(settings.Seed, DrawPurpose.Shots, iteration, ordinals[slot], round));
                var key = DrawKey.For(settings.Seed, DrawPurpose.Draft, iteration, ordinals[slot], round);
                var texts = await generator.GenerateAsync(RunModel.Of(model, settings), _format.Draft(shots), [key], prompts.Sampling, cancellationToken);
                return (Slot: slot, Draft: _format.ReadDraft(texts[0].Text, texts[0].Finish), Shots: shots);
            }));
            foreach (var (slot, (text, finish), shots) in drafts)
            {
                if (pool.Check(text, finish) is { } verdict)
                {
                    rejected[slot].Add(new RejectedDraft(attempt, text, verdict.Reason, verdict.Figure, verdict.Nearest));
                    continue;
                }

                pool.Accept(text);
                open.Remove(slot);
                decided[slot] = new PromptGenerated(Run, iteration, ordinals[slot], model, text, "model", shots, rejected[slot]);
            }
        }

        foreach (var slot in open)
            decided[slot] = new PromptDiscarded(Run, iteration, ordinals[slot], DiscardReason.NoAcceptableDraft, "", [], rejected[slot]);
        return decided;
    }

    private async Task<(CandidatesSampled Sampled, CandidatesJudged Judged, object Outcome)> AnswerAndJudgeAsync(PromptGenerated prompt)
    {
        var (iteration, ordinal, model) = (prompt.Iteration, prompt.Ordinal, prompt.Model);
        IReadOnlyList<ulong> keys =
            [.. Enumerable.Range(0, settings.Candidates.Count).Select(index => DrawKey.For(settings.Seed, DrawPurpose.Candidate, iteration, ordinal, index))];
        var answers = await generator.GenerateAsync(RunModel.Of(model, settings), _format.Answer(prompt.Prompt), keys, settings.Candidates.Sampling, cancellationToken);
        var sampled = new CandidatesSampled(
            Run, iteration, ordinal, model,
            [.. answers.Select((answer, index) => new Candidate(index, answer.Text, answer.Tokens, answer.Finish, answer.LogProb))]);
        Note(sampled);

        var judgements = await Task.WhenAll(sampled.Candidates.Select(candidate => _judge.JudgeAsync(
            model, prompt.Prompt, candidate.Text, candidate.Index, settings,
            [.. Enumerable.Range(0, settings.Judge.Count)
                .Select(index => DrawKey.For(settings.Seed, DrawPurpose.Judgement, iteration, ordinal, candidate.Index, index))],
            cancellationToken)));
        var judged = new CandidatesJudged(Run, iteration, ordinal, model, [.. judgements.SelectMany(answer => answer.Judgements)]);
        Note(judged);

        var outcome = PairBuilderConsumer.Settle(prompt, sampled, judged, settings);
        Note(outcome);
        return (sampled, judged, outcome);
    }

    private async Task EvaluateAsync(Task before, ModelRef model)
    {
        // Never on the caller's thread, which goes on to train.
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var sampling = settings.Evaluation.Sampling;
        var answers = await Task.WhenAll(seed.HeldOutPrompts.Take(settings.Evaluation.Prompts).Select(async (prompt, index) =>
        {
            var (text, key) = (_format.Answer(prompt.Prompt), DrawKey.For(settings.Seed, DrawPurpose.Evaluation, index));
            var greedy = await generator.GenerateAsync(RunModel.Of(model, settings), text, [key], sampling with { Temperature = 0 }, cancellationToken);
            var sampled = await generator.GenerateAsync(RunModel.Of(model, settings), text, [key], sampling, cancellationToken);
            return new HeldOutAnswer(index, prompt.Prompt, greedy[0].Text, sampled[0].Text);
        }));
        var ranked = seed.HeldOutRanked.Take(settings.Evaluation.Ranked);
        var judgements = await Task.WhenAll(ranked.SelectMany((prompt, p) => prompt.Answers.Select(async (answer, a) =>
        {
            IReadOnlyList<ulong> keys = [.. Enumerable.Range(0, settings.Evaluation.Judgements)
                .Select(index => DrawKey.For(settings.Seed, DrawPurpose.EvaluationJudgement, p, a, index))];
            return new HeldOutJudgement(p, a, answer.Rank, (await _judge.JudgeAsync(model, prompt.Prompt, answer.Text, a, settings, keys, cancellationToken)).Judgements);
        })));

        var (answered, judged) = (new HeldOutAnswered(Run, model, answers), new HeldOutJudged(Run, model, judgements, []));
        var opponents = _evaluations.Select(evaluation => evaluation.Answered).ToList();
        var report = ModelReport.Of(answered, judged, opponents, _evaluations.LastOrDefault().Judged, seed);
        _evaluations.Add((answered, judged));
        Note(report);
    }

    private void Note(object fact) => work.Apply(fact, DateTimeOffset.UtcNow);
}
