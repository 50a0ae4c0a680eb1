using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The compose file as docker-compose reads it, and the images that it asks the Dockerfile for.</summary>
public sealed partial class ComposeFileTests
{
    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("observability")]
    public async Task Compose_accepts_the_file_with_each_profile(string profile)
    {
        var (code, _, errors) = await ComposeAsync([.. profile.Length > 0 ? (string[])["--profile", profile] : [], "config", "--quiet"]);
        errors.ShouldBeEmpty();
        code.ShouldBe(0);
    }

    [Fact]
    public async Task Every_worker_that_generates_or_trains_is_there_for_a_GPU_too()
    {
        var (_, output, _) = await ComposeAsync(["--profile", "gpu", "config"]);
        foreach (var worker in (string[])["prompt-gen", "sampler", "judge", "dpo-trainer", "evaluator"])
        {
            var (onCpu, onGpu) = (Service(worker), Service($"{worker}-gpu"));
            onGpu.ShouldContain("driver: nvidia");
            onGpu.ShouldContain("SELFREWARD_DEVICE: cuda");
            onGpu.ShouldContain($"SERVICE: {worker}\n        TENSORS: cuda");
            onGpu.ShouldContain("profiles:\n    - gpu");
            onGpu.ShouldContain("cap_drop:\n    - ALL", customMessage: "what holds for every worker");
            onCpu.ShouldNotContain("nvidia");
            onCpu.ShouldNotContain("SELFREWARD_DEVICE");
        }

        string Service(string name) => Regex.Match(output, $@"^  {name}:\n(    .*\n|  +- .*\n)+", RegexOptions.Multiline).Value;
    }

    [Fact]
    public void The_Dockerfile_has_a_base_for_every_image_that_compose_builds()
    {
        var dockerfile = File.ReadAllText(Path.Combine(ArchitectureTests.Root, "services", "Dockerfile"));
        var images = Image().Matches(File.ReadAllText(Path.Combine(ArchitectureTests.Root, "docker-compose.yml")));

        images.Count.ShouldBe(12);
        foreach (Match image in images)
        {
            Directory.Exists(Path.Combine(ArchitectureTests.Root, "services", image.Groups[1].Value)).ShouldBeTrue(image.Value);
            dockerfile.ShouldContain($" AS base-{image.Groups[2].Value}-{image.Groups[1].Value}\n");
            dockerfile.ShouldContain($" AS managed-{image.Groups[2].Value}\n");
        }
    }

    [Fact]
    public void The_broker_waits_for_a_message_as_long_as_a_private_one_does() =>
        File.ReadAllText(Path.Combine(ArchitectureTests.Root, "docker-compose.yml")).ShouldContain($"-rabbit consumer_timeout {PrivateBroker.TakesBackAfter.TotalMilliseconds}\n");

    [GeneratedRegex(@"args: \{ SERVICE: ([a-z-]+), TENSORS: ([a-z]+) \}")]
    private static partial Regex Image();

    private static async Task<(int Code, string Output, string Errors)> ComposeAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("docker-compose", ["--file", Path.Combine(ArchitectureTests.Root, "docker-compose.yml"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var secret in (string[])["POSTGRES_PASSWORD", "SELFREWARD_WORKER_PASSWORD", "RABBITMQ_PASSWORD", "SELFREWARD_TOKEN"])
            start.Environment[secret] = "secret";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("docker-compose is not on this machine");
            throw;
        }

        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, output, await errors);
        }
    }
}
