using System.Text.Json;
using SelfRewarding.Control.Up;
using Shouldly;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A <c>selfreward up</c> of the test's own.</summary>
internal sealed class UpProcess : IAsyncDisposable
{
    private readonly string _data;
    private readonly SelfrewardProcess _process;

    private UpProcess(string data, SelfrewardProcess process) => (_data, _process) = (data, process);

    public SelfrewardProcess Process => _process;

    public UpState State => UpState.Read(_data)!;

    /// <summary>Starts it, and waits until everything has been started.</summary>
    public static async Task<UpProcess> StartAsync(string data, params string[] scale)
    {
        var up = new UpProcess(data, SelfrewardProcess.Start(["up", "--data", data, "--plain", "--slots", "8", .. scale]));
        (await up._process.SaysAsync("Everything runs")).ShouldBeTrue(up._process.Output + up._process.Errors);
        return up;
    }

    public PartState Part(string name) => State.Parts.Single(part => part.Name == name);

    /// <summary>SIGKILL to one of its parts, and waits until that is gone.</summary>
    public Task KillAsync(string part) => KillAsync(Part(part).ProcessId!.Value);

    public static async Task KillAsync(int processId)
    {
        using var process = System.Diagnostics.Process.GetProcessById(processId);
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Waits until no process of these parts is there any more.</summary>
    public static async Task GoneAsync(IEnumerable<PartState> parts)
    {
        foreach (var id in parts.Select(part => part.ProcessId).OfType<int>())
        {
            try
            {
                using var process = System.Diagnostics.Process.GetProcessById(id);
                await process.WaitForExitAsync();
            }
            catch (ArgumentException)
            {
                // It is gone already.
            }
        }
    }

    /// <summary>What <c>selfreward ps --json</c> says.</summary>
    public static async Task<JsonElement> LookAsync(string data)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("ps", "--json", "--data", data);
        code.ShouldBe(0, output + errors);
        return JsonDocument.Parse(output).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        // Its parts end with it, also where a test has failed.
        var parts = UpState.Read(_data)?.Parts ?? [];
        _process.Dispose();
        await GoneAsync(parts);
    }
}
