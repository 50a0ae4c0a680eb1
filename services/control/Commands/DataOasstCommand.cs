using System.CommandLine;
using System.Globalization;
using System.Text;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets.OpenAssistant;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward data oasst FILE</c>: demonstrations, ranked and held-out answers of Open Assistant's message trees, in a new folder that is there with all three files or not at all.</summary>
public static class DataOasstCommand
{
    private static readonly OpenAssistantOptions Usual = new();

    public static Argument<string> File { get; } = new("FILE") { Description = "Message trees (.jsonl or .jsonl.gz)" };
    public static Option<string> Out { get; } = new("--out") { HelpName = "FOLDER", Description = "The new folder for the files", DefaultValueFactory = _ => "./oasst" };
    public static Option<string> Language { get; } = new("--lang") { HelpName = "CODE", Description = "Language of prompts and answers", DefaultValueFactory = _ => Usual.Language };
    public static Option<double> Ranked { get; } = new("--ranked") { HelpName = "SHARE", Description = "Share of prompts for the judging seed", DefaultValueFactory = _ => Usual.RankedShare };
    public static Option<double> HeldOut { get; } = new("--heldout") { HelpName = "SHARE", Description = "Share of prompts that no training sees", DefaultValueFactory = _ => Usual.HeldOutShare };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var (file, folder) = (options.GetRequiredValue(File), options.GetRequiredValue(Out));
        var (ranked, heldOut) = (options.GetValue(Ranked), options.GetValue(HeldOut));
        if (!(ranked > 0 && heldOut > 0 && ranked + heldOut < 1))
            throw new UserException(string.Create(CultureInfo.InvariantCulture, $"--ranked is {ranked} and --heldout {heldOut}, expected shares above 0 that leave something for demonstrations, such as {Usual.RankedShare} and {Usual.HeldOutShare}."));

        var sets = new OpenAssistantSets(new(options.GetRequiredValue(Language), ranked, heldOut));
        await OutputFolder.WriteAsync(folder, async unfinished =>
        {
            await using FileStream ift = Create(OpenAssistantSet.Ift), judging = Create(OpenAssistantSet.Ranked), measuring = Create(OpenAssistantSet.HeldOut);
            foreach (var (set, line) in sets.Read(file))
            {
                var stream = set switch { OpenAssistantSet.Ift => ift, OpenAssistantSet.Ranked => judging, _ => measuring };
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"{line}\n"), cancellationToken);
            }

            RefuseEmpty(file, sets);
            foreach (var stream in (FileStream[])[ift, judging, measuring])
                stream.Flush(flushToDisk: true);

            FileStream Create(OpenAssistantSet set) => new(Path.Combine(unfinished, NameOf(set)), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        });
        await WriteAsync(Console.Out, file, set => Path.Combine(folder, NameOf(set)), sets);
        return 0;
    }

    private static void RefuseEmpty(string file, OpenAssistantSets sets)
    {
        if (sets.Sets.FirstOrDefault(set => set.Value.Prompts == 0) is { Value: not null } empty)
        {
            throw new UserException(
                $"{file}: nothing of its {Figures.Count(sets.Trees)} trees is for {NameOf(empty.Key)} ({LeftOut(sets)}), so no file was written: take a larger file, or other shares (--ranked, --heldout) or another language (--lang).");
        }
    }

    private static async Task WriteAsync(TextWriter output, string file, Func<OpenAssistantSet, string> pathOf, OpenAssistantSets sets)
    {
        await output.WriteLineAsync($"{file}: {Figures.Count(sets.Trees)} message trees.");
        foreach (var (set, counts) in sets.Sets)
        {
            await output.WriteLineAsync(set == OpenAssistantSet.Ift
                ? $"{pathOf(set)}: {Figures.Count(counts.Prompts)} demonstrations."
                : $"{pathOf(set)}: {Figures.Count(counts.Prompts)} ranked prompts with {Figures.Count(counts.Answers)} answers, {Figures.Count(counts.Pairs)} pairs of different rank.");
        }

        await output.WriteLineAsync($"Left out: {LeftOut(sets)}.");
    }

    private static string NameOf(OpenAssistantSet set) => set switch
    {
        OpenAssistantSet.Ift => "ift.jsonl",
        OpenAssistantSet.Ranked => "ranked.jsonl",
        _ => "heldout.jsonl",
    };

    private static string LeftOut(OpenAssistantSets sets) =>
        sets.LeftOut.Count == 0 ? "none" : string.Join(", ", sets.LeftOut.Select(reason => $"{Figures.Count(reason.Value)} {reason.Key}"));
}
