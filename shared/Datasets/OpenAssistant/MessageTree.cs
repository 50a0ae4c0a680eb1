namespace SelfRewarding.Datasets.OpenAssistant;

/// <summary>
/// The first turn of one of Open Assistant's message trees (https://huggingface.co/datasets/OpenAssistant/oasst1): a prompt and the answers to it. What was said
/// after that is not looked at.
/// </summary>
/// <param name="Id">The tree's <c>message_tree_id</c>.</param>
/// <param name="Prompt">The first message; null where the tree has none.</param>
/// <param name="Answers">The replies to it, in the file's order.</param>
/// <param name="IsFinished">Whether the tree's state, where the file has one, is <c>ready_for_export</c>.</param>
public sealed record MessageTree(string Id, TreeMessage? Prompt, IReadOnlyList<TreeMessage> Answers, bool IsFinished)
{
    /// <summary>Reads a line of a file of trees.</summary>
    /// <exception cref="DataFileException">The line is no such tree.</exception>
    public static MessageTree Read(JsonlLine line)
    {
        var id = line.NonBlankText("message_tree_id");
        var isFinished = !line.Has("tree_state") || line.Text("tree_state") == "ready_for_export";
        if (!line.Has("prompt"))
            return new(id, null, [], isFinished);
        var prompt = line.Part("prompt");
        return new(id, TreeMessage.Read(prompt, "prompter"), [.. (prompt.Has("replies") ? prompt.Objects("replies", min: 0) : []).Select(reply => TreeMessage.Read(reply, "assistant"))], isFinished);
    }
}

/// <summary>One message of a tree.</summary>
/// <param name="Text">What was written.</param>
/// <param name="Language">A code such as <c>en</c>; null where nobody said.</param>
/// <param name="IsGood">Neither deleted nor turned down by its reviewers.</param>
/// <param name="Rank">Where people put it among its siblings, 0 the best; null where they did not.</param>
/// <param name="Quality">The mean of people's ratings, 0 to 1; null where there is none.</param>
public sealed record TreeMessage(string Text, string? Language, bool IsGood, int? Rank, double? Quality)
{
    internal static TreeMessage Read(JsonlLine line, string role)
    {
        var said = line.Text("role");
        if (said != role)
            throw new DataFileException($"{line.Location}: \"{line.Path}role\" is '{said}', expected '{role}'.");
        return new(
            line.Text("text"),
            line.Has("lang") ? line.Text("lang") : null,
            line.Flag("deleted") != true && line.Flag("review_result") != false,
            line.Has("rank") ? line.WholeNumber("rank", 0) : null,
            QualityOf(line));
    }

    private static double? QualityOf(JsonlLine line)
    {
        if (!line.Has("labels") || line.Part("labels") is not { } labels || !labels.Has("quality"))
            return null;
        var quality = labels.Part("quality");
        return quality.Has("value") ? quality.Number("value") : null;
    }
}
