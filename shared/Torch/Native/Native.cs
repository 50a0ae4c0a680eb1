using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>
/// The exports of libselfrewarding_torch.so (native/). Each takes its operands as <see cref="TensorHandle"/>, which the marshaller holds
/// for the length of the call, and returns a status for <see cref="Check"/>.
/// </summary>
internal static partial class Native
{
    internal const string Library = "selfrewarding_torch";

    // Before the first call of any export. Who sets OMP_NUM_THREADS has decided already.
    static Native()
    {
        OpenMp.LetThreadsSleep();
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OMP_NUM_THREADS")))
            Check(sr_set_num_threads(Processors.Count));
    }

    /// <exception cref="ExternalException">The call failed; the message is libtorch's sentence, without its C++ backtrace.</exception>
    internal static void Check(int status)
    {
        if (status != 0) throw new ExternalException(Marshal.PtrToStringUTF8(sr_last_error()));
    }

    [LibraryImport(Library)]
    private static partial nint sr_last_error();

    [LibraryImport(Library)]
    internal static partial void sr_free(nint tensor);

    [LibraryImport(Library), SuppressGCTransition]
    internal static partial long sr_live_tensors();

    [LibraryImport(Library), SuppressGCTransition]
    internal static partial long sr_live_bytes();
}
