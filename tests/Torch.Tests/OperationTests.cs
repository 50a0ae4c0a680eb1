using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch.nn;

namespace SelfRewarding.Torch.Tests;

public sealed class OperationTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static float[] Values(torch.Tensor tensor) => tensor.to(torch.ScalarType.Float32).data<float>().ToArray();

    private static torch.Tensor Matrix() => torch.tensor([1f, 2, 3, 4, 5, 6], [2, 3]);

    [Fact]
    public void Operators_work_with_tensors_and_numbers_on_either_side()
    {
        var x = torch.tensor([1f, 2, 4]);

        Values(x + x).ShouldBe([2, 4, 8]);
        Values(x - 1).ShouldBe([0, 1, 3]);
        Values(1 - x).ShouldBe([0, -1, -3]);
        Values(2 * x * x).ShouldBe([2, 8, 32]);
        Values(x / 2).ShouldBe([0.5f, 1, 2]);
        Values(8 / x).ShouldBe([8, 4, 2]);
        Values(-x + 0.5).ShouldBe([-0.5f, -1.5f, -3.5f]);
        Values(x.pow(2)).ShouldBe([1, 4, 16]);
    }

    [Fact]
    public void A_number_does_not_widen_a_tensors_type()
    {
        (torch.ones([1]) * 2.5).dtype.ShouldBe(torch.ScalarType.Float32);
        (torch.ones([1], torch.ScalarType.Int64) * 2).dtype.ShouldBe(torch.ScalarType.Int64);
        (torch.ones([1], torch.ScalarType.Int64) * 2.0).dtype.ShouldBe(torch.ScalarType.Float32);
    }

    [Fact]
    public void Elementary_functions_agree_with_the_runtime()
    {
        var x = torch.tensor([0.25f, 1, 3]);
        void Agrees(torch.Tensor result, Func<float, float> expected)
        {
            var actual = Values(result);
            for (var i = 0; i < actual.Length; i++) actual[i].ShouldBe(expected(Values(x)[i]), 1e-6);
        }

        Agrees(x.exp(), v => MathF.Exp(v));
        Agrees(x.log(), v => MathF.Log(v));
        Agrees(x.sqrt(), v => MathF.Sqrt(v));
        Agrees(x.rsqrt(), v => 1 / MathF.Sqrt(v));
        Agrees(x.cos(), v => MathF.Cos(v));
        Agrees(x.sin(), v => MathF.Sin(v));
        Agrees(x.sigmoid(), v => 1 / (1 + MathF.Exp(-v)));
        Agrees(x.silu(), v => v / (1 + MathF.Exp(-v)));
        Agrees(functional.logsigmoid(x), v => -MathF.Log(1 + MathF.Exp(-v)));
        Agrees((x - 1).abs(), v => MathF.Abs(v - 1));
    }

    [Fact]
    public void Comparisons_give_masks()
    {
        var x = torch.tensor([1f, 2, 3]);

        x.lt(2).data<bool>().ToArray().ShouldBe([true, false, false]);
        x.le(2).data<bool>().ToArray().ShouldBe([true, true, false]);
        x.gt(torch.tensor([0f, 2, 4])).data<bool>().ToArray().ShouldBe([true, false, false]);
        x.ge(2).data<bool>().ToArray().ShouldBe([false, true, true]);
        x.eq(2).data<bool>().ToArray().ShouldBe([false, true, false]);
        x.ne(x).data<bool>().ToArray().ShouldBe([false, false, false]);
        Values(x.masked_fill(x.gt(1), -1)).ShouldBe([1, -1, -1]);
        Values(torch.where(x.gt(1), x, -x)).ShouldBe([-1, 2, 3]);
    }

    [Fact]
    public void Operations_in_place_return_the_same_object()
    {
        var x = torch.zeros([2, 2]);

        x.add_(1).ShouldBeSameAs(x);
        x.mul_(torch.tensor([2f, 3])).ShouldBeSameAs(x);
        x.sub_(1).div_(2).ShouldBeSameAs(x);
        Values(x).ShouldBe([0.5f, 1, 0.5f, 1]);
        Values(x.fill_(4).copy_(torch.tensor([7f, 8]))).ShouldBe([7, 8, 7, 8]);
        Values(x.zero_()).ShouldBe([0, 0, 0, 0]);
    }

    [Fact]
    public void Shapes_are_rearranged()
    {
        var x = Matrix();

        x.view(3, -1).shape.ShouldBe([3, 2]);
        Values(x.transpose(0, 1).reshape(6)).ShouldBe([1, 4, 2, 5, 3, 6]);
        x.unsqueeze(0).permute(2, 0, 1).shape.ShouldBe([3, 1, 2]);
        x.unsqueeze(0).unsqueeze(-1).squeeze().shape.ShouldBe([2, 3]);
        x.unsqueeze(0).unsqueeze(-1).squeeze(0).shape.ShouldBe([2, 3, 1]);
        x.unsqueeze(1).expand(-1, 4, -1).shape.ShouldBe([2, 4, 3]);
        Values(x.narrow(1, 1, 2).contiguous()).ShouldBe([2, 3, 5, 6]);
        Values(torch.tensor([1f, 2]).repeat_interleave(2)).ShouldBe([1, 1, 2, 2]);
        x.repeat_interleave(2, 1).shape.ShouldBe([2, 6]);
    }

    [Fact]
    public void Tensors_are_joined_and_parted()
    {
        var x = Matrix();

        Values(torch.cat([x, x.narrow(1, 0, 1)], 1)).ShouldBe([1, 2, 3, 1, 4, 5, 6, 4]);
        torch.stack([x, x, x], -1).shape.ShouldBe([2, 3, 3]);
        x.split(2, 1).Select(part => part.size(1)).ShouldBe([2, 1]);
        x.split(3, 1).Length.ShouldBe(1);
        x.chunk(2, 1).Select(Values).ShouldBe([[1, 2, 4, 5], [3, 6]]);
    }

    [Fact]
    public void Sums_means_and_maxima_run_along_dimensions()
    {
        var x = Matrix();

        x.sum().item<float>().ShouldBe(21);
        Values(x.sum([1])).ShouldBe([6, 15]);
        x.sum([0], keepdim: true).shape.ShouldBe([1, 3]);
        x.sum([0, 1], type: torch.ScalarType.Float64).item<double>().ShouldBe(21);
        x.mean().item<float>().ShouldBe(3.5f);
        Values(x.mean([0])).ShouldBe([2.5f, 3.5f, 4.5f]);
        x.max().item<float>().ShouldBe(6);
        var (values, indexes) = x.max(1);
        Values(values).ShouldBe([3, 6]);
        indexes.data<long>().ToArray().ShouldBe([2, 2]);
        x.argmax(0).data<long>().ToArray().ShouldBe([1, 1, 1]);
        Values(x.cumsum(1)).ShouldBe([1, 3, 6, 4, 9, 15]);
    }

    [Fact]
    public void Elements_are_picked_by_index()
    {
        var x = Matrix();
        var index = torch.tensor(new long[] { 2, 0 });

        Values(x.index_select(1, index)).ShouldBe([3, 1, 6, 4]);
        Values(x.gather(1, index.view(2, 1))).ShouldBe([3, 4]);
        Values(torch.zeros([2, 3]).scatter_(1, index.view(2, 1), torch.tensor([8f, 9], [2, 1]))).ShouldBe([0, 0, 8, 9, 0, 0]);
        Values(torch.zeros([3]).index_copy_(0, index, torch.tensor([8f, 9]))).ShouldBe([9, 0, 8]);
        Values(x.tril()).ShouldBe([1, 0, 0, 4, 5, 0]);
        Values(x.tril(1)).ShouldBe([1, 2, 0, 4, 5, 6]);
    }

    [Fact]
    public void Elements_are_ordered_and_drawn()
    {
        var x = torch.tensor([2f, 5, 2, 9]);

        Values(x.topk(2).values).ShouldBe([9, 5]);
        x.topk(2).indexes.data<long>().ToArray().ShouldBe([3, 1]);
        x.sort(stable: true).Indices.data<long>().ToArray().ShouldBe([0, 2, 1, 3]);
        Values(x.sort(descending: true).Values).ShouldBe([9, 5, 2, 2]);
        torch.tensor([0f, 0, 1, 0]).multinomial(3, replacement: true).data<long>().ToArray().ShouldBe([2, 2, 2]);
    }

    [Fact]
    public void Softmax_is_normal_and_its_logarithm_does_not_overflow()
    {
        var x = torch.tensor([1000f, 1000, 0], [1, 3]);

        Values(x.softmax(-1)).ShouldBe([0.5f, 0.5f, 0]);
        Values(x.log_softmax(-1))[2].ShouldBe(-1000 - MathF.Log(2), 1e-3);
        x.to(torch.ScalarType.BFloat16).log_softmax(-1, torch.ScalarType.Float32).dtype.ShouldBe(torch.ScalarType.Float32);
    }

    [Fact]
    public void A_linear_layer_is_a_product_with_the_transposed_weights()
    {
        var weights = torch.tensor([1f, 0, 0, 0, 1, 1], [2, 3]);

        Values(functional.linear(Matrix(), weights)).ShouldBe([1, 5, 4, 11]);
        Values(functional.linear(Matrix(), weights, torch.tensor([10f, 20]))).ShouldBe([11, 25, 14, 31]);
        Values(Matrix().matmul(weights.transpose(0, 1))).ShouldBe([1, 5, 4, 11]);
    }

    [Fact]
    public void Cross_entropy_leaves_out_ignored_targets()
    {
        var logits = torch.tensor([0f, 0, 5, 1], [2, 2]);
        var targets = torch.tensor(new long[] { 1, -100 });

        functional.cross_entropy(logits, targets).item<float>().ShouldBe(MathF.Log(2), 1e-6);
        Values(functional.cross_entropy(logits, targets, reduction: Reduction.None)).ShouldBe([MathF.Log(2), 0], 1e-6);
    }

    [Fact]
    public void Dropout_keeps_the_mean_in_training_and_everything_otherwise()
    {
        torch.manual_seed(1);
        var x = torch.ones([10_000]);

        var dropped = functional.dropout(x, 0.25, training: true);
        dropped.mean().item<float>().ShouldBe(1, 0.05);
        dropped.max().item<float>().ShouldBe(1 / 0.75f);
        Values(functional.dropout(x, 0.25, training: false)).ShouldAllBe(value => value == 1);
    }

    [Fact]
    public void Attention_under_a_causal_mask_ignores_what_comes_later()
    {
        torch.manual_seed(2);
        var q = torch.randn([1, 2, 5, 8]);
        var k = torch.randn([1, 2, 5, 8]);
        var v = torch.randn([1, 2, 5, 8]);

        var scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(8);
        var mask = torch.ones([5, 5], torch.ScalarType.Bool).tril();
        var expected = scores.masked_fill(mask.eq(false), double.NegativeInfinity).softmax(-1).matmul(v);

        Values(functional.scaled_dot_product_attention(q, k, v, is_casual: true)).ShouldBe(Values(expected), 1e-5);
        Values(functional.scaled_dot_product_attention(q, k, v, mask)).ShouldBe(Values(expected), 1e-5);
    }

    [Fact]
    public void The_number_of_threads_is_what_was_set()
    {
        var before = torch.get_num_threads();
        try
        {
            torch.set_num_threads(1);
            torch.get_num_threads().ShouldBe(1);
        }
        finally
        {
            torch.set_num_threads(before);
        }

        Should.Throw<System.Runtime.InteropServices.ExternalException>(() => torch.set_num_threads(0)).Message.ShouldContain("positive");
    }
}
