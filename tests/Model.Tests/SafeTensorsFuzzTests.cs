using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using SelfRewarding.Tests;
using Shouldly;

namespace SelfRewarding.Model.Tests;

/// <summary>Whatever a safetensors file holds, it is read, or refused with a sentence, and neither takes more memory than its size allows. The inputs come from a fixed seed.</summary>
public sealed class SafeTensorsFuzzTests : IDisposable
{
    private const int Inputs = 120_000, Files = 3_000;
    private const int MostAllocated = 256 * 1024; // for inputs of at most 2 KiB

    private static readonly string[] Tokens =
    [
        "-1", "0", "1", "2", "8", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "4294967296", "1e400", "1.5", "null", "true", "[]",
        "{}", "\"\"", "[", "]", "{", "}", ",", ":", "\"", "\\ud800", "\\u0000", "\"F32\"", "\"BF16\"", "\"Q4\"", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "[0,0]", "\"__metadata__\"",
    ];

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void A_mutated_header_is_read_or_refused_with_a_sentence_and_allocates_little()
    {
        var random = new Random(20240607);
        var (read, refused, most) = (0, 0, 0L);
        for (var i = 0; i < Inputs; i++)
        {
            var input = Mutated(random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var header = SafeTensorHeader.Read("x", input.Length, (buffer, offset) => input.AsSpan((int)offset, buffer.Length).CopyTo(buffer));
                ShouldCoverTheData(header, input.Length);
                read++;
            }
            catch (CheckpointException e)
            {
                e.Message.ShouldStartWith("'x'");
                refused++;
            }

            most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        most.ShouldBeLessThan(MostAllocated);
        read.ShouldBeGreaterThan(Inputs / 100, "some must still be files");
        refused.ShouldBeGreaterThan(Inputs / 2);
    }

    [Fact]
    public void A_mutated_file_is_read_to_the_last_tensor_or_refused_with_a_sentence()
    {
        var random = new Random(7);
        var (read, refused) = (0, 0);
        for (var i = 0; i < Files; i++)
        {
            File.WriteAllBytes(_file, Mutated(random));
            try
            {
                using var file = SafeTensors.Open(_file);
                foreach (var (name, entry) in file.Tensors)
                {
                    using var tensor = file.Read(name);
                    tensor.shape.ShouldBe(entry.Shape);
                    read++;
                }
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }

        read.ShouldBeGreaterThan(Files / 100);
        refused.ShouldBeGreaterThan(Files / 2);
    }

    private static void ShouldCoverTheData(SafeTensorHeader header, int length)
    {
        var widths = new Dictionary<string, int> { ["F64"] = 8, ["I64"] = 8, ["U64"] = 8, ["F32"] = 4, ["I32"] = 4, ["U32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["I16"] = 2, ["U16"] = 2 };
        var covered = 0L;
        foreach (var entry in header.Tensors.Values)
        {
            entry.Begin.ShouldBeInRange(0, entry.End);
            (header.DataStart + entry.End).ShouldBeLessThanOrEqualTo(length);
            entry.Shape.Aggregate(1L, (product, size) => checked(product * size)).ShouldBe((entry.End - entry.Begin) / widths.GetValueOrDefault(entry.Type, 1));
            covered += entry.End - entry.Begin;
        }

        (header.DataStart + covered).ShouldBe(length);
    }

    private static byte[] Mutated(Random random)
    {
        var json = random.Next(3) switch
        {
            0 => """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}  """,
            1 => """{"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"s":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"z":{"dtype":"F16","shape":[0,5],"data_offsets":[12,12]},"h":{"dtype":"F16","shape":[10],"data_offsets":[12,32]}}""",
            _ => """{"w":{"data_offsets":[0,32],"shape":[1,8],"dtype":"F32"}}""",
        };
        var header = Encoding.UTF8.GetBytes(json).ToList();
        for (var changes = random.Next(4); changes > 0; changes--) Change(random, header);
        var length = new byte[8];

        // Half of the time the length says the truth, so that what is behind it is looked at.
        long says = random.Next(8) switch
        {
            0 => json.Length,
            1 => random.NextInt64(),
            2 => long.MinValue + random.Next(100),
            3 => header.Count + random.Next(-9, 10),
            _ => header.Count,
        };
        BinaryPrimitives.WriteInt64LittleEndian(length, says);
        List<byte> all = [.. length, .. header, .. new byte[32]];
        if (random.Next(8) == 0) all.RemoveRange(random.Next(all.Count), random.Next(2));
        if (random.Next(8) == 0) all = all[..random.Next(all.Count + 1)];
        return [.. all];
    }

    private static void Change(Random random, List<byte> bytes)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(7))
        {
            case < ByteChange.Kinds and var kind:
                ByteChange.Make(kind, bytes, at, Tokens, random, least: 1);
                break;
            case 5: // a number for another
                var start = bytes.FindIndex(at, digit => digit is >= (byte)'0' and <= (byte)'9');
                if (start < 0) break;
                var end = bytes.FindIndex(start, digit => digit is < (byte)'0' or > (byte)'9');
                bytes.RemoveRange(start, Math.Max(1, end - start));
                bytes.InsertRange(start, Encoding.UTF8.GetBytes(random.Next(2) == 0 ? Tokens[random.Next(12)] : random.Next(40).ToString(CultureInfo.InvariantCulture)));
                break;
            default: // deep nesting
                bytes.InsertRange(at, Enumerable.Repeat((byte)'[', random.Next(1, 200)));
                break;
        }
    }
}
