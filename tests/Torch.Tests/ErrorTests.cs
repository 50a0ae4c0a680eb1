using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

public sealed class ErrorTests
{
    [Fact]
    public void A_matmul_of_shapes_that_do_not_fit_throws_one_sentence_with_both_shapes_and_the_process_lives()
    {
        using var scope = torch.NewDisposeScope();
        var left = torch.zeros([2, 3]);
        var right = torch.zeros([4, 5]);

        var error = Should.Throw<ExternalException>(() => left.matmul(right));

        error.Message.ShouldContain("2x3");
        error.Message.ShouldContain("4x5");
        error.Message.ShouldNotContain("frame #");
        error.Message.ShouldNotContain("Exception raised from");
        error.Message.ShouldNotContain("\n");
        left.matmul(torch.ones([3, 2])).shape.ShouldBe([2, 2]);
    }

    [Fact]
    public void Each_thread_reads_its_own_error()
    {
        using var scope = torch.NewDisposeScope();
        var messages = new string[8];
        Parallel.For(0, messages.Length, i =>
        {
            using var inner = torch.NewDisposeScope();
            var left = torch.zeros([2, 10 + i]);
            messages[i] = Should.Throw<ExternalException>(() => left.matmul(torch.zeros([5, 5]))).Message;
        });

        for (var i = 0; i < messages.Length; i++) messages[i].ShouldContain($"2x{10 + i}");
    }

    [Fact]
    public void An_allocation_that_cannot_be_met_throws()
    {
        var error = Should.Throw<ExternalException>(() => torch.empty([1L << 50]));

        error.Message.ShouldContain("memory");
        error.Message.ShouldNotContain("enforce fail");
    }

    [Fact]
    public void A_shape_of_another_size_than_the_data_is_refused_with_both_sizes()
    {
        Should.Throw<ArgumentException>(() => torch.tensor(new float[6], [2, 4])).Message.ShouldStartWith("Shape [2, 4] needs 8 values, 6 were given.");
    }

    [Fact]
    public void Reading_another_type_than_the_tensor_holds_names_both()
    {
        using var tensor = torch.zeros([2, 3], torch.ScalarType.Int64);

        Should.Throw<ArgumentException>(() => tensor.data<float>())
            .Message.ShouldBe("A tensor of Int64 and shape [2, 3] is read as Int64, not as Single.");
    }

    [Fact]
    public void A_single_element_is_not_read_from_a_tensor_of_many()
    {
        using var tensor = torch.zeros([2, 3]);

        Should.Throw<ArgumentException>(() => tensor.item<float>()).Message.ShouldContain("[2, 3]");
    }

    [Fact]
    public void Views_that_do_not_fit_name_the_shape()
    {
        using var tensor = torch.zeros([2, 3]);

        Should.Throw<ExternalException>(() => tensor.view(4, 2)).Message.ShouldBe("shape '[4, 2]' is invalid for input of size 6");
    }

    [Fact]
    public void Mixed_element_types_are_named()
    {
        using var scope = torch.NewDisposeScope();
        var real = torch.zeros([2, 2]);
        var wide = torch.zeros([2, 2], torch.ScalarType.Float64);

        Should.Throw<ExternalException>(() => real.matmul(wide)).Message.ShouldMatch("Float.*Double|float.*double");
    }

    [Fact]
    public void A_device_that_is_not_known_is_refused()
    {
        Should.Throw<ArgumentException>(() => torch.device("tpu:0"))
            .Message.ShouldStartWith("Device 'tpu:0' is unknown, expected cpu, cuda or cuda:<index>.");
    }

    [Fact]
    public void An_index_outside_is_refused_with_the_shape()
    {
        using var tensor = torch.zeros([2, 3]);
        using var data = tensor.data<float>();

        Should.Throw<IndexOutOfRangeException>(() => data[2, 0]).Message.ShouldBe("Index [2, 0] is outside a tensor of shape [2, 3].");
        Should.Throw<IndexOutOfRangeException>(() => data[6]);
        Should.Throw<IndexOutOfRangeException>(() => data[0, 0, 0]);
    }

    [Fact]
    public void Bytes_of_a_strided_tensor_or_of_another_length_are_refused()
    {
        using var tensor = torch.zeros([2, 3]);
        using var transposed = tensor.transpose(0, 1);

        Should.Throw<InvalidOperationException>(() => transposed.bytes.Length).Message.ShouldContain("strided");
        Should.Throw<ArgumentException>(() => tensor.bytes = new byte[5]).Message.ShouldContain("24 bytes, 5 were given");
    }

    [Fact]
    public void A_gradient_mode_is_not_left_on_another_thread()
    {
        using var outer = torch.NewDisposeScope();
        var x = torch.ones([2]).with_requires_grad();
        using var none = torch.no_grad();
        var recorded = false;
        Exception? error = null;
        var thread = new Thread(() =>
        {
            using var scope = torch.NewDisposeScope();
            recorded = (x * 2).requires_grad;
            error = Record.Exception(none.Dispose);
        });
        thread.Start();
        thread.Join();

        recorded.ShouldBeTrue();
        error.ShouldBeOfType<InvalidOperationException>().Message.ShouldContain("do not await inside it");
        (x * 2).requires_grad.ShouldBeFalse();
    }
}
