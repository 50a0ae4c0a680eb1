using System.Text.Json.Serialization;

namespace SelfRewarding.Contracts;

/// <summary>A model as messages name it: weights never travel, only where they lie and what they must hash to.</summary>
/// <param name="Name"><c>M0</c>, <c>SFT</c> (the baseline), <c>M1</c>, <c>M2</c> …</param>
/// <param name="Path">Folder in Hugging Face layout, relative to the data folder.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of <c>model.safetensors</c>.</param>
public sealed record ModelRef(string Name, string Path, string Sha256);

/// <summary>A file (or generated set) of seed data that a run was started with.</summary>
/// <param name="Kind"><c>ift</c>, <c>eft</c>, <c>ranked</c>, <c>drafts</c>, <c>heldout-prompts</c>, <c>heldout-ranked</c>.</param>
public sealed record SeedSet(string Kind, string Path, int Examples, string Sha256);

/// <summary>The first stage that a fork does anew; all before it is shared with the run that it comes from.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ForkStage>))]
public enum ForkStage
{
    /// <summary>New prompts: only the models are shared.</summary>
    Prompts,

    /// <summary>New answers to the recorded prompts.</summary>
    Candidates,

    /// <summary>New judgements of the recorded answers.</summary>
    Judgements,

    /// <summary>New pairs from the recorded judgements.</summary>
    Pairs,
}

/// <summary>Where a fork branches off: everything of <paramref name="Parent"/> before this stage of this iteration is the fork's too, by reference.</summary>
/// <param name="Parent">The run that it comes from, perhaps a fork itself.</param>
/// <param name="Iteration">The first iteration that is done anew, from <paramref name="From"/> on.</param>
public sealed record RunOrigin(string Parent, int Iteration, ForkStage From);

/// <summary>Version 1 of <c>run-{run}</c>: every setting in force, and the data by hash.</summary>
/// <param name="Origin">Null for a run that begins at M0.</param>
public sealed record RunStarted(string Run, RunSettings Settings, IReadOnlyList<SeedSet> Seeds, RunOrigin? Origin = null);

/// <summary>A model is ready to use. Closes one turn of the loop and opens the next.</summary>
/// <param name="Parent">The model that training started from (and DPO's reference); null for M0.</param>
/// <param name="DatasetSha256">SHA-256 of the canonical dataset it was trained on; null for M0.</param>
public sealed record ModelPublished(string Run, ModelRef Model, ModelRef? Parent, string? DatasetSha256, int Steps);

/// <summary>The last model of the run is published.</summary>
public sealed record RunCompleted(string Run, ModelRef Model);

/// <summary>The run cannot go on, and why, in one sentence.</summary>
public sealed record RunStopped(string Run, int Iteration, string Reason);
