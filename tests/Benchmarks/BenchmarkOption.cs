using System.Globalization;
using SelfRewarding.Control;

namespace SelfRewarding.Benchmarks;

/// <summary>Options of a benchmark: <c>--name=1,2,3</c>.</summary>
internal static class BenchmarkOption
{
    private const string Prefix = "--";

    /// <summary>An option, and not a benchmark's name.</summary>
    public static bool Is(string argument) => argument.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The option's numbers, or others where it is not given.</summary>
    /// <exception cref="UserException">It does not consist of whole numbers above 0.</exception>
    public static IReadOnlyList<int> Numbers(string[] args, string name, params int[] otherwise)
    {
        var start = $"{Prefix}{name}=";
        if (args.LastOrDefault(argument => argument.StartsWith(start, StringComparison.Ordinal)) is not { } option)
            return otherwise;
        var numbers = new List<int>();
        foreach (var text in option[start.Length..].Split(','))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                throw new UserException($"'{option}' is not understood at '{text}', expected whole numbers above 0 with commas between them, such as {start}{string.Join(',', otherwise)}.");
            numbers.Add(number);
        }

        return numbers;
    }
}
