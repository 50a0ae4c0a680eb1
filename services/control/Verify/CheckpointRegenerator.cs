using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Control.Verify;

/// <summary>
/// Answers and judgements that checkpoints were compared by, done again with the recorded models and keys. Of a finished training only the checkpoint that was published is still there; the model that judged is there for all.
/// </summary>
internal sealed class CheckpointRegenerator(LogReader log, Ancestry ancestry, VerifyReport report, LocalTextGenerator generator, WorkerOptions options)
{
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
        if (all.Length == 0)
            return;
        Random.Shared.Shuffle(all);
        var (answersLeft, judgementsLeft, judgesGone) = (0, 0, 0);
        foreach (var drawn in all.Take(count))
        {
            var settings = ancestry.SettingsOf(drawn.Compared.Model);
            if (drawn.Published is { } published && Directory.Exists(options.Locate(published.Path)))
                await AnswerAsync(drawn, published, settings, cancellationToken);
            else
                answersLeft++;
            if (settings.Engines.Judgements.Url is not null)
                judgementsLeft++;
            else if (!Directory.Exists(options.Locate(drawn.Compared.Judge.Path)))
                judgesGone++;
            else
                await JudgeAsync(drawn, settings, cancellationToken);
        }

        Left(answersLeft, "answers of compared checkpoints that were drawn", "their weights are not kept: only those of the published checkpoint are");
        Left(judgementsLeft, "answers of checkpoints, judged again", "a server judged them, and whether the same seed brings the same text is its to say");
        Left(judgesGone, "answers of checkpoints, judged again", "the model that judged them is not on this machine");

        void Left(int number, string what, string why)
        {
            if (number > 0)
                report.NotChecked($"{number} {what}", why);
        }
    }

    private async Task<Drawn[]> ReadAsync(CancellationToken cancellationToken)
    {
        var published = (await log.Runs.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().ToDictionary(fact => fact.Model.Name, fact => fact.Model, StringComparer.Ordinal);
        var all = new List<Drawn>();
        foreach (var name in ModelNames.All(ancestry.Start.Settings.Iterations))
        {
            var facts = await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, name, cancellationToken), cancellationToken);
            all.AddRange(
                from compared in facts.OfType<CheckpointCompared>()
                from answer in compared.Answers
                select new Drawn(compared, published.GetValueOrDefault(name) is { } model && model.Sha256 == compared.Sha256 ? model : null, answer));
        }

        return [.. all];
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
