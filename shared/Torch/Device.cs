using System.Globalization;

namespace TorchSharp;

/// <summary>Where tensors lie; the numbers are libtorch's.</summary>
public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
}

public static partial class torch
{
    /// <summary>The machine's memory.</summary>
    public static readonly Device CPU = new(DeviceType.CPU);

    /// <summary>The current GPU.</summary>
    public static Device CUDA { get; } = new(DeviceType.CUDA);

    /// <summary>A device by its name: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="ArgumentException">There is no such kind of device.</exception>
    public static Device device(string description) => new(description);

    /// <summary>A device, with an index where there are several; -1 is the current one.</summary>
    public sealed class Device(DeviceType deviceType, int index = -1)
    {
        /// <inheritdoc cref="device(string)"/>
        public Device(string description) : this(Kind(description), Index(description))
        {
        }

        /// <summary>The kind of device.</summary>
        public DeviceType type { get; } = deviceType;

        /// <summary>Which one of that kind; -1 is the current one.</summary>
        public int index { get; } = index;

        public override string ToString() => (type, index) switch
        {
            (DeviceType.CPU, _) => "cpu",
            (_, -1) => "cuda",
            _ => string.Create(CultureInfo.InvariantCulture, $"cuda:{index}"),
        };

        private static DeviceType Kind(string description) => description.Split(':')[0].ToUpperInvariant() switch
        {
            "CPU" => DeviceType.CPU,
            "CUDA" => DeviceType.CUDA,
            _ => throw Unknown(description),
        };

        private static int Index(string description)
        {
            var colon = description.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0) return -1;
            return sbyte.TryParse(description.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? index
                : throw Unknown(description);
        }

        private static ArgumentException Unknown(string description) =>
            new($"Device '{description}' is unknown, expected cpu, cuda or cuda:<index>.", nameof(description));
    }

    /// <summary>Graphics processors.</summary>
    public static class cuda
    {
        /// <summary>Whether this libtorch was built for CUDA and sees a device.</summary>
        public static bool is_available() => SelfRewarding.Torch.Native.sr_has_cuda() != 0;
    }
}
