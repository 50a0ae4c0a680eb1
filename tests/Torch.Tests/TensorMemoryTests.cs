using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

/// <summary>Asks tcmalloc itself what it has given out; other tests make small tensors meanwhile.</summary>
public sealed class TensorMemoryTests
{
    private const string Library = "libtcmalloc_minimal.so.4";
    private const long Bytes = 256L << 20, Others = 32L << 20;

    [Fact]
    public void Tensors_have_their_memory_of_tcmalloc_where_it_is_on_this_machine()
    {
        TensorMemory.IsTcMalloc.ShouldBe(NativeLibrary.TryLoad(Library, out _));
        Assert.SkipUnless(TensorMemory.IsTcMalloc, $"{Library} is not on this machine (apt-get install libtcmalloc-minimal4)");
        var before = Property("generic.current_allocated_bytes");
        using (torch.zeros([Bytes / sizeof(float)]))
            (Property("generic.current_allocated_bytes") - before).ShouldBeInRange(Bytes - Others, Bytes + Others);
        (Property("generic.current_allocated_bytes") - before).ShouldBeInRange(-Others, Others);
    }

    [Fact]
    public void What_was_freed_goes_back_to_the_system_when_it_is_asked_for()
    {
        Assert.SkipUnless(TensorMemory.IsTcMalloc, $"{Library} is not on this machine (apt-get install libtcmalloc-minimal4)");
        var tensors = Enumerable.Range(0, 64).Select(_ => torch.ones([Bytes / 64 / sizeof(float)])).ToList();
        foreach (var tensor in tensors) tensor.Dispose();
        TensorMemory.GiveBack();
        Property("tcmalloc.pageheap_free_bytes").ShouldBeLessThan(Others);
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

    private static long Address(torch.Tensor tensor) => Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(tensor.bytes));

    private static long Property(string name)
    {
        GetNumericProperty(name, out var value).ShouldBe(1, name);
        return (long)value;
    }

    [DllImport(Library, EntryPoint = "MallocExtension_GetNumericProperty", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int GetNumericProperty([MarshalAs(UnmanagedType.LPStr)] string name, out nuint value);
}
