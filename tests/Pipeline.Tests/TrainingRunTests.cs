using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using SelfRewarding.Torch;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What a training with adapters goes on from. Counts native tensors, so nothing may run beside it.</summary>
[Collection(nameof(TrainingRunTests))]
[CollectionDefinition(nameof(TrainingRunTests), DisableParallelization = true)]
public sealed class TrainingRunTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private const string Run = "r", Model = "M1";

    private static readonly RunSettings s_settings = Presets.Kata with
    {
        Model = new() { HiddenSize = 16, IntermediateSize = 24, Layers = 1, Heads = 2, KeyValueHeads = 1, MaxPositions = 128 },
        Lora = new() { R = 2, Alpha = 8, Dropout = 0.125 },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("selfreward-training-");

    private WorkerOptions Options => new() { Data = _folder.FullName, Postgres = "" };

    private string Checkpoint => Path.Combine(_folder.FullName, "runs", Run, "checkpoints", Model, "step-1");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("lora_alpha", "16", "\"lora_alpha\" is 16, but this adapter is trained with 8: put that back.")]
    [InlineData("lora_dropout", "0", "\"lora_dropout\" is 0, but this adapter is trained with 0.125: put that back.")]
    [InlineData("peft_type", "\"IA3\"", "\"peft_type\" is \"IA3\", which is not implemented; LORA is.")]
    public async Task A_checkpoint_whose_figures_were_changed_is_refused_and_leaves_nothing_in_memory(string field, string value, string why)
    {
        await using var log = await database.CreateAsync();
        var parent = await new BaseModel(Options).MakeAsync(Run, s_settings, Token);
        using (var job = await OpenAsync(log.Log, parent))
        {
            await job.StartAsync(new TrainingStarted(Run, Model, "sft", parent, "data", 10, 0, 9), Token);
            await job.CheckpointAsync(1, Token);
        }

        using (var untouched = await OpenAsync(log.Log, parent))
            untouched.CompletedSteps.ShouldBe(1);
        var path = Path.Combine(Checkpoint, "adapter_config.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path, Token))!;
        json[field] = JsonNode.Parse(value);
        await File.WriteAllTextAsync(path, json.ToJsonString(), Token);
        Collect();
        var before = Native.sr_live_tensors();

        (await Should.ThrowAsync<CheckpointException>(() => OpenAsync(log.Log, parent))).Message.ShouldBe($"{path}: {why}");

        Native.sr_live_tensors().ShouldBe(before); // at once: a finaliser would come too late for a large model
    }

    private Task<TrainingRun> OpenAsync(FactLog log, ModelRef parent) =>
        TrainingRun.OpenAsync(log, Options, Run, Model, parent, s_settings.Sft.Optimizer, s_settings, new FakeTimeProvider(), Token);

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
