namespace SelfRewarding.Control.Lineage;

/// <summary>The tree of anything that has an id, as <c>selfreward lineage</c> and the HTTP API give it.</summary>
public static class LineageTree
{
    /// <summary>Reads the tree.</summary>
    /// <param name="log">The log.</param>
    /// <param name="text">The id, as a person types it.</param>
    /// <param name="measure">Whether a pair's rewards are measured by the trained model, which loads two models.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UserException">It is no id, or there is no such thing; says what there is.</exception>
    public static async Task<LineageNode> OfAsync(LogReader log, string text, bool measure, CancellationToken cancellationToken)
    {
        var id = LineageId.Parse(text, await log.Runs.NamesAsync(cancellationToken));
        var ancestry = await log.Catalog.AncestryOfAsync(id.Run, cancellationToken);
        if (measure && id.Iteration is null)
            throw new UserException($"--measure: '{text}' is no pair, expected a prompt that made one, such as {id.Run}/1/17.");
        return id switch
        {
            { Set: not null } => await new SeedLineage(log, ancestry).OfAsync(id, cancellationToken),
            { Model: not null } => await new ModelLineage(log, ancestry).OfAsync(id, cancellationToken),
            _ => await new PromptLineage(log, ancestry).OfAsync(id, measure, cancellationToken),
        };
    }
}
