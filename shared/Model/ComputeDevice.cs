using System.Runtime.InteropServices;
using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>Where models compute: the CPU or a GPU, by the name that libtorch has for it.</summary>
public static class ComputeDevice
{
    /// <summary>The device of that name: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="ArgumentException">There is no such kind of device.</exception>
    public static torch.Device Named(string name) => torch.device(name);

    /// <summary>The tensor in another place, and no longer in main memory; the tensor itself where that is its place.</summary>
    internal static torch.Tensor Move(torch.Tensor tensor, torch.Device? device)
    {
        if (device is null or { type: DeviceType.CPU }) return tensor;
        using (tensor) return tensor.to(device);
    }

    /// <summary>What keeps this machine from computing there, in one sentence; null where nothing does, which is tried with one number.</summary>
    public static string? Problem(string name)
    {
        var device = Named(name);
        if (device.type == DeviceType.CPU) return null;
        if (!torch.cuda.is_available())
            return "this program's libtorch has no CUDA or finds no GPU: use a build with -p:UseTorchSharp=true (an image with TENSORS=cuda) where there is NVIDIA's driver, or leave the device at cpu.";
        try
        {
            using var one = torch.ones([1L], device: device);
            using var back = one.cpu();
            return null;
        }
        catch (Exception e) when (e is ExternalException or InvalidOperationException)
        {
            return $"this machine has no such GPU, or it cannot be used ({e.Message.Split('\n')[0]}): name one that nvidia-smi lists, the first as cuda:0.";
        }
    }
}
