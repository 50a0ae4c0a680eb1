using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace SelfRewarding.Control;

/// <summary>Warnings and errors of the workers go to a file, so that the terminal stays readable. Several processes that watch one folder may write to it.</summary>
public sealed class FileLoggerProvider(string path) : ILoggerProvider
{
    // Another writer has the file for a moment. Who has it for longer is no writer, and what went wrong is to be said all the same.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), Pause = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private bool _isHeld;

    public ILogger CreateLogger(string categoryName) => new FileLogger(this, categoryName);

    public void Dispose()
    {
    }

    private void Write(string line)
    {
        lock (_gate)
        {
            using var file = Open();
            file.Write(Encoding.UTF8.GetBytes(line + Environment.NewLine));
        }
    }

    // One process at a time: a file that is opened to be appended to is written where its end was when it was opened, not where it is.
    private FileStream Open()
    {
        for (var began = Stopwatch.GetTimestamp(); ; Thread.Sleep(Pause))
        {
            try
            {
                var file = Open(FileShare.None);
                _isHeld = false;
                return file;
            }
            catch (IOException e) when (DataFolder.IsTaken(e))
            {
                // Who was waited for once is not waited for at each line again, but asked.
                _isHeld |= Stopwatch.GetElapsedTime(began) >= Patience;
                if (_isHeld)
                    return Open(FileShare.ReadWrite);
            }
        }
    }

    private FileStream Open(FileShare share) => new(path, FileMode.Append, FileAccess.Write, share, bufferSize: 0);

    private sealed class FileLogger(FileLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var at = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
            provider.Write($"{at} {logLevel} {category}: {formatter(state, exception)}{(exception is null ? "" : Environment.NewLine + exception)}");
        }
    }
}
