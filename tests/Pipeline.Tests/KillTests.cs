using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The promise: kill it anywhere, start it again, and it freezes the same datasets and publishes the same models as a run that nobody disturbed.</summary>
[Collection(SpreadRuns.Name)]
public sealed class KillTests(QuietRun quiet) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-kill-").FullName;

    [Fact]
    public async Task A_run_that_is_killed_at_every_stage_ends_like_a_quiet_one()
    {
        Func<Recorded, bool>[] moments =
        [
            recorded => recorded.Fact is TrainingStepped { Model: "M1", Step: 40 }, // between two checkpoints of supervised training
            recorded => recorded.Fact is TrainingStepped { Model: "M1", Step: 120 }, // trained, not yet published
            recorded => recorded.Fact is PromptGenerated { Iteration: 1, Ordinal: 3 }, // while prompts are appended
            Nth<CandidatesSampled>(4), // in mid-generation
            Nth<CandidatesJudged>(9), // in mid-judging
            recorded => recorded.Fact is DatasetFrozen { Iteration: 1 }, // before training has begun
            recorded => recorded.Fact is TrainingStepped { Model: "M2", Step: 3 }, // between two checkpoints of preference training
            recorded => recorded.Fact is ModelPublished { Model.Name: "M2" }, // before the loop has closed
            recorded => recorded.Fact is HeldOutAnswered { Model.Name: "M2" }, // in mid-evaluation
        ];
        var kills = 0;
        foreach (var moment in moments)
        {
            using var process = SelfrewardProcess.Start(TinyRun.Arguments(_data));
            if (await TinyRun.ReachesAsync(process, _data, moment))
            {
                await process.KillAsync();
                kills++;
            }
        }

        kills.ShouldBeGreaterThanOrEqualTo(7, "the run ended before it could be killed often enough to mean anything");
        var (code, output, errors) = await SelfrewardProcess.RunAsync(TinyRun.Arguments(_data));
        code.ShouldBe(0, output + errors);
        (await TinyRun.FingerprintAsync(_data)).ShouldBe(quiet.Fingerprint);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private static Func<Recorded, bool> Nth<T>(int n)
    {
        var seen = 0;
        return recorded => recorded.Fact is T && ++seen == n;
    }
}
