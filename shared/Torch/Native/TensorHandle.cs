using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>Owns one native tensor. Passed to native code as it is, so that no finalizer can free an operand during the call.</summary>
internal sealed class TensorHandle : SafeHandle
{
    /// <summary>An operand that is left out: native code sees an undefined tensor.</summary>
    internal static readonly TensorHandle None = new(0);

    internal TensorHandle(nint tensor) : base(0, ownsHandle: true) => SetHandle(tensor);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.sr_free(handle);
        NativeMemory.Report();
        return true;
    }
}
