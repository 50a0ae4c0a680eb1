using System.Globalization;
using SelfRewarding.Control;

namespace SelfRewarding.Benchmarks;

/// <summary>Options of a benchmark: <c>--name=1,2,3</c> or <c>--name=word</c>.</summary>
internal static class BenchmarkOption
{
    private const string Prefix = "--";

    /// <summary>An option, and not a benchmark's name.</summary>
    public static bool Is(string argument) => argument.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The option's numbers, or others where it is not given.</summary>
    /// <exception cref="UserException">It does not consist of whole numbers above 0.</exception>
    public static IReadOnlyList<int> Numbers(string[] args, string name, params int[] otherwise)
    {
        if (Find(args, name) is not { } texts)
            return otherwise;
        var numbers = new List<int>();
        foreach (var text in texts)
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                throw new UserException($"{Start(name)} is not understood at '{text}', expected whole numbers above 0 with commas between them, such as {Start(name)}{string.Join(',', otherwise)}.");
            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>The option's words, or all that it may have where it is not given.</summary>
    /// <exception cref="UserException">One is none of them.</exception>
    public static IReadOnlyList<string> Words(string[] args, string name, params string[] all)
    {
        var words = Find(args, name) ?? all;
        return words.FirstOrDefault(word => !all.Contains(word, StringComparer.Ordinal)) is { } other
            ? throw new UserException($"{Start(name)} is not understood at '{other}', expected {string.Join(" or ", all)}.")
            : words;
    }

    /// <summary>The option's one word, or the first of those that it may be where it is not given.</summary>
    /// <exception cref="UserException">It is none of them.</exception>
    public static string Word(string[] args, string name, params string[] all) => Find(args, name) is null ? all[0] : Words(args, name, all)[0];

    private static string[]? Find(string[] args, string name) =>
        args.LastOrDefault(argument => argument.StartsWith(Start(name), StringComparison.Ordinal))?[Start(name).Length..].Split(',');

    private static string Start(string name) => $"{Prefix}{name}=";
}
