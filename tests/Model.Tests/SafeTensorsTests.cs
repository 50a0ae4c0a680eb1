using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("safetensors");

    private string File(string name = "x.safetensors") => Path.Combine(_folder.FullName, name);

    [Fact]
    public void What_was_written_reads_back_sorted_and_with_its_hash()
    {
        using var scope = torch.NewDisposeScope();
        var weights = torch.tensor([1.5f, -2, float.NaN, 0, 5, 6], [2, 3]);
        var ids = torch.tensor([long.MinValue, 7L]);

        var sha256 = SafeTensors.Write(File(), [Named("z", weights.transpose(0, 1)), Named("a", ids)]);

        sha256.ShouldBe(Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(File()))));
        using var file = SafeTensors.Open(File());
        file.Tensors.Keys.ShouldBe(["a", "z"]);
        file.Read("a").Longs().ShouldBe([long.MinValue, 7]);
        file.Read("z").shape.ShouldBe([3, 2]);
        file.Read("z").Floats().ShouldBe([1.5f, 0, -2, 5, float.NaN, 6]);
        System.IO.File.ReadAllText(File()).ShouldContain("""{"__metadata__":{"format":"pt"},"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}""");
    }

    [Fact]
    public void A_file_of_the_reference_implementation_is_written_again_byte_for_byte()
    {
        using var model = Fixture.Tiny();

        SafeTensors.Write(File(), model.Parameters);

        System.IO.File.ReadAllBytes(File()).ShouldBe(System.IO.File.ReadAllBytes(Fixture.PathOf("tiny-llama", "model.safetensors")));
    }

    [Fact]
    public void Half_precision_becomes_float32()
    {
        var halves = new byte[8];
        BinaryPrimitives.WriteHalfLittleEndian(halves, (Half)0.333f);
        BinaryPrimitives.WriteUInt16LittleEndian(halves.AsSpan(2), 0x0001); // the smallest subnormal
        BinaryPrimitives.WriteUInt16LittleEndian(halves.AsSpan(4), 0xBFC0); // bfloat16 -1.5
        BinaryPrimitives.WriteUInt16LittleEndian(halves.AsSpan(6), 0x3EAB);
        WriteRaw("""{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}""", halves);

        using var file = SafeTensors.Open(File());

        using var h = file.Read("h");
        using var b = file.Read("b");
        h.Floats().ShouldBe([(float)(Half)0.333f, MathF.Pow(2, -24)]);
        b.Floats().ShouldBe([-1.5f, BitConverter.UInt32BitsToSingle(0x3EAB0000)]);
    }

    [Theory]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void Every_number_of_half_precision_is_read_and_written_again_bit_for_bit(string type)
    {
        using var scope = torch.NewDisposeScope();
        var all = new byte[2 * 65536];
        for (var i = 0; i < 65536; i++) BinaryPrimitives.WriteUInt16LittleEndian(all.AsSpan(2 * i), (ushort)i);
        WriteRaw($$$"""{"x":{"dtype":"{{{type}}}","shape":[256,256],"data_offsets":[0,131072]}}""", all);
        using var file = SafeTensors.Open(File());
        var read = file.Read("x");

        SafeTensorsWriter.Write(File("again"), [Named("x", read)], new Dictionary<string, string> { ["x"] = type });

        var written = System.IO.File.ReadAllBytes(File("again"))[^all.Length..];
        for (var i = 0; i < 65536; i++)
        {
            // One NaN is as good as another.
            var number = type == "BF16" ? BitConverter.UInt32BitsToSingle((uint)i << 16) : (float)BitConverter.UInt16BitsToHalf((ushort)i);
            var again = BinaryPrimitives.ReadUInt16LittleEndian(written.AsSpan(2 * i));
            if (!float.IsNaN(number)) again.ShouldBe((ushort)i);
        }

        var floats = read.Floats();
        for (var i = 0; i < 65536; i++)
            floats[i].ShouldBe(type == "BF16" ? BitConverter.UInt32BitsToSingle((uint)i << 16) : (float)BitConverter.UInt16BitsToHalf((ushort)i));
    }

    [Fact]
    public void Rounding_is_to_the_nearest_and_in_a_tie_to_the_even()
    {
        using var scope = torch.NewDisposeScope();
        float[] exact = [1 + 1f / 256, 1 + 3f / 256, 1 + 1f / 256 + 1e-6f, 1 + 1f / 2048, 1 + 3f / 2048];
        var types = new Dictionary<string, string> { ["b"] = "BF16", ["h"] = "F16" };

        SafeTensorsWriter.Write(File(), [Named("b", torch.tensor(exact)), Named("f", torch.tensor(exact)), Named("h", torch.tensor(exact))], types);

        using var file = SafeTensors.Open(File());
        file.Read("b").Floats().ShouldBe([1, 1 + 4f / 256, 1 + 2f / 256, 1, 1]);
        file.Read("h").Floats().ShouldBe([exact[0], exact[1], exact[0], 1, 1 + 4f / 2048]);
        file.Read("f").Floats().ShouldBe(exact);
        file.Tensors["f"].Begin.ShouldBe(0, "wider numbers come first, so that all lie at multiples of their width");
    }

    [Fact]
    public void A_number_too_large_for_its_type_is_refused_and_nothing_is_written()
    {
        using var scope = torch.NewDisposeScope();

        var error = Should.Throw<CheckpointException>(() => SafeTensorsWriter.Write(File(), [Named("x", torch.tensor([1f, 70000]))], new Dictionary<string, string> { ["x"] = "F16" }));

        error.Message.ShouldStartWith($"'{File()}' cannot be written: tensor 'x' has a number that is too large for Float16.");
        _folder.GetFiles().ShouldBeEmpty();
    }

    [Fact]
    public void Tensors_of_several_pieces_are_read_and_written_whole()
    {
        using var scope = torch.NewDisposeScope();
        var values = new float[2 * SafeTensors.PieceLength + 17];
        for (var i = 0; i < values.Length; i++) values[i] = i % 251 - 100;
        var types = new Dictionary<string, string> { ["b"] = "BF16" };

        SafeTensorsWriter.Write(File(), [Named("b", torch.tensor(values)), Named("f", torch.tensor(values))], types);

        using var file = SafeTensors.Open(File());
        file.Read("b").Floats().ShouldHaveTheBitsOf(values);
        file.Read("f").Floats().ShouldHaveTheBitsOf(values);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""", "lies at bytes 0 to 16, outside the 8 bytes of data")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-4,4]}}""", "lies at bytes -4 to 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "shape [3] needs 12 bytes, its place has 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}}""", "needs 18446744073709551624 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296,4294967296,1],"data_offsets":[0,8]}}""", "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}""", "impossible shape")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", "unknown type 'Q4'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "has 8 bytes of data, its header describes 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "tensors overlap or leave a gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", "header is malformed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "'a' is there twice")]
    [InlineData("""{"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}}""", "unknown type 'null'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", "data_offsets has 3 numbers, expected 2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}""", "impossible shape")]
    [InlineData("""{"__metadata__":{"format":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "header is malformed")]
    [InlineData("""[1]""", "header is malformed")]
    [InlineData("""{"a" """, "header is malformed")]
    public void A_header_that_contradicts_itself_or_the_file_is_refused(string header, string message)
    {
        WriteRaw(header, new byte[8]);

        var error = Should.Throw<CheckpointException>(() => SafeTensors.Open(File()).Dispose());

        error.Message.ShouldContain(message);
        error.Message.ShouldContain(File());
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused()
    {
        var whole = System.IO.File.ReadAllBytes(Fixture.PathOf("tiny-llama", "model.safetensors"));
        foreach (var length in new[] { 0, 7, 8, 100, whole.Length / 2, whole.Length - 1 })
        {
            System.IO.File.WriteAllBytes(File(), whole[..length]);
            Should.Throw<CheckpointException>(() => SafeTensors.Open(File()).Dispose());
        }
    }

    [Fact]
    public void A_file_that_cannot_be_written_leaves_the_old_one_and_no_other()
    {
        AtomicFile.WriteText(File(), "old");

        var error = Should.Throw<CheckpointException>(() => AtomicFile.Write(File(), stream =>
        {
            stream.Write("half"u8);
            throw new IOException("No space left on device");
        }));

        error.Message.ShouldBe($"'{File()}' cannot be written: No space left on device. Nothing was changed; make room or choose another folder, and start again.");
        System.IO.File.ReadAllText(File()).ShouldBe("old");
        _folder.GetFiles().Length.ShouldBe(1);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static KeyValuePair<string, Tensor> Named(string name, Tensor tensor) => KeyValuePair.Create(name, tensor);

    private void WriteRaw(string header, byte[] data)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        var prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, bytes.Length);
        System.IO.File.WriteAllBytes(File(), [.. prefix, .. bytes, .. data]);
    }
}
