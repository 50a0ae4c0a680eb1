using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>Owns one reference to a native random generator.</summary>
internal sealed class GeneratorHandle : SafeHandle
{
    /// <summary>Left out: libtorch draws from the device's default generator.</summary>
    internal static readonly GeneratorHandle None = new(0);

    internal GeneratorHandle(nint generator) : base(0, ownsHandle: true) => SetHandle(generator);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.sr_free_generator(handle);
        return true;
    }
}
