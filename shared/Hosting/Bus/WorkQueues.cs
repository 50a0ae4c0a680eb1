using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>The queues that workers of a kind share, and the fact that waits in each. Their names are the consumers', in kebab case.</summary>
public static class WorkQueues
{
    /// <summary>What MassTransit adds to a queue's name for what could not be handled.</summary>
    public const string ErrorSuffix = "_error";

    /// <summary>What MassTransit adds to a queue's name for messages of a type that no consumer of it takes.</summary>
    public const string SkippedSuffix = "_skipped";

    /// <summary>In the order in which a prompt passes through them.</summary>
    public static IReadOnlyList<(string Queue, Type Fact)> All { get; } =
    [
        ("sampler", typeof(PromptGenerated)), ("judge", typeof(CandidatesSampled)), ("pair-builder", typeof(CandidatesJudged)),
    ];

    /// <summary>The queue of an endpoint's address, without what tells one process from another.</summary>
    public static string Of(Uri endpoint, string instance) => Uri.UnescapeDataString(endpoint.Segments[^1]).Replace($"-{instance}", "", StringComparison.Ordinal);
}
