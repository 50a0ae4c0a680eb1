using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

public sealed class TensorMemoryTests
{
    private const string TcMalloc = "libtcmalloc_minimal.so.4";

    [Fact]
    public void Tensors_have_their_memory_of_tcmalloc_where_it_is_on_this_machine()
    {
        torch.zeros([1 << 20]).Dispose();
        TensorMemory.IsTcMalloc.ShouldBe(IsInstalled());
        File.ReadLines("/proc/self/maps").Any(line => line.Contains(TcMalloc, StringComparison.Ordinal)).ShouldBe(IsInstalled());

        static bool IsInstalled() => Directory.GetDirectories("/usr/lib", "*-linux-gnu").Any(folder => File.Exists(Path.Combine(folder, TcMalloc)));
    }

    [Fact]
    public void Blocks_begin_where_the_widest_vectors_begin_and_empty_tensors_need_none()
    {
        foreach (var length in (long[])[1, 3, 17, 1000, 70_001, 1 << 20])
        {
            using var tensor = torch.zeros([length]);
            (Address(tensor) % 64).ShouldBe(0, $"{length} numbers");
        }

        using var nothing = torch.zeros([0, 5]);
        nothing.shape.ShouldBe([0, 5]);
        (nothing + 1).sum().item<float>().ShouldBe(0);
    }

    [Fact]
    public void What_was_freed_goes_back_to_the_system_when_it_is_asked_for()
    {
        const long Bytes = 256L << 20;
        torch.ones([Bytes / sizeof(float)]).Dispose();
        TensorMemory.GiveBack();
        var without = Resident();
        using (torch.ones([Bytes / sizeof(float)]))
            (Resident() - without).ShouldBeGreaterThan(Bytes / 2, "it is there while it is used");
        TensorMemory.GiveBack();
        (Resident() - without).ShouldBeLessThan(Bytes / 2);
    }

    [Fact]
    public void A_tensor_that_no_machine_can_hold_is_refused_with_its_size() =>
        Should.Throw<ExternalException>(() => torch.zeros([1L << 50])).Message.ShouldContain((4L << 50).ToString(CultureInfo.InvariantCulture));

    private static long Address(torch.Tensor tensor) => Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(tensor.bytes));

    private static long Resident() => Environment.WorkingSet;
}
