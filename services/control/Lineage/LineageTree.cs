namespace SelfRewarding.Control.Lineage;

/// <summary>The tree of anything that has an id, as <c>selfreward lineage</c> and the HTTP API give it.</summary>
public static class LineageTree
{
    /// <summary>Reads the tree.</summary>
    /// <param name="log">The log.</param>
    /// <param name="text">The id, as a person types it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UserException">It is no id, or there is no such thing; says what there is.</exception>
    public static async Task<LineageNode> OfAsync(LogReader log, string text, CancellationToken cancellationToken)
    {
        var id = LineageId.Parse(text, await log.Runs.NamesAsync(cancellationToken));
        var ancestry = await log.Catalog.AncestryOfAsync(id.Run, cancellationToken);
        return id.Model is null
            ? await new PromptLineage(log.Runs, log.Log, ancestry).OfAsync(id, cancellationToken)
            : await new ModelLineage(log.Runs, log.Log, ancestry).OfAsync(id, cancellationToken);
    }
}
