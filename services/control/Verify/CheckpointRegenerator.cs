using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Control.Verify;

/// <summary>
/// Answers and judgements that checkpoints were compared by, done again with the recorded models and keys. Of the checkpoints only the one that was published is still there; the model that judged is there for all.
/// </summary>
internal sealed class CheckpointRegenerator(LogReader log, Ancestry ancestry, VerifyReport report, LocalTextGenerator generator, WorkerOptions options)
{
    private const string Subject = "answers of compared checkpoints, generated again";

    private readonly string _run = ancestry.Start.Run;

    private sealed record Drawn(CheckpointCompared Compared, ModelRef? Published, ValidationAnswer Answer)
    {
        public int Iteration => ModelNames.Iteration(Compared.Model)!.Value - 1;

        public string Place(string run) => $"prompt {Answer.Index} answered at step {Compared.Step} of {run}/{Compared.Model}";
    }

    /// <summary>Draws answers of the run's comparisons at random; does nothing where there are none.</summary>
    public async Task CheckAsync(int count, CancellationToken cancellationToken)
    {
        var all = await ReadAsync(cancellationToken);
        if (all.Count == 0)
            return;
        var (answersLeft, judgementsLeft) = (0, 0);
        foreach (var drawn in Random.Shared.GetItems([.. all], count))
        {
            if (((ModelRef?[])[drawn.Compared.Judge, drawn.Published]).FirstOrDefault(model => model is not null && !Directory.Exists(options.Locate(model.Path))) is { } gone)
            {
                report.NotChecked(Subject, $"there is no '{options.Locate(gone.Path)}'; an export of events brings no models");
                return;
            }

            var settings = ancestry.SettingsOf(drawn.Compared.Model);
            if (drawn.Published is null) answersLeft++;
            else await AnswerAsync(drawn, drawn.Published, settings, cancellationToken);
            if (settings.Engines.Judgements.Url is not null) judgementsLeft++;
            else await JudgeAsync(drawn, settings, cancellationToken);
        }

        if (answersLeft > 0)
            report.NotChecked($"{answersLeft} of {count} {Subject}", "their checkpoints were not published, and their weights are not kept");
        if (judgementsLeft > 0)
            report.NotChecked($"judgements of {judgementsLeft} {Subject}", "a server wrote them, and whether the same seed brings the same text is its to say");
    }

    private async Task<IReadOnlyList<Drawn>> ReadAsync(CancellationToken cancellationToken)
    {
        var all = new List<Drawn>();
        foreach (var model in (await log.Runs.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().Select(published => published.Model))
        {
            var facts = await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, model.Name, cancellationToken), cancellationToken);
            all.AddRange(
                from compared in facts.OfType<CheckpointCompared>()
                from answer in compared.Answers
                select new Drawn(compared, compared.Sha256 == model.Sha256 ? model : null, answer));
        }

        return all;
    }

    private async Task AnswerAsync(Drawn drawn, ModelRef published, RunSettings settings, CancellationToken cancellationToken)
    {
        var again = await CheckpointAnswers.AnswerAsync(generator, published, new ValidationPrompt(drawn.Answer.Index, drawn.Answer.Prompt), drawn.Iteration, settings, cancellationToken);
        report.Same("checkpoints answer again, to the token", drawn.Place(_run), new { drawn.Answer.Text, drawn.Answer.Finish }, new { again.Text, again.Finish });
    }

    private async Task JudgeAsync(Drawn drawn, RunSettings settings, CancellationToken cancellationToken)
    {
        var again = await CheckpointAnswers.JudgeAsync(new AnswerJudge(generator), drawn.Compared.Judge, drawn.Answer, drawn.Iteration, settings, cancellationToken);
        report.Same("checkpoints are judged again, to the token", drawn.Place(_run), drawn.Answer.Judgements, again.Judgements);
    }
}
