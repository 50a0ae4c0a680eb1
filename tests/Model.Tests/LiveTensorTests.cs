using SelfRewarding.Torch;
using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>Native tensors that live are counted for the whole process, so these run by themselves.</summary>
[CollectionDefinition(nameof(LiveTensorTests), DisableParallelization = true)]
public sealed class RunByThemselves;

[Collection(nameof(LiveTensorTests))]
public sealed class LiveTensorTests
{
    [Fact]
    public async Task A_hundred_generated_tokens_leave_no_tensor_behind()
    {
        using var model = TinyModel.Load();
        var before = Live();

        await using (var engine = new GenerationEngine(model))
        {
            var completions = await engine.GenerateAsync(new([1, 5, 6], [1, 2, 3], new(1, 1, 0, 100, [])), TestContext.Current.CancellationToken);
            completions.Sum(completion => completion.TokenIds.Length).ShouldBe(300);
        }

        Live().ShouldBe(before);
    }

    [Fact]
    public void Training_steps_leave_no_tensor_behind()
    {
        using var model = Fixture.Tiny();
        model.Parameters.RequireGradients(true);
        using var optimizer = new AdamW(model.Parameters, new AdamWParameters());
        Step(); // the first makes the gradients, which stay
        var before = Live();

        for (var i = 0; i < 10; i++) Step();

        Live().ShouldBe(before);

        void Step()
        {
            using var scope = torch.NewDisposeScope();
            SftLoss.Mean(model, SequenceBatch.Of([new([5, 6, 7], [8, 9])]), new DropoutKey(0.1, 1)).backward();
            optimizer.Step(1e-3);
        }
    }

    [Fact]
    public void Loading_and_saving_a_model_leaves_no_tensor_behind()
    {
        var folder = Directory.CreateTempSubdirectory("live");
        try
        {
            using var model = TinyModel.Kata();
            var before = Live();

            var sha256 = CheckpointFolder.Save(folder.FullName, model);
            CheckpointFolder.Load(folder.FullName, sha256).Dispose();

            Live().ShouldBe(before);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static long Live()
    {
        // What earlier tests left to the garbage collector.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Native.sr_live_tensors();
    }
}
