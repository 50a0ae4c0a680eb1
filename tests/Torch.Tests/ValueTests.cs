using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

public sealed class ValueTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Values_come_back_as_they_went_in()
    {
        torch.tensor([1.5f, -2, 3, 4], [2, 2]).data<float>().ToArray().ShouldBe([1.5f, -2, 3, 4]);
        torch.tensor(new double[] { 0.1, 0.2 }).data<double>().ToArray().ShouldBe([0.1, 0.2]);
        torch.tensor(new long[] { long.MinValue, 7 }).data<long>().ToArray().ShouldBe([long.MinValue, 7]);
        torch.tensor(new[] { true, false }).data<bool>().ToArray().ShouldBe([true, false]);
    }

    [Fact]
    public void A_tensor_does_not_see_later_changes_of_the_array()
    {
        float[] values = [1, 2];
        var tensor = torch.tensor(values);
        values[0] = 9;

        tensor.data<float>().ToArray().ShouldBe([1, 2]);
    }

    [Fact]
    public void Data_may_become_another_type_on_the_way_in()
    {
        var half = torch.tensor([1.5f, 2], [2], torch.ScalarType.Float16);

        half.dtype.ShouldBe(torch.ScalarType.Float16);
        half.data<Half>().ToArray().ShouldBe([(Half)1.5f, (Half)2]);
        half.to(torch.ScalarType.BFloat16).bytes.ToArray().ShouldBe([0xC0, 0x3F, 0x00, 0x40]);
    }

    [Fact]
    public void Shapes_types_and_sizes_are_read()
    {
        var tensor = torch.zeros([2, 0, 3], torch.ScalarType.Int64);

        tensor.shape.ShouldBe([2, 0, 3]);
        tensor.size(-1).ShouldBe(3);
        tensor.ndim.ShouldBe(3);
        tensor.numel().ShouldBe(0);
        tensor.element_size().ShouldBe(8);
        tensor.dtype.ShouldBe(torch.ScalarType.Int64);
        tensor.device.ToString().ShouldBe("cpu");
        tensor.ToString().ShouldBe("[2x0x3], type = Int64, device = cpu");
        tensor.data<long>().ToArray().ShouldBeEmpty();
        tensor.bytes.Length.ShouldBe(0);
        torch.full([], 2.5).item<float>().ShouldBe(2.5f);
    }

    [Fact]
    public void An_accessor_reads_a_strided_tensor_in_row_major_order()
    {
        var transposed = torch.tensor([1f, 2, 3, 4, 5, 6], [2, 3]).transpose(0, 1);
        using var data = transposed.data<float>();

        transposed.is_contiguous().ShouldBeFalse();
        data.Count.ShouldBe(6);
        data.ToArray().ShouldBe([1, 4, 2, 5, 3, 6]);
        data[2, 1].ShouldBe(6);
        data[1].ShouldBe(4);
    }

    [Fact]
    public void An_accessor_writes_a_strided_tensor_in_row_major_order()
    {
        var whole = torch.zeros([2, 3]);
        using var data = whole.transpose(0, 1).data<float>();
        data.CopyFrom([1, 2, 3], tensorIndex: 2);
        data[0, 1] = 9;

        whole.data<float>().ToArray().ShouldBe([0, 1, 3, 9, 2, 0]);
    }

    [Fact]
    public void Part_of_a_tensor_is_copied_to_and_from_spans()
    {
        var tensor = torch.arange(6, torch.ScalarType.Float32);
        using var data = tensor.data<float>();
        Span<float> part = stackalloc float[3];
        data.CopyTo(part, tensorIndex: 2);
        part.ToArray().ShouldBe([2, 3, 4]);

        part.Fill(7);
        data.CopyFrom((ReadOnlySpan<float>)part, arrayIndex: 1, tensorIndex: 4);
        data.ToArray().ShouldBe([0, 1, 2, 3, 7, 7]);
    }

    [Fact]
    public void Bytes_are_the_memory_itself()
    {
        var tensor = torch.zeros([2], torch.ScalarType.Float32);
        tensor.bytes = new byte[] { 0, 0, 128, 63, 0, 0, 0, 64 };
        tensor.data<float>().ToArray().ShouldBe([1, 2]);

        tensor.bytes[7] = 0xC0;
        tensor.data<float>().ToArray().ShouldBe([1, -2]);
    }

    [Fact]
    public void Integers_make_an_integer_range_and_reals_a_real_one()
    {
        torch.arange(3).data<long>().ToArray().ShouldBe([0, 1, 2]);
        torch.arange(1, 2, 0.5).data<float>().ToArray().ShouldBe([1, 1.5f]);
        torch.full([2], 3).dtype.ShouldBe(torch.ScalarType.Int64);
        torch.full([2], true).dtype.ShouldBe(torch.ScalarType.Bool);
    }

    [Fact]
    public void A_seeded_generator_repeats_and_moves_no_other()
    {
        using var first = new torch.Generator(7);
        using var second = new torch.Generator(7);
        var expected = torch.randn([5], generator: first).data<float>().ToArray();
        torch.randn([5]);

        torch.randn([5], generator: second).data<float>().ToArray().ShouldBe(expected);
        torch.randn([5], generator: second).data<float>().ToArray().ShouldNotBe(expected);
        torch.randn([5], generator: second.manual_seed(7)).data<float>().ToArray().ShouldBe(expected);
    }
}
