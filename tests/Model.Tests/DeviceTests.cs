using System.Text.RegularExpressions;
using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// What a model does on another device than the CPU, as far as a CPU can tell: by the kernels that other devices have, and on libtorch's meta device, whose tensors have a shape
/// and a place and no numbers.
/// </summary>
public sealed partial class DeviceTests
{
    private static readonly torch.Device s_meta = new((DeviceType)14); // c10/core/DeviceType.h
    private static readonly DropoutKey s_dropout = new(0.1, 11);
    private static readonly TrainingSequence[] s_sequences = [new([5, 6, 7], [8, 9, 10, 11]), new([12, 13], [14, 15, 16]), new([20], [21, 22, 23, 24, 25])];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Other_devices_kernels_generate_the_same_tokens()
    {
        using var model = TinyModel.Load();
        var requests = Enumerable.Range(0, 6).Select(i => new GenerationRequest([1, 40 + i, 50, 60 + (7 * i)], [(ulong)i, 100 + (ulong)i], new(1, 0.95, 30, 24))).ToList();

        var expected = await GenerateAsync(composed: false);
        var actual = await GenerateAsync(composed: true);

        actual.Select(completion => completion.TokenIds).ShouldBe(expected.Select(completion => completion.TokenIds));
        foreach (var (one, other) in actual.Zip(expected)) torch.tensor(one.LogProbs).ShouldBeCloseTo(torch.tensor(other.LogProbs), 1e-4, "log-probabilities");
        actual.SelectMany(completion => completion.LogProbs).ShouldNotBe(expected.SelectMany(completion => completion.LogProbs), "to the bit, only if the native kernels ran both times");

        async Task<List<Completion>> GenerateAsync(bool composed)
        {
            Kernels.OnlyComposed.Value = composed;
            await using var engine = new GenerationEngine(model, new(Slots: 5, RowsPerStep: 7));
            return [.. (await Task.WhenAll(requests.Select(request => engine.GenerateAsync(request, Cancelled)))).SelectMany(completions => completions)];
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(4, false)]
    [InlineData(0, true)]
    public void Other_devices_kernels_take_the_same_training_steps(int rank, bool checkpointed)
    {
        var (weights, losses) = Train(composed: false, rank, checkpointed);
        using (weights)
        {
            var (others, otherLosses) = Train(composed: true, rank, checkpointed);
            using (others)
            {
                for (var i = 0; i < losses.Length; i++) otherLosses[i].ShouldBe(losses[i], 1e-5 * Math.Abs(losses[i]));
                using var before = Fixture.Tiny();
                foreach (var (name, tensor) in others.Parameters)
                {
                    using var scope = torch.NewDisposeScope();
                    tensor.detach().ShouldBeCloseTo(weights.Parameters[name].detach(), 2e-5, name);
                }

                others.Parameters.Any(parameter => Changed(parameter.Value, before.Parameters[parameter.Key])).ShouldBeTrue();
            }
        }
    }

    [Fact]
    public void What_a_model_computes_with_lies_where_its_weights_do()
    {
        using var scope = torch.NewDisposeScope();
        using var tiny = Fixture.Tiny();
        using var model = new Llama(tiny.Config, new Parameters(tiny.Parameters.Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value.to(s_meta))).ToList()));
        using var rope = new RopeTable(model.Config, model.Device);
        using var cache = new KvCache(model.Config, slots: 2, length: 8, model.Device);
        using var batch = SequenceBatch.Of(s_sequences, model.Device);
        using var adapter = Adapter(model, rank: 4);
        Tensor[] made = [rope.Cos, rope.Sin, cache.Keys(1), cache.Values(1), batch.Ids, batch.Targets, batch.Segment, batch.Layout.Positions, .. adapter.Parameters.Select(parameter => parameter.Value)];

