using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// What a checkpoint answers to held-out prompts, and how these answers are judged: by the model that training started from, which judged the pairs, or by the server of engines.judgements. (In the paper a stronger model
/// says which of two answers is better.) Draws are keyed by prompt and not by step, so two checkpoints that answer the same are judged the same.
/// </summary>
/// <param name="generator">The run's own models.</param>
/// <param name="engines">Who judges.</param>
/// <param name="pool">Holds the models while they are at it: the one first, the other after it, none when training goes on.</param>
/// <param name="options">Where models lie.</param>
public sealed class CheckpointAnswers(ITextGenerator generator, TextEngines engines, ModelPool pool, WorkerOptions options)
{
    /// <summary>Refuses what would end a training at its first comparison.</summary>
    /// <exception cref="ServerRefusedException">The key of the server that judges is not here.</exception>
    public void Check(RunSettings settings) => engines.Judgements(settings);

    /// <summary>Lets a checkpoint answer, and its answers be judged.</summary>
    /// <param name="checkpoint">Its weights as they would be published.</param>
    /// <param name="judge">The model that training started from.</param>
    /// <param name="prompts">What to answer.</param>
    /// <param name="iteration">The iteration whose pairs it is trained on.</param>
    /// <param name="settings">How to answer and judge.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The answers in the order of the prompts, and the server that judged them.</returns>
    public async Task<(IReadOnlyList<ValidationAnswer> Answers, ServedBy? Server)> OfAsync(
        ModelRef checkpoint, ModelRef judge, IReadOnlyList<ValidationPrompt> prompts, int iteration, RunSettings settings, CancellationToken cancellationToken)
    {
        var judging = new AnswerJudge(engines.Judgements(settings));
        var answers = await WithAsync(checkpoint, prompts.Select(prompt => AnswerAsync(generator, checkpoint, prompt, iteration, settings, cancellationToken)));
        var judged = await WithAsync(judge, answers.Select(answer => JudgeAsync(judging, judge, answer, iteration, settings, cancellationToken)));
        return ([.. answers.Zip(judged, (answer, judgements) => answer with { Judgements = judgements.Judgements })], ServedBy.Sum(judged.Select(judgements => judgements.Server)));
    }

    /// <summary>A checkpoint's answer to one prompt, not judged yet; the same every time on a CPU.</summary>
    public static async Task<ValidationAnswer> AnswerAsync(ITextGenerator generator, ModelRef checkpoint, ValidationPrompt prompt, int iteration, RunSettings settings, CancellationToken cancellationToken)
    {
        var key = DrawKey.For(settings.Seed, DrawPurpose.Validation, iteration, prompt.Index);
        try
        {
            var text = (await generator.GenerateAsync(RunModel.Of(checkpoint, settings), new PromptFormat(settings.Format).Answer(prompt.Prompt), [key], settings.Evaluation.Sampling, cancellationToken))[0];
            return new ValidationAnswer(prompt.Index, prompt.Prompt, text.Text, text.Finish, []);
        }
        catch (ContextLengthException)
        {
            return new ValidationAnswer(prompt.Index, prompt.Prompt, "", Finish.Length, []); // no room for an answer, for any checkpoint: judged like the evaluator's
        }
    }

    /// <summary>The judgements of one answer; of a model the same every time on a CPU.</summary>
    public static Task<AnswerJudged> JudgeAsync(AnswerJudge judging, ModelRef judge, ValidationAnswer answer, int iteration, RunSettings settings, CancellationToken cancellationToken) =>
        judging.JudgeAsync(
            judge, answer.Prompt, answer.Text, answer.Index, settings,
            [.. Enumerable.Range(0, settings.Dpo.EarlyStopping.Judgements).Select(index => DrawKey.For(settings.Seed, DrawPurpose.ValidationJudgement, iteration, answer.Index, index))],
            cancellationToken);

    // Frees the model when all are done with it, and also when one has failed: whoever tries the training again needs the room.
    private async Task<T[]> WithAsync<T>(ModelRef model, IEnumerable<Task<T>> work)
    {
        try
        {
            return await Task.WhenAll(work);
        }
        finally
        {
            await pool.FreeAsync(options.Locate(model.Path), model.Sha256);
        }
    }
}
