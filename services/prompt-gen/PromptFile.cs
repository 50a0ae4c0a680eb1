using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;

namespace SelfRewarding.PromptGen;

/// <summary>Prompts of a file, in place of drafts.</summary>
public static class PromptFile
{
    /// <summary>The prompts in the file's order, one line at a time.</summary>
    /// <exception cref="DataFileException">As <see cref="Jsonl.ReadPrompts"/>; also where a prompt is more than a message may have, so that no worker could be sent it.</exception>
    public static IEnumerable<string> Read(string file)
    {
        foreach (var (index, prompt) in Jsonl.ReadPrompts(file).Index())
        {
            // Beside the text, a fact that comes from a file has some names only, and there is room for more than those.
            yield return MessageLimit.Refuses(new PromptGenerated("", 0, index, new ModelRef("", "", ""), prompt, file, [], [])) is { } excess
                ? throw new DataFileException($"{file}: prompt {index + 1} is too large ({excess}): shorten it, or take it out.")
                : prompt;
        }
    }
}
