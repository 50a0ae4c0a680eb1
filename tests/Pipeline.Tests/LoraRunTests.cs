using SelfRewarding.Contracts;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Low-rank adaptation inside of runs: killed and started again it ends like one that nobody disturbed, and its models are like any others.</summary>
[Collection(WholeRuns.Name)]
public sealed class LoraRunTests(QuietRun quiet) : IDisposable
{
    private static readonly string[] s_lora = ["--set", "lora.r=4", "--set", "lora.dropout=0.1", "--set", "train.micro_batch=3", "--set", "train.checkpoint_activations=true"];

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-lora-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public void The_settings_know_every_target_that_a_model_has() => LoraTargets.All.ShouldBe(LoraConfig.Known);

    [Fact]
    public async Task Preference_training_goes_on_from_an_adapter_s_checkpoint_after_a_kill()
    {
        await ForkAsync("lora-quiet");
        using (var process = SelfrewardProcess.Start(Fork("lora-killed")))
        {
            (await TinyRun.ReachesAsync(process, quiet.Folder, recorded => recorded.Fact is TrainingStepped { Run: "lora-killed", Model: "M2", Step: 3 })).ShouldBeTrue();
            await process.KillAsync();
        }

        var checkpoints = Path.Combine(quiet.Folder, "runs", "lora-killed", "checkpoints", "M2");
        if (Directory.Exists(checkpoints)) // it may have been trained to its end before the kill came
            Directory.GetFiles(checkpoints, "model.safetensors", SearchOption.AllDirectories).ShouldBeEmpty("a checkpoint has the adapter, not the model");
        var (code, output, errors) = await SelfrewardProcess.RunAsync("resume", "lora-killed", "--data", quiet.Folder, "--plain");
        code.ShouldBe(0, output + errors);

        var expected = await TinyRun.FingerprintAsync(quiet.Folder, "lora-quiet");
        (await TinyRun.FingerprintAsync(quiet.Folder, "lora-killed")).ShouldBe(expected);
        expected.Except(quiet.Fingerprint).ShouldContain(line => line.StartsWith("model M2"), "another way of training makes another model");
        (code, output, errors) = await SelfrewardProcess.RunAsync("verify", "lora-killed", "--data", quiet.Folder);
        code.ShouldBe(0, output + errors);
    }

    [Fact]
    public async Task A_published_model_is_the_model_before_with_the_adapter_that_lies_beside_it()
    {
        await ForkAsync("lora-merged");
        var merged = Path.Combine(quiet.Folder, "runs", "lora-merged", "models", "M2");
        using var before = CheckpointFolder.Load(Path.Combine(quiet.Folder, "runs", TinyRun.Name, "models", "M1"));
        using var after = CheckpointFolder.Load(merged);
        using var adapter = LoraAdapter.Load(Path.Combine(merged, "adapter"), before.Model.Config);

        adapter.Config.R.ShouldBe(4);
        before.Model.Adapter = adapter;
        before.Model.MergeAdapter();

        foreach (var (name, tensor) in after.Model.Parameters)
            tensor.data<float>().ToArray().ShouldBe(before.Model.Parameters[name].data<float>().ToArray(), name);
        File.ReadAllText(Path.Combine(merged, "adapter", "adapter_config.json")).ShouldContain("\"base_model_name_or_path\": \"runs/tiny/models/M1\"");
    }

    [Fact]
    public async Task Supervised_training_goes_on_from_an_adapter_s_checkpoint_after_a_kill()
    {
        var disturbed = Path.Combine(_data, "disturbed");
        using (var process = SelfrewardProcess.Start(TinyRun.Arguments(disturbed, s_lora)))
        {
            (await TinyRun.ReachesAsync(process, disturbed, recorded => recorded.Fact is TrainingStepped { Model: "M1", Step: 40 })).ShouldBeTrue();
            await process.KillAsync();
        }

        (await M1Async(disturbed)).ShouldBe(await M1Async(Path.Combine(_data, "undisturbed")));
    }

    /// <summary>Runs until M1 is published; its hash.</summary>
    private static async Task<string> M1Async(string data)
    {
        string? sha256 = null;
        using var process = SelfrewardProcess.Start(TinyRun.Arguments(data, s_lora));
        await TinyRun.ReachesAsync(process, data, recorded => (sha256 = (recorded.Fact as ModelPublished)?.Model is { Name: "M1" } m1 ? m1.Sha256 : null) is not null);
        await process.KillAsync();
        return sha256.ShouldNotBeNull(process.Output);
    }

    private string[] Fork(string run) =>
        ["fork", TinyRun.Name, "--data", quiet.Folder, "--plain", "--at", "1", "--from", "pairs", "--iterations", "1", "--run", run, .. s_lora];

    private async Task ForkAsync(string run)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(Fork(run));
        code.ShouldBe(0, output + errors);
    }
}
