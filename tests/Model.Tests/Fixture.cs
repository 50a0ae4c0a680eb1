using Shouldly;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// The golden values of <c>fixtures/tiny-llama</c> (made by fixtures/make_fixtures.py with PyTorch), and the data beside the checkout, which is not part of it.
/// </summary>
internal static class Fixture
{
    private static readonly Lazy<SafeTensors> ExpectedFile = new(() => SafeTensors.Open(PathOf("tiny-llama", "expected.safetensors")));

    public static string TinyLlama => PathOf("tiny-llama");

    public static string PathOf(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "fixtures", .. parts]);

    public static Tensor Expected(string name) => ExpectedFile.Value.Read(name);

    public static LlamaConfig TinyConfig() => LlamaConfig.Load(PathOf("tiny-llama", "config.json"));

    /// <summary>The tiny Llama; <paramref name="weights"/> is model.safetensors or reference.safetensors.</summary>
    public static Llama Tiny(string weights = "model.safetensors") => new(TinyConfig(), Weights(PathOf("tiny-llama", weights)));

    public static Parameters Weights(string path)
    {
        using var file = SafeTensors.Open(path);
        return new Parameters(file.Tensors.Keys.Order(StringComparer.Ordinal).Select(name => KeyValuePair.Create(name, file.Read(name))));
    }

    /// <summary>A path in the folder <c>shared</c> that lies beside the checkout, or skips the test with the reason.</summary>
    public static string Shared(params string[] parts)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Parent is null || !File.Exists(Path.Combine(folder.FullName, "SelfRewarding.sln"))) continue;
            var path = Path.Combine([folder.Parent.FullName, "shared", .. parts]);
            if (File.Exists(path) || Directory.Exists(path)) return path;
        }

        Assert.Skip($"../shared/{string.Join('/', parts)} is not beside this checkout");
        throw new InvalidOperationException("unreachable: the test was skipped");
    }

    /// <summary>The largest difference of two tensors, relative to the largest expected value where <paramref name="relative"/>.</summary>
    public static void ShouldBeCloseTo(this Tensor actual, Tensor expected, double tolerance, string name = "", bool relative = false)
    {
        actual.shape.ShouldBe(expected.shape, name);
        var (a, e) = (Floats(actual), Floats(expected));
        var scale = relative ? Math.Max(1e-12, e.Max(Math.Abs)) : 1;
        for (var i = 0; i < a.Length; i++) (Math.Abs((double)a[i] - e[i]) / scale).ShouldBeLessThanOrEqualTo(tolerance, $"{name} at {i}: {a[i]}, expected {e[i]}");
    }

    /// <summary>Fails at the first number that is not the same to the last bit.</summary>
    public static void ShouldHaveTheBitsOf(this float[] actual, float[] expected)
    {
        actual.Length.ShouldBe(expected.Length);
        for (var i = 0; i < actual.Length; i++)
            BitConverter.SingleToInt32Bits(actual[i]).ShouldBe(BitConverter.SingleToInt32Bits(expected[i]), $"at {i}: {actual[i]:R}, expected {expected[i]:R}");
    }

    public static float[] Floats(this Tensor tensor)
    {
        using var contiguous = tensor.detach().contiguous();
        return contiguous.data<float>().ToArray();
    }

    public static long[] Longs(this Tensor tensor) => tensor.data<long>().ToArray();
}
