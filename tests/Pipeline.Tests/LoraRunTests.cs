using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
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
        string[] longer = ["--set", "dpo.epochs=30"]; // so that the kill comes before the end
        await ForkAsync("lora-quiet", longer);
        await KilledAtCheckpointAsync(Fork("lora-killed", longer), quiet.Folder, "lora-killed", "M2");

        var files = Directory.GetFiles(Path.Combine(quiet.Folder, "runs", "lora-killed", "checkpoints", "M2"), "*.safetensors", SearchOption.AllDirectories).Select(Path.GetFileName).ToList();
        files.ShouldContain("adapter_model.safetensors");
        files.ShouldNotContain("model.safetensors", "a checkpoint has the adapter, not the model");
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

        var figures = Path.Combine(merged, "adapter", "adapter_config.json");
        var text = await File.ReadAllTextAsync(figures);
        var named = JsonNode.Parse(text)!["base_model_name_or_path"]!.GetValue<string>();
        Path.GetFullPath(Path.Combine(merged, "adapter", named)).ShouldBe(Path.Combine(quiet.Folder, "runs", TinyRun.Name, "models", "M1"));

        var (code, output, errors) = await VerifyAsync();
        code.ShouldBe(0, output + errors);
        output.ShouldContain("the model before and the adapter make the model");
        await File.WriteAllTextAsync(figures, text.Replace("\"lora_alpha\": 16", "\"lora_alpha\": 17"));
        (code, output, _) = await VerifyAsync();
        code.ShouldBe(1);
        output.ShouldContain("First difference: adapter of lora-merged/M2");
        output.ShouldContain("\"lora_alpha\" is 17, but this adapter is trained with 16");
        await File.WriteAllTextAsync(figures, text);

        var weights = Path.Combine(merged, "adapter", "adapter_model.safetensors");
        var bytes = await File.ReadAllBytesAsync(weights);
        bytes[^2] ^= 0x40; // a number's exponent
        await File.WriteAllBytesAsync(weights, bytes);
        (code, output, _) = await VerifyAsync();
        code.ShouldBe(1);
        output.ShouldContain("First difference: adapter of lora-merged/M2");

        Task<(int ExitCode, string Output, string Errors)> VerifyAsync() => SelfrewardProcess.RunAsync("verify", "lora-merged", "--data", quiet.Folder);
    }

    [Fact]
    public async Task Supervised_training_goes_on_from_an_adapter_s_checkpoint_after_a_kill()
    {
        var disturbed = Path.Combine(_data, "disturbed");
        await KilledAtCheckpointAsync(TinyRun.Arguments(disturbed, s_lora), disturbed, TinyRun.Name, "M1");
        (await M1Async(disturbed)).ShouldBe(await M1Async(Path.Combine(_data, "undisturbed")));
    }

    /// <summary>Runs until a training has its first checkpoint, and holds that the kill came before its end.</summary>
    private static async Task KilledAtCheckpointAsync(string[] arguments, string data, string run, string model)
    {
        using (var process = SelfrewardProcess.Start(arguments))
        {
            (await TinyRun.ReachesAsync(process, data, recorded => recorded.Fact is CheckpointSaved saved && saved.Run == run && saved.Model == model)).ShouldBeTrue(process.Output);
            await process.KillAsync();
        }

        var facts = new List<object>();
        await using var log = await LogReader.OpenAsync(data, CancellationToken.None);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, run, CancellationToken.None))
            facts.Add(recorded.Fact);
        facts.OfType<CheckpointSaved>().ShouldContain(saved => saved.Model == model);
        facts.OfType<ModelPublished>().ShouldNotContain(published => published.Model.Name == model, "the kill came too late to mean anything");
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

    private string[] Fork(string run, params string[] more) =>
        ["fork", TinyRun.Name, "--data", quiet.Folder, "--plain", "--at", "1", "--from", "pairs", "--iterations", "1", "--run", run, .. s_lora, .. more];

    private async Task ForkAsync(string run, params string[] more)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(Fork(run, more));
        code.ShouldBe(0, output + errors);
    }
}
