using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Plan;

/// <summary>
/// How long a run's texts are in tokens of its model, as means over (at most so many of) the seed's examples. Prompts that the model will make are taken to be as long as the seed's.
/// </summary>
/// <param name="Prompt">A prompt as the model reads it to answer.</param>
/// <param name="JudgeText">The text that a judgement is asked for with, without the answer in it.</param>
/// <param name="RankedAnswer">A ranked answer of the judging seed; 0 where there are none.</param>
/// <param name="HeldOutPrompt">A held-out prompt as the model reads it to answer.</param>
/// <param name="HeldOutAnswer">A held-out ranked answer.</param>
/// <param name="DraftText">The few-shot text that a new prompt is drafted from.</param>
/// <param name="MetaJudgeText">The text that judgements are compared with, without answer and judgements in it; 0 where none are compared.</param>
/// <param name="Judging">A judging example of the seed, as it is trained on; 0 where they are still to be made of ranked answers.</param>
public sealed record TextLengths(double Prompt, double JudgeText, double RankedAnswer, double HeldOutPrompt, double HeldOutAnswer, double DraftText, double MetaJudgeText, double Judging)
{
    private const int Sample = 256;

    /// <summary>Tokenises examples from all over the seed.</summary>
    public static TextLengths Of(SeedData seed, RunSettings settings, ChatTemplate chat)
    {
        var format = new PromptFormat(settings.Format);
        double Prompts(IEnumerable<string> prompts, int count) => Mean(prompts, count, prompt => chat.Prompt(format.Answer(prompt)).Length);
        double Answers(IReadOnlyList<RankedPrompt> ranked) =>
            Mean(ranked.SelectMany(prompt => prompt.Answers), ranked.Sum(prompt => prompt.Answers.Count), answer => chat.Answer(answer.Text, ends: false).Length);
        var shots = settings.Prompts.SeedShots + settings.Prompts.OwnShots;
        return new(
            Prompts(seed.SeedPrompts, seed.SeedPrompts.Count),
            Mean(seed.SeedPrompts, seed.SeedPrompts.Count, prompt => chat.Prompt(format.Judge(prompt, "")).Length),
            Answers(seed.EftRanked),
            Prompts(seed.HeldOutPrompts.Select(prompt => prompt.Prompt), seed.HeldOutPrompts.Count),
            Answers(seed.HeldOutRanked),
            Mean(Enumerable.Range(0, 32), 32, ordinal => chat.Prompt(format.Draft(
                ShotSelection(seed.SeedPrompts, shots, ordinal))).Length),
            settings.Judge.MetaIterations is null ? 0 : Mean(seed.SeedPrompts, seed.SeedPrompts.Count, prompt => chat.Prompt(format.MetaJudge(prompt, "", "", "")).Length),
            Mean(seed.EftJudged, seed.EftJudged.Count, example => chat.Sequence(format.Judge(example.Prompt, example.Response), example.Judgement).Length));
    }

    private static IEnumerable<string> ShotSelection(IReadOnlyList<string> prompts, int shots, int ordinal) =>
        PromptGen.ShotSelection.Choose(prompts, [], shots, 0, (ulong)ordinal);

    // Evenly from the first to the last, so that an ordered file is seen whole.
    private static double Mean<T>(IEnumerable<T> items, int count, Func<T, int> length)
    {
        var step = Math.Max(1, count / Sample);
        var lengths = items.Where((_, index) => index % step == 0).Select(length).ToList();
        return lengths.Count == 0 ? 0 : lengths.Average();
    }
}
