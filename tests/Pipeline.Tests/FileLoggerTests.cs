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

    // To wait for the lock again at each line would take far longer than this.
    [Fact(Timeout = 60_000)]
    public async Task What_is_to_be_said_is_said_though_somebody_reads_the_file_and_locks_it_for_good()
    {
        const int Lines = 100;
        using var provider = new FileLoggerProvider(File);
        provider.CreateLogger("worker").Log(LogLevel.Error, 0, "first", null, (text, _) => text);
        await using (new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.Read))
        {
            await Task.Run(
                () =>
                {
                    for (var line = 0; line < Lines; line++)
                    {
                        TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                        provider.CreateLogger("worker").Log(LogLevel.Error, 0, $"line {line}", null, (text, _) => text);
                    }
                },
                TestContext.Current.CancellationToken);
        }

        provider.CreateLogger("worker").Log(LogLevel.Error, 0, "last", null, (text, _) => text);

        const string Mark = " Error worker: ";
        (await System.IO.File.ReadAllLinesAsync(File, TestContext.Current.CancellationToken)).Select(line => line[(line.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..])
            .ShouldBe(["first", .. Enumerable.Range(0, Lines).Select(line => $"line {line}"), "last"]);
    }
}
