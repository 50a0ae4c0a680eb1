using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

/// <summary>Counts native tensors, so nothing may run beside it.</summary>
[Collection(nameof(LifetimeTests))]
[CollectionDefinition(nameof(LifetimeTests), DisableParallelization = true)]
public sealed class LifetimeTests
{
    private static long Live
    {
        get
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Native.sr_live_tensors();
        }
    }

    [Fact]
    public void A_scope_frees_what_was_made_in_it()
    {
        var before = Live;
        using (torch.NewDisposeScope())
        {
            var x = torch.randn([4, 4]);
            for (var i = 0; i < 100; i++) x = (x + 1) * 0.5 - x / 3;
            Native.sr_live_tensors().ShouldBe(before + 401);
        }

        Native.sr_live_tensors().ShouldBe(before);
    }

    [Fact]
    public void A_tensor_moved_out_lives_in_the_outer_scope_and_dies_with_it()
    {
        var before = Live;
        torch.Tensor kept;
        using (torch.NewDisposeScope())
        {
            using (torch.NewDisposeScope())
            {
                kept = (torch.ones([3]) * 2).MoveToOuterDisposeScope();
            }

            Native.sr_live_tensors().ShouldBe(before + 1);
            kept.data<float>().ToArray().ShouldBe([2, 2, 2]);
        }

        Should.Throw<ObjectDisposedException>(() => kept.shape);
        Native.sr_live_tensors().ShouldBe(before);
    }

    [Fact]
    public void A_tensor_moved_out_of_the_outermost_scope_is_its_holders()
    {
        torch.Tensor kept;
        using (torch.NewDisposeScope()) kept = torch.ones([3]).MoveToOuterDisposeScope();

        kept.numel().ShouldBe(3);
        kept.Dispose();
    }

    [Fact]
    public void A_detached_tensor_outlives_its_scope()
    {
        torch.Tensor kept;
        using (torch.NewDisposeScope())
        using (torch.NewDisposeScope())
        {
            kept = torch.ones([3]).DetachFromDisposeScope();
        }

        kept.numel().ShouldBe(3);
        kept.Dispose();
    }

    [Fact]
    public void An_outer_scope_closes_the_inner_ones_that_were_left_open()
    {
        var before = Live;
        var outer = torch.NewDisposeScope();
        var inner = torch.NewDisposeScope();
        torch.ones([3]);
        outer.Dispose();

        Native.sr_live_tensors().ShouldBe(before);
        var free = torch.ones([3]);
        inner.Dispose();
        free.numel().ShouldBe(3);
        free.Dispose();
    }

    [Fact]
    public void Each_thread_has_its_own_scopes()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor? other = null;
        var thread = new Thread(() => other = torch.ones([3]));
        thread.Start();
        thread.Join();
        scope.Dispose();

        other!.numel().ShouldBe(3);
        other.Dispose();
    }

    [Fact]
    public void A_tensor_disposed_by_hand_leaves_its_scope()
    {
        using var scope = torch.NewDisposeScope();
        var before = Native.sr_live_tensors();
        for (var i = 0; i < 10; i++) torch.ones([3]).Dispose();

        Native.sr_live_tensors().ShouldBe(before);
    }

    [Fact]
    public void Use_after_dispose_throws_whatever_the_use()
    {
        using var other = torch.ones([2]);
        var gone = torch.ones([2]);
        using var values = gone.data<float>();
        gone.Dispose();
        gone.Dispose();

        Should.Throw<ObjectDisposedException>(() => gone + other);
        Should.Throw<ObjectDisposedException>(() => other + gone);
        Should.Throw<ObjectDisposedException>(() => torch.cat([other, gone]));
        Should.Throw<ObjectDisposedException>(() => gone.shape);
        Should.Throw<ObjectDisposedException>(() => gone.bytes.Length);
        Should.Throw<ObjectDisposedException>(() => values.ToArray());
    }

    [Fact]
    public void A_view_keeps_the_memory_of_its_base_and_counts_it_once()
    {
        var before = Native.sr_live_bytes();
        var whole = torch.ones([1024]);
        var half = whole.narrow(0, 512, 512);
        (Native.sr_live_bytes() - before).ShouldBe(4096);
        whole.Dispose();
        (Native.sr_live_bytes() - before).ShouldBe(4096);
        half.data<float>()[511].ShouldBe(1);
        half.Dispose();

        Native.sr_live_bytes().ShouldBe(before);
    }

    [Fact]
    public void The_collector_frees_tensors_that_nobody_holds_and_is_told_of_their_bytes()
    {
        var before = Live;
        var told = NativeMemory.Told;
        MakeAndForget();
        NativeMemory.Told.ShouldBeGreaterThan(told);

        Live.ShouldBe(before);

        void MakeAndForget()
        {
            // A fresh thread, so that no register or stack slot still holds one.
            var thread = new Thread(() => GC.KeepAlive(torch.empty([(told / sizeof(float)) + MemoryPressure.Step])));
            thread.Start();
            thread.Join();
        }
    }

    [Fact]
    public async Task Temporaries_in_chained_expressions_survive_a_collector_that_never_rests()
    {
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });

        var sums = new double[4];
        var workers = Enumerable.Range(0, sums.Length).Select(worker => Task.Run(() =>
        {
            // No scope: only the collector frees these.
            for (var i = 0; i < 500; i++)
            {
                var x = torch.ones([16, 16]);
                sums[worker] += ((x + x) * 2 - x.matmul(x) / 16).exp().log().sum().item<float>();
            }
        }));
        await Task.WhenAll(workers);
        await stop.CancelAsync();
        await collector;

        foreach (var sum in sums) (sum / 500).ShouldBe(3 * 256, 0.01);
    }

    [Fact]
    public async Task A_tensor_disposed_while_another_thread_uses_it_is_used_whole_or_refused()
    {
        for (var i = 0; i < 200; i++)
        {
            var shared = torch.ones([64, 64]);
            var user = Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        using var product = shared.matmul(shared);
                        using var sum = product.sum();
                        sum.item<float>().ShouldBe(64 * 64 * 64);
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            shared.Dispose();
            await user;
        }
    }
}
