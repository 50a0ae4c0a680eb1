namespace SelfRewarding.Model;

/// <summary>One of the <c>added_tokens</c>: special, or cut out of texts before they are merged.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Id">Its id.</param>
/// <param name="Special">Never made from text and never shown in it.</param>
/// <param name="Normalized">Looked for in the normalized text, normalized itself.</param>
/// <param name="LStrip">Takes the white space before it.</param>
/// <param name="RStrip">Takes the white space behind it.</param>
internal sealed record AddedToken(string Content, int Id, bool Special, bool Normalized, bool LStrip, bool RStrip)
{
    /// <param name="json">One element of the list.</param>
    /// <param name="eos">The tokens that end an answer.</param>
    public static AddedToken Read(JsonFile json, IReadOnlyList<int> eos)
    {
        var (content, id) = (json.Text("content"), json.Int("id"));
        if (string.IsNullOrEmpty(content)) throw new CheckpointException($"{json.File}: the token {id} has no \"content\".");

        // What ends an answer or opens a turn is special whatever the file calls it: nobody's text may end or open one.
        var special = json.Bool("special", false) || eos.Contains(id) || ChatMarkers.All.Contains(content);
        if (!special && json.Bool("single_word", false)) throw TokenizerFile.Refused(json, "single_word");
        return new AddedToken(content, id, special, json.Bool("normalized", true), json.Bool("lstrip", false), json.Bool("rstrip", false));
    }
}
