using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control;

/// <summary>Tells on the terminal which server a command waits for.</summary>
internal sealed class WaitingLoggerProvider : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => categoryName == typeof(HostFailure).FullName ? new WaitingLogger() : NullLogger.Instance;

    public void Dispose()
    {
    }

    private sealed class WaitingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Console.Error.WriteLine(formatter(state, exception));
        }
    }
}
