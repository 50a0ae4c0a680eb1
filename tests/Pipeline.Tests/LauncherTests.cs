using System.Diagnostics;
using System.Runtime.Versioning;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The launcher as far as it goes without building anything.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class LauncherTests : IDisposable
{
    private readonly string _tools = Directory.CreateTempSubdirectory("selfreward-launcher-").FullName;

    public void Dispose() => Directory.Delete(_tools, recursive: true);

    [Theory]
    [InlineData]
    [InlineData("--help")]
    public async Task Without_a_command_it_lists_them_in_eighty_columns(params string[] args)
    {
        var (code, output, _) = await LaunchAsync(Environment.GetEnvironmentVariable("PATH")!, args);

        code.ShouldBe(0);
        foreach (var command in (string[])["run", "show", "runs", "test", "bench"])
            output.ShouldContain($"./selfreward {command}");
        output.Split('\n').ShouldAllBe(line => line.Length <= 80);
    }

    [Fact]
    public async Task Without_the_SDK_it_says_where_to_get_it()
    {
        UseTools("bash", "readlink", "dirname", "env");

        var (code, _, errors) = await LaunchAsync(_tools, "run");

        code.ShouldBe(1);
        errors.ShouldBe("selfreward: .NET SDK 10 is not installed: https://dotnet.microsoft.com/download/dotnet/10.0 says how.\n");
    }

    [Fact]
    public async Task With_another_SDK_it_says_which_there_is()
    {
        UseTools("bash", "readlink", "dirname", "env", "grep", "cut", "paste");
        MakeTool("dotnet", "echo '8.0.404 [/usr/share/dotnet/sdk]'");

        var (code, _, errors) = await LaunchAsync(_tools, "run");

        code.ShouldBe(1);
        errors.ShouldBe("selfreward: dotnet has no SDK 10 (it has: 8.0.404): https://dotnet.microsoft.com/download/dotnet/10.0 says how to get it.\n");
    }

    [Fact]
    public async Task Packages_that_are_missing_are_named_when_they_cannot_be_installed()
    {
        Assert.SkipWhen(Environment.UserName == "root", "root installs what is missing instead of naming the command");
        UseTools("bash", "readlink", "dirname", "env", "grep");
        MakeTool("dotnet", "echo '10.0.100 [/usr/share/dotnet/sdk]'");
        MakeTool("dpkg-query", "case \"$*\" in *cmake*) exit 1;; esac; echo installed");
        MakeTool("sudo", "exit 1");

        var (code, _, errors) = await LaunchAsync(_tools, "run");

        code.ShouldBe(1);
        errors.ShouldEndWith("  sudo apt-get update && sudo apt-get install -y --no-install-recommends cmake\n");
    }

    private void UseTools(params string[] names)
    {
        foreach (var name in names)
            File.CreateSymbolicLink(Path.Combine(_tools, name), Path.Combine("/usr/bin", name));
    }

    private void MakeTool(string name, string script)
    {
        var path = Path.Combine(_tools, name);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> LaunchAsync(string path, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(Root(), "selfreward"), args) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = "/nowhere";
        start.Environment.Remove("DOTNET_ROOT");
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "SelfRewarding.sln"))) return folder.FullName;
        throw new InvalidOperationException($"No SelfRewarding.sln above '{AppContext.BaseDirectory}'.");
    }
}
