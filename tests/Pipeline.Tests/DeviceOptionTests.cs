using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A GPU that is not there is refused when a worker starts, not when it first computes.</summary>
public sealed class DeviceOptionTests
{
    [Theory]
    [InlineData("Sampler")]
    [InlineData("DpoTrainer")]
    public async Task A_worker_without_the_GPU_that_it_is_told_to_use_ends_with_one_sentence(string worker)
    {
        Assert.SkipWhen(ComputeDevice.Problem("cuda") is null, "this machine has a GPU");
        var environment = new Dictionary<string, string>
        {
            ["SELFREWARD_DEVICE"] = "cuda",
            ["SELFREWARD_POSTGRES"] = "Host=nowhere",
            ["SELFREWARD_RABBITMQ"] = "amqp://user:password@nowhere/",
        };
        using var process = SelfrewardProcess.StartProgram(worker, environment);

        (await process.WaitAsync()).ShouldBe(2);
        process.Errors.Trim().ShouldBe($"SELFREWARD_DEVICE is 'cuda', and {ComputeDevice.Problem("cuda")}");
    }

    [Fact]
    public async Task A_run_in_one_process_is_refused_alike_and_leaves_no_run_behind()
    {
        Assert.SkipWhen(ComputeDevice.Problem("cuda") is null, "this machine has a GPU");
        var folder = Directory.CreateTempSubdirectory("selfreward-device");
        try
        {
            using var process = SelfrewardProcess.StartProgram("Control", new Dictionary<string, string> { ["SELFREWARD_DEVICE"] = "cuda" }, "run", "--data", folder.FullName);

            (await process.WaitAsync()).ShouldNotBe(0);
            process.Errors.ShouldContain("SELFREWARD_DEVICE is 'cuda', and this program's libtorch has no CUDA");
            Directory.Exists(Path.Combine(folder.FullName, "runs")).ShouldBeFalse();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
