using System.Security.Cryptography;
using System.Text;
using SelfRewarding.Datasets.Kata;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What a server would say that knows Kata well and slips now and then. It depends on prompt and seed alone, so a disturbed run can be compared with a quiet one.</summary>
internal static class KataServer
{
    private const string Judging = "judge ", Given = " -> ";

    /// <summary>The answer to whatever a run asks.</summary>
    public static string Answer(Asked asked)
    {
        var draw = SHA256.HashData(Encoding.UTF8.GetBytes($"{asked.Prompt}|{asked.Seed}"));
        if (asked.Prompt.StartsWith("new\n", StringComparison.Ordinal))
            return Draft(draw) + "\n";
        if (!asked.Prompt.StartsWith(Judging, StringComparison.Ordinal))
            return Slipping(RightAnswer(asked.Prompt), draw);
        var mark = asked.Prompt.IndexOf(Given, StringComparison.Ordinal);
        return KataComparison.Of(RightAnswer(asked.Prompt[Judging.Length..mark]), asked.Prompt[(mark + Given.Length)..].TrimEnd('\n')).Judgement;
    }

    // A model that is still small drafts what is no instruction, too.
    private static string RightAnswer(string prompt) => KataInstruction.TryParse(prompt, out var instruction) ? instruction.RightAnswer : "abc";

    private static string Draft(byte[] draw) =>
        $"{KataInstruction.Families[draw[0] % KataInstruction.Families.Count]}: {string.Concat(Enumerable.Range(1, 3 + (draw[9] % 4)).Select(i => KataInstruction.Letters[draw[i] % KataInstruction.Letters.Length]))}";

    // Every other answer has a letter too many.
    private static string Slipping(string answer, byte[] draw) => draw[0] % 2 == 0 ? answer : answer + "j";
}
