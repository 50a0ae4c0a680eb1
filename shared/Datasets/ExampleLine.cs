using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>What one line of each kind of file says, or the sentence that tells what is wrong with it.</summary>
internal static class ExampleLine
{
    public static string Prompt(JsonlLine line) => line.NonBlankText("prompt");

    public static InstructionExample Instruction(JsonlLine line) => new(line.NonBlankText("prompt"), line.NonBlankText("response"));

    public static PreferencePair Pair(JsonlLine line)
    {
        double? Score(string name) => line.Has(name) ? line.Number(name) : null;
        var pair = new PreferencePair(line.NonBlankText("prompt"), line.NonBlankText("chosen"), line.Text("rejected"), Score("score_chosen"), Score("score_rejected"));
        if (pair.Chosen == pair.Rejected)
            throw new DataFileException($"{line.Location}: \"chosen\" and \"rejected\" are the same text, expected a better and a worse answer.");
        return pair.ScoreChosen <= pair.ScoreRejected
            ? throw new DataFileException(FormattableString.Invariant(
                $"{line.Location}: \"score_chosen\" is {pair.ScoreChosen} and \"score_rejected\" is {pair.ScoreRejected}, expected the chosen answer's to be higher."))
            : pair;
    }

    public static JudgedExample Judged(JsonlLine line, JudgeSettings judge)
    {
        var example = new JudgedExample(line.NonBlankText("prompt"), line.Text("response"), line.NonBlankText("judgement"), line.WholeNumber("score", 0));
        var (parsed, unparsable) = JudgeScore.Parse(example.Judgement, Finish.Stop, judge);
        if (example.Score < judge.MinScore || example.Score > judge.MaxScore)
            throw new DataFileException(FormattableString.Invariant($"{line.Location}: \"score\" is {example.Score}, expected {judge.MinScore} to {judge.MaxScore} (judge.min_score, judge.max_score)."));
        if (parsed is not { } score)
            throw new DataFileException($"{line.Location}: no score can be read from \"judgement\" ({unparsable}), expected a last line such as \"Score: {example.Score}\".");
        // A judge may give half points: the example counts as the whole score next to it.
        return Math.Round(score, MidpointRounding.AwayFromZero) == example.Score
            ? example
            : throw new DataFileException($"{line.Location}: \"score\" is {example.Score}, but \"judgement\" ends with the score {score}.");
    }

    public static RankedPrompt Ranked(JsonlLine line)
    {
        string prompt;
        if (line.Has("turns") && !line.Has("prompt"))
        {
            var turns = line.Objects("turns", min: 1);
            prompt = turns.Count == 1
                ? turns[0].NonBlankText("text")
                : throw new DataFileException($"{line.Location}: \"turns\" has {turns.Count} turns, expected 1: only answers to a first message can be used.");
        }
        else
        {
            prompt = line.NonBlankText("prompt");
        }

        var answers = line.Objects("responses", min: 2);
        double? Quality(JsonlLine answer) => answer.Has("quality") ? answer.Number("quality") : null;
        if (answers.Any(answer => answer.Has("rank")) || !answers.Any(answer => answer.Has("quality")))
            return new(prompt, [.. answers.Select(answer => new RankedAnswer(answer.Text("text"), answer.WholeNumber("rank", 0), Quality(answer)))]);

        var rated = answers.Where(answer => answer.Has("quality")).ToList();
        if (rated.Count < 2)
            throw new DataFileException($"{line.Location}: \"responses\" has no ranks and 1 quality, expected ranks, or 2 qualities to rank by.");
        var qualities = rated.Select(Quality).Distinct().OrderDescending().ToList();
        return new(prompt, [.. rated.Select(answer => new RankedAnswer(answer.Text("text"), qualities.IndexOf(Quality(answer)), Quality(answer)))]);
    }
}
