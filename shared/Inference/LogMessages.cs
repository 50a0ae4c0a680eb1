using Microsoft.Extensions.Logging;

namespace SelfRewarding.Inference;

internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Warning, "{Failure}; asking again in {Seconds} s (try {Try} of {Retries}, {Setting})")]
    internal static partial void ServerAskedAgain(this ILogger logger, string failure, double seconds, int @try, int retries, string setting);
}
