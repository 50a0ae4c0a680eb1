using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Judge;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Verify;

/// <summary>
/// Samples some recorded answers and judgements again, with the recorded model and keys: on the CPU every token must be the same. What a server wrote is left out, and said
/// so: only the server could know what it draws.
/// </summary>
public sealed class Regenerator(LogReader log, Ancestry ancestry, VerifyReport report)
{
    private const int MostDraws = 20;

    private readonly string _run = ancestry.Start.Run;

    /// <summary>
    /// Draws prompts of the run's iterations at random, and does one answer, one judgement and, where judgements were compared, one comparison of each again; and as many answers by which checkpoints were compared,
    /// if any were.
    /// </summary>
    public async Task CheckAsync(int count, CancellationToken cancellationToken)
    {
        var options = new WorkerOptions { Data = log.Folder, Postgres = "" };
        await using var pool = new ModelPool(slots: options.Slots);
        var generator = new LocalTextGenerator(pool, options);
        await CheckPromptsAsync(count, generator, options, cancellationToken);
        await new CheckpointRegenerator(log, ancestry, report, generator, options).CheckAsync(count, cancellationToken);
    }

    private async Task CheckPromptsAsync(int count, LocalTextGenerator generator, WorkerOptions options, CancellationToken cancellationToken)
    {
        var (judge, metaJudge) = (new AnswerJudge(generator), new MetaJudge(generator));
        var iterations = ancestry.Start.Settings.Iterations;
        var (answersLeft, judgementsLeft) = (0, 0);
        // A prompt that was discarded before it was answered has nothing to generate again: another is drawn.
        var (done, draws) = (0, 0);
        while (done < count && draws++ < count * MostDraws)
        {
            var iteration = Random.Shared.Next(1, iterations + 1);
            var ordinal = Random.Shared.Next(ancestry.Planned(iteration));
            if (await log.Runs.ReadPromptAsync(_run, iteration, ordinal, cancellationToken) is not { Generated: { } generated, Sampled: { Candidates.Count: > 0 } sampled } history)
                continue;
            if (!Directory.Exists(options.Locate(sampled.Model.Path)))
            {
                report.NotChecked("answers and judgements, generated again", $"there is no '{options.Locate(sampled.Model.Path)}'; an export of events brings no models");
                return;
            }

            var settings = ancestry.SettingsOf(iteration, PromptStage.Sampled);
            if (settings.Engines.Candidates.Url is null)
                await AnswerAsync(generator, generated, sampled, settings, cancellationToken);
            else
                answersLeft++;
            done++;
            if (history.Judged is not { Judgements.Count: > 0 } judged)
                continue;
            if (ancestry.SettingsOf(iteration, PromptStage.Judged).Engines.Judgements.Url is not null)
            {
                judgementsLeft++;
                continue;
            }

            await JudgeAsync(judge, generated, sampled, judged, iteration, cancellationToken);
            if (judged.Meta is { Count: > 0 })
                await CompareAsync(metaJudge, generated, sampled, judged, judged.Meta, cancellationToken);
        }

        if (done < count)
            report.NotChecked($"{count - done} of {count} prompts, generated again", $"among {draws} that were drawn only {done} have answers yet");
        if (answersLeft + judgementsLeft > 0)
            report.NotChecked($"{answersLeft} answers and {judgementsLeft} judgements that were drawn to be generated again", "servers wrote them, and whether the same seed brings the same text is theirs to say");
    }

    private async Task AnswerAsync(LocalTextGenerator generator, PromptGenerated generated, CandidatesSampled sampled, RunSettings settings, CancellationToken cancellationToken)
    {
        var answer = sampled.Candidates[Random.Shared.Next(sampled.Candidates.Count)];
        var key = DrawKey.For(settings.Seed, DrawPurpose.Candidate, sampled.Iteration, sampled.Ordinal, answer.Index);
        var again = (await generator.GenerateAsync(RunModel.Of(sampled.Model, settings), new PromptFormat(settings.Format).Answer(generated.Prompt), [key], settings.Candidates.Sampling, cancellationToken))[0];
        report.Same(
            "answers are generated again to the token", $"answer {answer.Index} of prompt {_run}/{sampled.Iteration}/{sampled.Ordinal}",
            new { answer.Text, answer.Tokens, answer.Finish, answer.LogProb }, new { again.Text, again.Tokens, again.Finish, again.LogProb });
    }

    private async Task JudgeAsync(AnswerJudge judge, PromptGenerated generated, CandidatesSampled sampled, CandidatesJudged judged, int iteration, CancellationToken cancellationToken)
    {
        var settings = ancestry.SettingsOf(iteration, PromptStage.Judged);
        var judgement = judged.Judgements[Random.Shared.Next(judged.Judgements.Count)];
        var key = DrawKey.For(settings.Seed, DrawPurpose.Judgement, iteration, generated.Ordinal, judgement.Candidate, judgement.Index);
        var answer = sampled.Candidates.Single(candidate => candidate.Index == judgement.Candidate);
        var again = (await judge.JudgeAsync(judged.Judge, generated.Prompt, answer.Text, judgement.Candidate, settings, [key], cancellationToken)).Judgements[0];
        report.Same(
            "judgements are generated again to the token", $"judgement {judgement.Index} of answer {judgement.Candidate} of prompt {_run}/{iteration}/{generated.Ordinal}",
            judgement, again with { Index = judgement.Index });
    }

    private async Task CompareAsync(
        MetaJudge judge, PromptGenerated generated, CandidatesSampled sampled, CandidatesJudged judged, IReadOnlyList<MetaJudgement> comparisons, CancellationToken cancellationToken)
    {
        var settings = ancestry.SettingsOf(judged.Iteration, PromptStage.Judged);
        var comparison = comparisons[Random.Shared.Next(comparisons.Count)];
        var shown = judged.Judgements.Where(judgement => judgement.Candidate == comparison.Candidate).ToDictionary(judgement => judgement.Index);
        var key = MetaSelection.Key(settings, judged.Iteration, generated.Ordinal, comparison.First, comparison.Second);
        var again = await judge.CompareAsync(
            judged.Judge, generated.Prompt, sampled.Candidates.Single(answer => answer.Index == comparison.Candidate), settings, [(shown[comparison.First], shown[comparison.Second], key)], cancellationToken);
        report.Same(
            "comparisons are generated again to the token", $"judgements {comparison.First} and {comparison.Second} of answer {comparison.Candidate} of prompt {_run}/{judged.Iteration}/{generated.Ordinal}",
            comparison, again[0].Comparison);
    }
}
