using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A tiny run in one process that nobody disturbs: what the disturbed ones are compared with.</summary>
public sealed class QuietRun : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-quiet-").FullName;

    /// <summary>Its data folder. Forks may be added, the run itself stays as it is.</summary>
    public string Folder => _folder;

    /// <summary>The hash of every frozen dataset and published model.</summary>
    public IReadOnlyList<string> Fingerprint { get; private set; } = [];

    /// <summary>What it printed.</summary>
    public string Output { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(TinyRun.Arguments(_folder));
        code.ShouldBe(0, output + errors);
        Output = output;
        Fingerprint = await TinyRun.FingerprintAsync(_folder);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Tests that start whole runs in one process share one quiet run, and take turns: each wants every core.</summary>
[CollectionDefinition(Name)]
public sealed class WholeRuns : ICollectionFixture<QuietRun>
{
    public const string Name = "whole runs";
}

/// <summary>The same for runs that are spread over processes and servers, or killed; they wait much, so they take their turns beside the others.</summary>
[CollectionDefinition(Name)]
public sealed class SpreadRuns : ICollectionFixture<QuietRun>
{
    public const string Name = "spread runs";
}
