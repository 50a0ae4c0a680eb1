using SelfRewarding.Contracts;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A run that computes in bfloat16 goes through every stage, and what it drew can be drawn again.</summary>
[Collection(WholeRuns.Name)]
public sealed class BFloat16RunTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-bfloat16-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public void The_settings_know_every_type_that_models_compute_in() => ComputeDtypes.All.ShouldBe(ComputeType.Known);

    [Fact]
    public async Task A_run_in_bfloat16_records_that_publishes_float32_and_is_generated_again_to_the_token()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(TinyRun.Arguments(_data, "--iterations", "1", "--set", "model.compute_dtype=bfloat16"));
        code.ShouldBe(0, output + errors);
        using (var weights = SafeTensors.Open(Path.Combine(_data, "runs", TinyRun.Name, "models", "M2", "model.safetensors")))
            weights.Tensors.Values.ShouldAllBe(tensor => tensor.Type == "F32", "as M0 came");

        (code, output, errors) = await SelfrewardProcess.RunAsync("config", TinyRun.Name, "--data", _data);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("bfloat16");

        (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data, "--regenerate", "4");
        code.ShouldBe(0, output + errors);
        output.ShouldContain("answers are generated again to the token");
        output.ShouldContain("judgements are generated again to the token");
    }
}
