using System.Runtime.CompilerServices;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Export;

/// <summary>What a run's models were trained on, as lines that other trainers read (TRL's formats), or this one.</summary>
/// <param name="log">The log as runs have it.</param>
/// <param name="data">What its trainings saw.</param>
/// <param name="ancestry">The run.</param>
public sealed class DatasetLines(RunLog log, TrainingData data, Ancestry ancestry)
{
    private readonly string _run = ancestry.Start.Run;

    // A fork cannot change it.
    private readonly PromptFormat _format = new(ancestry.Root.Settings.Format);

    /// <summary>
    /// The preference pairs of all iterations, by ordinal: <c>prompt</c>, <c>chosen</c> and <c>rejected</c> as the model saw them in training, then scores and where the pair
    /// came from. End tokens are the trainer's to add; a rejected answer whose finish is not <c>stop</c> was trained on without one. A pair of judgements says so (<c>kind</c> is
    /// <c>judgements</c>), and has their strengths for scores.
    /// </summary>
    public async IAsyncEnumerable<CanonicalJson> PairsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var iteration in Enumerable.Range(1, ancestry.Start.Settings.Iterations))
        {
            await foreach (var history in log.ReadIterationAsync(_run, iteration, cancellationToken))
            {
                foreach (var pair in FrozenPair.AllOf(history))
                    yield return pair.Pair.IsJudging ? JudgingLine(pair, history) : Line(pair, (PreferencePairBuilt)history.Outcome!, history);
            }
        }
    }

    /// <summary>
    /// What M1 was fine-tuned on: <c>prompt</c> and <c>completion</c> as it saw them, and which set of the seed they are from, in the order in which <see cref="SftMixture"/> numbers its rows.
    /// </summary>
    public async IAsyncEnumerable<CanonicalJson> DemonstrationsAsync(SeedData seed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var example in seed.Ift)
            yield return Line("ift", _format.Answer(example.Prompt), example.Response);
        foreach (var example in seed.Drafts)
            yield return Line("drafts", _format.Draft(example.Shots), example.Prompt);
        foreach (var example in await JudgedAsync(seed, cancellationToken))
            yield return Line("eft", _format.Judge(example.Prompt, example.Response), example.Judgement);
    }

    /// <summary>The judging examples that M1 was fine-tuned on, as <c>--eft</c> reads them.</summary>
    public async IAsyncEnumerable<CanonicalJson> JudgingAsync(SeedData seed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var line in SeedSets.Lines(await JudgedAsync(seed, cancellationToken)))
            yield return line;
    }

    private async Task<IReadOnlyList<JudgedExample>> JudgedAsync(SeedData seed, CancellationToken cancellationToken)
    {
        if (seed.EftRanked.Count == 0 || await data.VerdictsAsync(cancellationToken) is not null)
            return await data.JudgedAsync(seed, cancellationToken);
        throw new UserException($"Run '{_run}' has no judging examples yet: its {ModelNames.Baseline} model judges the ranked answers once it is trained. Go on with the run ('selfreward resume {_run}'), and export then.");
    }

    private CanonicalJson Line(FrozenPair frozen, PreferencePairBuilt pair, PromptHistory history)
    {
        var model = history.Sampled!.Model;
        var line = new CanonicalJson()
            .Add("prompt", _format.Answer(pair.Prompt)).Add("chosen", pair.Chosen.Text).Add("rejected", pair.Rejected.Text)
            .Add("score_chosen", pair.Chosen.Score).Add("score_rejected", pair.Rejected.Score)
            .Add("run", _run).Add("iteration", pair.Iteration).Add("ordinal", pair.Ordinal)
            .Add("chosen_candidate", pair.Chosen.Candidate).Add("rejected_candidate", pair.Rejected.Candidate)
            .Add("rejected_finish", JsonNamingPolicy.SnakeCaseLower.ConvertName(frozen.RejectedFinish.ToString()))
            .Add("model", model.Name).Add("model_sha256", model.Sha256).Add("instruction", pair.Prompt);
        return WithServers(line, history);
    }

    private CanonicalJson JudgingLine(FrozenPair frozen, PromptHistory history)
    {
        var (pair, outcome, judge) = (frozen.Pair, history.Judging!, history.Judged!.Judge);
        var line = new CanonicalJson()
            .Add("prompt", _format.Judge(pair.Prompt, pair.Response!)).Add("chosen", pair.Chosen).Add("rejected", pair.Rejected)
            .Add("score_chosen", pair.ScoreChosen).Add("score_rejected", pair.ScoreRejected)
            .Add("run", _run).Add("iteration", history.Judged.Iteration).Add("ordinal", pair.Ordinal)
            .Add("kind", "judgements").Add("candidate", outcome.Candidate!.Value)
            .Add("chosen_judgement", outcome.Pair!.Chosen.Judgement).Add("rejected_judgement", outcome.Pair.Rejected.Judgement)
            .Add("rejected_finish", JsonNamingPolicy.SnakeCaseLower.ConvertName(frozen.RejectedFinish.ToString()))
            .Add("model", judge.Name).Add("model_sha256", judge.Sha256).Add("instruction", pair.Prompt).Add("response", pair.Response!);
        return WithServers(line, history);
    }

    // Where servers did it, the run's model did not.
    private static CanonicalJson WithServers(CanonicalJson line, PromptHistory history)
    {
        if (history.Sampled?.Server is { } answered)
            line.Add("answered_by", string.Join(", ", answered.Models));
        if (history.Judged?.Server is { } judged)
            line.Add("judged_by", string.Join(", ", judged.Models));
        return line;
    }

    private static CanonicalJson Line(string set, string prompt, string completion) =>
        new CanonicalJson().Add("prompt", prompt).Add("completion", completion).Add("set", set);
}
