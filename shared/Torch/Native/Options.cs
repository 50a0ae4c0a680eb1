using System.Runtime.InteropServices;
using TorchSharp;

namespace SelfRewarding.Torch;

/// <summary>The native Options: what a new tensor should be; -1 leaves a part to libtorch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct Options(torch.ScalarType? type = null, torch.Device? device = null, bool requiresGrad = false)
{
    private readonly int _type = Number(type);
    private readonly int _deviceType = device is null ? -1 : (int)device.type;
    private readonly int _deviceIndex = device?.index ?? -1;
    private readonly int _requiresGrad = requiresGrad ? 1 : 0;

    internal static int Number(torch.ScalarType? type) => type is { } known ? (int)known : -1;
}
