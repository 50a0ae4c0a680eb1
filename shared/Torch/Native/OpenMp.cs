using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>
/// libtorch's own operations run on GNU OpenMP's threads, which go on spinning for some milliseconds after each, on the cores that the kernels' threads want next. Where kernels
/// and operations take turns that costs half of a machine of two cores, so those threads sleep at once. Whoever says how they wait has decided already.
/// </summary>
internal static partial class OpenMp
{
    /// <summary>To be called before libtorch is loaded: OpenMP reads the environment then, and never again.</summary>
    internal static void LetThreadsSleep()
    {
        if (OperatingSystem.IsLinux() && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OMP_WAIT_POLICY")))
            _ = SetEnvironment("GOMP_SPINCOUNT", "0", overwrite: 0);
    }

    // .NET keeps an environment of its own, which native code does not see.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
