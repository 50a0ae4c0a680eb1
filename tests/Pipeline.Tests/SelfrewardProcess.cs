using System.Diagnostics;
using System.Text;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The real command as a child process, to be watched, interrupted and killed.</summary>
internal sealed class SelfrewardProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new(), _errors = new();

    private SelfrewardProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Collect(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Collect(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    public bool HasExited => _process.HasExited;

    /// <summary>Bytes that it has in memory now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static SelfrewardProcess Start(params string[] args) => StartProgram("Control", new Dictionary<string, string>(), args);

    /// <summary>Starts one of the services by its project's name.</summary>
    public static SelfrewardProcess StartProgram(string project, IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var dll = Path.Combine(AppContext.BaseDirectory, $"SelfRewarding.{project}.dll");
        var start = new ProcessStartInfo("dotnet", [dll, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // As in a terminal whose output a person sends to a file: that may not have its colours in it.
        start.Environment["TERM"] = "xterm-256color";
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new SelfrewardProcess(Process.Start(start)!);
    }

    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        var code = await process.WaitAsync();
        return (code, process.Output, process.Errors);
    }

    /// <summary>Waits until it has written something; false where it ended without.</summary>
    public async Task<bool> SaysAsync(string text)
    {
        var said = new TaskCompletionSource();
        void Listen(object sender, DataReceivedEventArgs line)
        {
            if (line.Data?.Contains(text, StringComparison.Ordinal) == true)
                said.TrySetResult();
        }

        _process.OutputDataReceived += Listen;
        _process.ErrorDataReceived += Listen;
        if (!HasSaid())
            await Task.WhenAny(said.Task, WaitAsync());
        return HasSaid();

        bool HasSaid() => (Output + Errors).Contains(text, StringComparison.Ordinal);
    }

    public async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: no handler runs, no buffer is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGINT: what Ctrl-C sends.</summary>
    public void Interrupt() => Process.Start("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])!.WaitForExit();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static void Collect(StringBuilder into, string? line)
    {
        lock (into)
        {
            if (line is not null)
                into.AppendLine(line);
        }
    }

    private static string Read(StringBuilder from)
    {
        lock (from)
            return from.ToString();
    }
}
