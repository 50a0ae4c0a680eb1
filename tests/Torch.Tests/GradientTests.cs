using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

public sealed class GradientTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void The_gradients_of_a_small_expression_are_right()
    {
        // y = Σ (x·w)² + x:  dy/dx = 2xw² + 1,  dy/dw = 2x²w
        var x = torch.tensor([1f, 2, 3], requires_grad: true);
        var w = torch.tensor([0.5f, -1, 2]).requires_grad_();
        ((x * w).pow(2) + x).sum().backward();

        x.grad!.data<float>().ToArray().ShouldBe([1.5f, 5, 25]);
        w.grad!.data<float>().ToArray().ShouldBe([1, -8, 36]);
    }

    [Fact]
    public void Gradients_add_up_until_they_are_cleared()
    {
        var x = torch.ones([2]).with_requires_grad();
        x.grad.ShouldBeNull();
        (x * 3).sum().backward();
        (x * 3).sum().backward();
        x.grad!.data<float>().ToArray().ShouldBe([6, 6]);

        x.grad = null;
        x.grad.ShouldBeNull();
        x.grad = torch.ones([2]);
        (x * 3).sum().backward();
        x.grad!.data<float>().ToArray().ShouldBe([4, 4]);
    }

    [Fact]
    public void The_gradient_is_the_tensor_itself_not_a_copy()
    {
        var x = torch.ones([2]).with_requires_grad();
        (x * 3).sum().backward();
        x.grad!.mul_(0.5);

        x.grad!.data<float>().ToArray().ShouldBe([1.5f, 1.5f]);
    }

    [Fact]
    public void Nothing_is_recorded_where_no_gradient_is_wanted()
    {
        var x = torch.ones([2]).with_requires_grad();
        using (torch.no_grad())
        {
            (x * 2).requires_grad.ShouldBeFalse();
            using (torch.enable_grad()) (x * 2).requires_grad.ShouldBeTrue();
            (x * 2).requires_grad.ShouldBeFalse();
            x.add_(1);
        }

        using (torch.inference_mode()) (x * 2).requires_grad.ShouldBeFalse();
        (x * 2).requires_grad.ShouldBeTrue();
        x.detach().requires_grad.ShouldBeFalse();
        x.clone().requires_grad.ShouldBeTrue();
    }

    [Fact]
    public void Backward_from_many_elements_or_from_no_graph_says_so()
    {
        var x = torch.ones([2]).with_requires_grad();

        Should.Throw<ExternalException>(() => (x * 2).backward()).Message.ShouldContain("scalar");
        Should.Throw<ExternalException>(() => torch.ones([1]).sum().backward()).Message.ShouldContain("does not require grad");
    }

    [Fact]
    public void Threads_train_beside_each_other()
    {
        var gradients = new float[4];
        Parallel.For(0, gradients.Length, i =>
        {
            using var scope = torch.NewDisposeScope();
            var x = torch.full([8, 8], i + 1.0, torch.ScalarType.Float32).requires_grad_();
            for (var step = 0; step < 50; step++) x.matmul(x).sum().backward();
            gradients[i] = x.grad!.max().item<float>() / 50;
        });

        gradients.ShouldBe([16, 32, 48, 64]);
    }
}
