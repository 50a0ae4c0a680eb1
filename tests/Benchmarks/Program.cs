using System.Globalization;
using SelfRewarding.Benchmarks;

// Ratios within one run; a time alone says nothing on a shared machine.
const string minutesOption = "--minutes=";
var minutes = 0.5;
if (args.FirstOrDefault(arg => arg.StartsWith(minutesOption, StringComparison.Ordinal)) is { } option
    && !(double.TryParse(option.AsSpan(minutesOption.Length), CultureInfo.InvariantCulture, out minutes) && minutes is > 0 and <= 1_440))
{
    await Console.Error.WriteLineAsync($"'{option}' does not say how long 'live' takes, expected {minutesOption}N with more than 0 and at most 1440.");
    return 2;
}

var benchmarks = new Dictionary<string, Func<TextWriter, CancellationToken, Task>>
{
    ["store"] = EventStoreBenchmark.RunAsync,
    ["overhead"] = OverheadBenchmark.RunAsync,
    ["rebuild"] = RebuildBenchmark.RunAsync,
    ["live"] = (output, stop) => LiveBenchmark.RunAsync(output, TimeSpan.FromMinutes(minutes), stop),
    ["pace"] = WritePaceBenchmark.RunAsync,
};
var named = args.Where(arg => !arg.StartsWith(minutesOption, StringComparison.Ordinal)).ToArray();
var chosen = named.Length == 0 ? benchmarks.Keys.ToArray() : named;
foreach (var name in chosen)
{
    if (!benchmarks.TryGetValue(name, out var run))
    {
        await Console.Error.WriteLineAsync($"There is no benchmark '{name}', expected one of {string.Join(", ", benchmarks.Keys)}.");
        return 2;
    }

    await run(Console.Out, CancellationToken.None);
}

return 0;
