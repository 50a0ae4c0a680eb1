using System.Text;

namespace SelfRewarding.Datasets.Kata;

/// <summary>
/// The justification of a Kata judgement: for each position the expected letter, the given letter, and <c>.</c> or <c>x</c>, with
/// <c>_</c> where one of the two ends early. <c>reverse: bhfgaei</c> answered <c>ieagfbh</c> gives <c>ii.ee.aa.gg.ff.hbxbhx</c>.
/// </summary>
/// <remarks>
/// Letter by letter, because a tiny model can only judge what it can do one token at a time: with marks alone, or with the whole
/// expected answer first and marks after it, its judgements stayed useless after the same training.
/// </remarks>
/// <param name="Text">The comparison.</param>
/// <param name="Mistakes">How many positions differ.</param>
public sealed record KataComparison(string Text, int Mistakes)
{
    /// <summary>The best score.</summary>
    public const int MaxScore = 5;

    private const char Missing = '_';

    /// <summary>Five less one for each mistake, at least 0.</summary>
    public int Score => Math.Max(0, MaxScore - Mistakes);

    /// <summary>The whole judgement: comparison, then <c>Score: </c> and the score.</summary>
    public string Judgement => $"{Text} Score: {Score}";

    /// <summary>Compares an answer with the instruction's right answer.</summary>
    public static KataComparison Of(KataInstruction instruction, string answer) => Of(instruction.RightAnswer, answer);

    /// <summary>Compares an answer with the expected one, position by position.</summary>
    public static KataComparison Of(string expected, string given)
    {
        var length = Math.Max(expected.Length, given.Length);
        var text = new StringBuilder(3 * length);
        var mistakes = 0;
        for (var i = 0; i < length; i++)
        {
            var wanted = i < expected.Length ? expected[i] : Missing;
            var got = i < given.Length ? given[i] : Missing;
            // Past the end of one of them nothing can be right, even where the answer itself holds a '_'.
            var right = wanted == got && i < expected.Length;
            mistakes += right ? 0 : 1;
            text.Append(wanted).Append(got).Append(right ? '.' : 'x');
        }
        return new(text.ToString(), mistakes);
    }
}
