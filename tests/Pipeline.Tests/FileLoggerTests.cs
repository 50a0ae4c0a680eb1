using Microsoft.Extensions.Logging;
using SelfRewarding.Control;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class FileLoggerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-log-").FullName;

    private string File => Path.Combine(_folder, "selfreward.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_several_processes_write_to_one_file_is_all_there_a_line_each()
    {
        const int Writers = 3, Lines = 2_000;

        // The lock belongs to an opened file, so that two loggers of one process are to each other what two processes are.
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
        {
            using var provider = new FileLoggerProvider(File);
            var logger = provider.CreateLogger($"writer {writer}");
            for (var line = 0; line < Lines; line++)
                logger.Log(LogLevel.Warning, 0, $"line {line}{new string('.', line % 300)}", null, (text, _) => text);
        })));

        var lines = await System.IO.File.ReadAllLinesAsync(File, TestContext.Current.CancellationToken);
        for (var writer = 0; writer < Writers; writer++)
        {
            var mark = $" Warning writer {writer}: ";
            lines.Where(line => line.Contains(mark, StringComparison.Ordinal)).Select(line => line[(line.IndexOf(mark, StringComparison.Ordinal) + mark.Length)..])
                .ShouldBe(Enumerable.Range(0, Lines).Select(line => $"line {line}{new string('.', line % 300)}"));
        }

        lines.Length.ShouldBe(Writers * Lines);
    }

    [Fact]
    public void What_is_to_be_said_is_said_though_somebody_reads_the_file_and_locks_it_for_good()
    {
        using var provider = new FileLoggerProvider(File);
        provider.CreateLogger("worker").Log(LogLevel.Error, 0, "first", null, (text, _) => text);
        using (new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.Read))
            provider.CreateLogger("worker").Log(LogLevel.Error, 0, "second", null, (text, _) => text);

        System.IO.File.ReadAllLines(File).Select(line => line[^6..].Trim()).ShouldBe(["first", "second"]);
    }
}
