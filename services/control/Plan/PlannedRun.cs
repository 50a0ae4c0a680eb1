using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Plan;

/// <summary>All that an estimate is made from: settings, data, and how long texts are in tokens of the model.</summary>
public sealed record PlannedRun(RunSettings Settings, SeedData Seed, TextLengths Lengths, SftMixture Baseline, SftMixture First, LlamaConfig Config)
{
    /// <summary>Looks at a run that has not begun.</summary>
    /// <param name="settings">Its settings.</param>
    /// <param name="seed">Its data.</param>
    /// <param name="config">Its model's shape.</param>
    /// <param name="chat">How its model reads.</param>
    /// <exception cref="DataFileException">No demonstration fits into the context.</exception>
    public static PlannedRun Of(RunSettings settings, SeedData seed, LlamaConfig config, ChatTemplate chat) => new(
        settings, seed, TextLengths.Of(seed, settings, chat), SftMixture.Of(seed, [], baseline: true, settings, chat, config.MaxPositionEmbeddings),
        SftMixture.Of(seed, seed.EftJudged, baseline: false, settings, chat, config.MaxPositionEmbeddings), config);

    /// <summary>Longest sequence of the model, in tokens.</summary>
    public int Context => Config.MaxPositionEmbeddings;

    /// <summary>Whether the seed's judging examples are there; else the baseline makes them of ranked answers.</summary>
    public bool IsJudged => Seed.EftRanked.Count == 0;

    /// <summary>One side of a preference pair, in tokens: the prompt, a whole answer, and what ends it.</summary>
    public double Side => Math.Min(Context, Lengths.Prompt + Settings.Candidates.Sampling.MaxNewTokens + 1);

    /// <summary>One side of a pair of judgements, in tokens: the text that asks for a judgement with a whole answer in it, a whole judgement, and what ends it.</summary>
    public double JudgingSide => Math.Min(Context, Lengths.JudgeText + Settings.Candidates.Sampling.MaxNewTokens + Settings.Judge.Sampling.MaxNewTokens + 1);

    /// <summary>A judging example, in tokens; one that is still to be made has a judgement of full length.</summary>
    public double Judging => IsJudged ? Lengths.Judging : Math.Min(Context, Lengths.JudgeText + Lengths.RankedAnswer + Settings.Judge.Sampling.MaxNewTokens + 1);

    /// <summary>The mean sequence of M1's batches where judging examples are still to be made, as if all were kept.</summary>
    public double MeanWithMadeJudging
    {
        get
        {
            var made = Seed.EftRanked.Sum(prompt => prompt.Answers.Count);
            var share = Settings.Sft.EftShare > 0 ? Settings.Sft.EftShare : (double)made / (made + First.Examples);
            return (share * Judging) + ((1 - share) * Enumerable.Range(0, First.Examples).Average(row => First[row].Length));
        }
    }

    /// <summary>Tokens of the largest part of a batch that goes forward and backward at once.</summary>
    public long LargestPart
    {
        get
        {
            var (sft, dpo) = (Settings.Sft, Settings.Dpo);
            long Largest(SftMixture mixture, int steps) => Enumerable.Range(1, steps).Max(step => mixture.Batch(step, sft.Batch).Chunk(Part(sft.Batch)).Max(part => part.Sum(row => (long)mixture[row].Length)));
            return new[]
            {
                Largest(Baseline, SftRecipe.Steps(sft, baseline: true)),
                IsJudged ? Largest(First, SftRecipe.Steps(sft, baseline: false)) : (long)(Part(sft.Batch) * Math.Max(Judging, MeanWithMadeJudging)),
                (long)(2 * Part(dpo.Batch) * (Settings.Judge.MetaIterations is null ? Side : Math.Max(Side, JudgingSide))), // both sides of a pair are gone through together
                (long)(Part(Math.Max(1, dpo.ReplayJudged)) * (dpo.ReplayJudged > 0 ? Judging : 0)),
            }.Max();
        }
    }

    /// <summary>What early stopping compares checkpoints on.</summary>
    public IReadOnlyList<ValidationPrompt> Validation => ValidationPrompts.Of(Seed, Settings);

    /// <summary>What cannot work whatever the machine is, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Lengths.JudgeText + 1 >= Context)
            yield return FormattableString.Invariant($"The text that asks for a judgement takes {Lengths.JudgeText:0} tokens before the answer is in it, and the model's context is {Context}: no answer could be judged. A shorter format.judge, or a model with a longer context, would do.");
        if (Lengths.Prompt + 1 >= Context)
            yield return FormattableString.Invariant($"A prompt takes {Lengths.Prompt:0} tokens and the model's context is {Context}: there is no room for answers. Shorter prompts, or a model with a longer context, would do.");
    }

    /// <summary>What will work for some texts only, a sentence each.</summary>
    public IEnumerable<string> Warnings()
    {
        var (answer, judgement) = (Settings.Candidates.Sampling.MaxNewTokens, Settings.Judge.Sampling.MaxNewTokens);
        if (Lengths.JudgeText + 1 < Context && Lengths.JudgeText + answer + judgement > Context)
            yield return FormattableString.Invariant($"Long answers leave a judgement less room than judge.sampling.max_new_tokens ({judgement}), or none: its text takes {Lengths.JudgeText:0} tokens, an answer up to {answer}, and the context is {Context}.");
        if (Settings.Judge.MetaIterations is not null && Lengths.MetaJudgeText + answer + (3 * judgement) > Context)
            yield return FormattableString.Invariant($"Long answers and judgements leave a comparison of two judgements less room than it may take (judge.sampling.max_new_tokens, {judgement}), or none: its text takes {Lengths.MetaJudgeText:0} tokens, an answer up to {answer}, two judgements up to {2 * judgement}, and the context is {Context}.");
        if (Settings.Prompts.Source == "model" && Lengths.DraftText >= Context)
            yield return FormattableString.Invariant($"The examples that a prompt is drafted from take {Lengths.DraftText:0} tokens and the context is {Context}: most drafts will fail (prompts.seed_shots, prompts.own_shots).");
        if (ValidationPrompts.Problem(Seed, Settings) is { } comparing)
            yield return comparing;
        if (Baseline.TooLong + First.TooLong > 0)
            yield return $"{First.TooLong} of {First.TooLong + First.Examples} examples of the seed do not fit into the context of {Context} tokens and are left out.";
    }

    private int Part(int batch) => Settings.Train.MicroBatch > 0 ? Math.Min(batch, Settings.Train.MicroBatch) : batch;
}
