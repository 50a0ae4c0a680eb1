using System.Text;
using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>
/// Lays texts out for the model. A template is filled in one pass: what is put in is never looked at again, so an answer that contains
/// <c>{response}</c> stays as it is.
/// </summary>
public sealed class PromptFormat(FormatSettings settings)
{
    /// <summary>What the model answers to.</summary>
    public string Answer(string prompt) => Fill(settings.Answer, ("{prompt}", prompt));

    /// <summary>What the model judges an answer by.</summary>
    public string Judge(string prompt, string response) => Fill(settings.Judge, ("{prompt}", prompt), ("{response}", response));

    /// <summary>What the model compares two judgements of an answer by.</summary>
    /// <exception cref="InvalidOperationException">The layout was never given.</exception>
    public string MetaJudge(string prompt, string response, string first, string second) => Fill(
        settings.MetaJudge ?? throw new InvalidOperationException("format.meta_judge is not set, though the run compares judgements."),
        ("{prompt}", prompt), ("{response}", response), ("{first}", first), ("{second}", second));

    /// <summary>What the model drafts a new instruction from.</summary>
    public string Draft(IEnumerable<string> examples) =>
        Fill(settings.Draft, ("{examples}", string.Concat(examples.Select(example => Fill(settings.DraftExample, ("{prompt}", example))))));

    /// <summary>
    /// The instruction in what the model wrote after <see cref="Draft"/>: it ends where an example of this layout ends, since a base model
    /// goes on with further examples. A draft whose end was seen is complete, whatever stopped the generation. What begins an example is no
    /// part of it, should the model begin with it.
    /// </summary>
    public (string Text, Finish Finish) ReadDraft(string completion, Finish finish)
    {
        var place = settings.DraftExample.IndexOf("{prompt}", StringComparison.Ordinal);
        var (before, after) = (settings.DraftExample[..place].Trim(), settings.DraftExample[(place + "{prompt}".Length)..]);
        var mark = after.TrimEnd() is { Length: > 0 } text ? text : after;
        var begun = completion.TrimStart();
        if (before.Length > 0 && begun.StartsWith(before, StringComparison.Ordinal)) begun = begun[before.Length..].TrimStart();
        var end = mark.Length == 0 ? -1 : begun.IndexOf(mark, StringComparison.Ordinal);
        return end < 0 ? (begun.TrimEnd(), finish) : (begun[..end].TrimEnd(), Finish.Stop);
    }

    private static string Fill(string template, params ReadOnlySpan<(string Placeholder, string Value)> values)
    {
        var filled = new StringBuilder();
        for (var rest = template.AsSpan(); rest.Length > 0;)
        {
            var brace = rest.IndexOf('{');
            filled.Append(brace < 0 ? rest : rest[..brace]);
            if (brace < 0)
                break;
            rest = rest[brace..];
            var taken = 1;
            foreach (var (placeholder, value) in values)
            {
                if (!rest.StartsWith(placeholder))
                    continue;
                filled.Append(value);
                taken = placeholder.Length;
                break;
            }

            if (taken == 1)
                filled.Append('{');
            rest = rest[taken..];
        }

        return filled.ToString();
    }
}
