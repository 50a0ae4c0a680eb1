using System.Security.Cryptography;
using System.Text;

namespace SelfRewarding.Pipeline.Tests.Meta;

/// <summary>
/// What a server would say that judges Kata well, lazily or unsurely, and then knows a good judgement from a bad one, though it prefers the first now and then and sometimes rambles. It depends on prompt and
/// seed alone.
/// </summary>
internal static class ComparingServer
{
    private const string Lazy = "fine. Score: 3", Unsure = "?? ";

    /// <summary>Whether it is asked which of two judgements is better.</summary>
    public static bool IsComparison(Asked asked) => asked.Prompt.StartsWith("which ", StringComparison.Ordinal);

    /// <summary>The answer to whatever a run asks.</summary>
    public static string Answer(Asked asked)
    {
        var draw = SHA256.HashData(Encoding.UTF8.GetBytes($"{asked.Seed}|{asked.Prompt}"));
        if (IsComparison(asked))
            return Compare(asked.Prompt, draw);
        var answer = KataServer.Answer(asked);
        if (!asked.Prompt.StartsWith("judge ", StringComparison.Ordinal))
            return answer;
        return (draw[0] % 4) switch { 0 => Lazy, 1 => Unsure + answer, _ => answer };
    }

    private static string Compare(string prompt, byte[] draw)
    {
        var shown = prompt.TrimEnd('\n').Split('\n')[^2..].Select(line => Worth(line[2..])).ToList();
        return (draw[0] % 8) switch
        {
            0 => "both have their points",
            1 => "Winner: A",
            _ => shown[0] == shown[1] ? "Winner: neither" : $"Winner: B, I thought.\nWinner: {(shown[0] > shown[1] ? "A" : "B")}",
        };
    }

    private static int Worth(string judgement) => judgement == Lazy ? 0 : judgement.StartsWith(Unsure, StringComparison.Ordinal) ? 1 : 2;
}