        made.ShouldAllBe(tensor => tensor.device.type == s_meta.type);
        batch.Layout.Offsets.device.type.ShouldBe(DeviceType.CPU, "they are read one by one");
    }

    [Fact]
    public void Weights_and_adapters_are_loaded_to_where_they_are_asked_for()
    {
        var folder = Directory.CreateTempSubdirectory("device").FullName;
        try
        {
            using var scope = torch.NewDisposeScope();
            using var kata = TinyModel.Kata();
            using var adapter = Adapter(kata.Model, rank: 2);
            CheckpointFolder.Save(folder, kata);
            adapter.Save(folder, "kata");
            using var loaded = CheckpointFolder.Load(folder, device: s_meta);
            using var loadedAdapter = LoraAdapter.Load(folder, kata.Model.Config, device: s_meta);
            using var here = CheckpointFolder.Load(folder);

            loaded.Model.Parameters.Concat(loadedAdapter.Parameters).ShouldAllBe(parameter => parameter.Value.device.type == s_meta.type);
            here.Model.Device.type.ShouldBe(DeviceType.CPU);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Libtorch's own refusal of tensors in two places needs a GPU, so this reads the source: whatever makes a tensor says where, but for those that begin in main memory.
    [Fact]
    public void Whatever_makes_a_tensor_says_where_it_lies()
    {
        string[] inMainMemory = ["FreshParameters.cs", "RopeTable.cs", "SafeTensors.cs"];
        var silent =
            from file in Directory.GetFiles(Path.Combine(Root, "shared", "Model"), "*.cs", SearchOption.AllDirectories)
            where !inMainMemory.Contains(Path.GetFileName(file))
            from line in File.ReadLines(file)
            where Making().IsMatch(line) && !line.Contains("evice", StringComparison.Ordinal)
            select $"{Path.GetFileName(file)}: {line.Trim()}";

        silent.ShouldBe(["AdamW.cs: using var step = torch.tensor([Steps], [1L]);"]); // goes to a file
    }

    [Theory]
    [InlineData("cpu", DeviceType.CPU, -1)]
    [InlineData("cuda", DeviceType.CUDA, -1)]
    [InlineData("cuda:1", DeviceType.CUDA, 1)]
    public void A_device_is_named_as_libtorch_names_it(string name, DeviceType type, int index)
    {
        var device = ComputeDevice.Named(name);
        (device.type, device.index).ShouldBe((type, index));
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_refused_with_what_to_do()
    {
        ComputeDevice.Problem("cpu").ShouldBeNull();
        Assert.SkipWhen(torch.cuda.is_available(), "this machine has a GPU");
        ComputeDevice.Problem("cuda").ShouldBe(
            "this program's libtorch has no CUDA or finds no GPU: use a build with -p:UseTorchSharp=true (an image with TENSORS=cuda) where there is NVIDIA's driver, or leave the device at cpu.");
    }

    private static (Llama Model, double[] Losses) Train(bool composed, int rank, bool checkpointed)
    {
        Kernels.OnlyComposed.Value = composed;
        try
        {
            return Train(rank, checkpointed);
        }
        finally
        {
            Kernels.OnlyComposed.Value = false;
        }
    }

    private static (Llama Model, double[] Losses) Train(int rank, bool checkpointed)
    {
        var model = Fixture.Tiny();
        using var adapter = rank > 0 ? Adapter(model, rank) : null;
        model.Adapter = adapter;
        var learned = adapter?.Parameters ?? model.Parameters;
        learned.RequireGradients(true);
        // Adam's first step is the gradient's sign where eps is small, and signs of what is nearly 0 are the rounding's.
        using var optimizer = new AdamW(learned, new AdamWParameters(Epsilon: 1e-3));
        var gradients = new BatchGradients(model, microBatch: 2, checkpointed);
        PreferenceExample[] pairs = [new(s_sequences[0], s_sequences[1], -20, -15), new(s_sequences[1], s_sequences[2], -14, -24)];

        var supervised = gradients.Supervised(s_sequences, s_dropout);
        var norm = optimizer.Step(0.01);
        var preference = gradients.Preference(pairs, new DpoParameters(RpoAlpha: 0.5), s_dropout);
        var rewards = preference.ChosenRewards.Concat(preference.RejectedRewards).Select(reward => (double)reward);
        double[] figures = [supervised, norm, preference.Loss, .. rewards, optimizer.Step(0.01)];
        learned.RequireGradients(false);
        model.MergeAdapter();
        return (model, figures);
    }

    private static LoraAdapter Adapter(Llama model, int rank) => LoraAdapter.Create(model.Config, new LoraConfig(rank, 6, 0.1, LoraConfig.Known), seed: 1, model.Device);

    private static string Root
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "SelfRewarding.sln"))) return folder.FullName;
            }

            throw new DirectoryNotFoundException($"No SelfRewarding.sln above {AppContext.BaseDirectory}.");
        }
    }

    [GeneratedRegex(@"torch\.(tensor|zeros|ones|empty|full|arange|rand|randn)\((?!_)")]
    private static partial Regex Making();

    private static bool Changed(Tensor tensor, Tensor before)
    {
        using var scope = torch.NewDisposeScope();
        return !KernelOperands.Bits(tensor).SequenceEqual(KernelOperands.Bits(before));
    }
}
