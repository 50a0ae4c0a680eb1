namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// Every metric of ours with its tags: a run is held to it, and so are the dashboards, whose labels these become. A tag has few values; none names a run or a prompt.
/// </summary>
internal static class KnownMetrics
{
    private static readonly string[] Generation = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"];

    public static IReadOnlyDictionary<string, string[]> Tags { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["self_rewarding.log.position"] = [],
        ["self_rewarding.log.reader.position"] = ["reader"],
        ["self_rewarding.message.failed"] = ["queue"],
        ["self_rewarding.prompt.stage"] = ["stage"],
        ["self_rewarding.prompt.discarded"] = ["reason"],
        ["self_rewarding.draft.rejected"] = ["reason"],
        ["self_rewarding.candidate.sampled"] = ["model", "finish"],
        ["self_rewarding.judgement.made"] = ["model", "outcome"],
        ["self_rewarding.judgement.score"] = ["model"],
        ["self_rewarding.meta_judgement.made"] = ["model", "outcome"],
        ["self_rewarding.pair.built"] = [],
        ["self_rewarding.judging_pair.built"] = [],
        ["self_rewarding.pair.margin"] = [],
        ["self_rewarding.training.loss"] = ["model"],
        ["self_rewarding.training.grad_norm"] = ["model"],
        ["self_rewarding.training.reward.margin"] = ["model"],
        ["self_rewarding.training.reward.accuracy"] = ["model"],
        ["self_rewarding.training.win_rate"] = ["model"],
        ["self_rewarding.training.tokens"] = ["model"],
        ["self_rewarding.training.step.duration"] = ["model"],
        ["self_rewarding.evaluation.exact_match"] = ["model"],
        ["self_rewarding.evaluation.pairwise_accuracy"] = ["model"],
        ["self_rewarding.evaluation.unparsable"] = ["model"],
        ["self_rewarding.generation.slot.usage"] = ["gen_ai.request.model"],
        ["self_rewarding.generation.slot.limit"] = ["gen_ai.request.model"],
        ["self_rewarding.generation.pending_requests"] = ["gen_ai.request.model"],
        ["gen_ai.server.request.duration"] = [.. Generation, "error.type"],
        ["gen_ai.server.time_to_first_token"] = Generation,
        ["gen_ai.server.time_per_output_token"] = Generation,
        ["gen_ai.client.operation.duration"] = [.. Generation, "error.type"],
        ["gen_ai.client.token.usage"] = [.. Generation, "gen_ai.token.type"],
    };
}
