using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace SelfRewarding.Control.Http;

/// <summary>How much one client may ask for. Requests are small here: there is nothing to send but a token.</summary>
internal static class Limits
{
    /// <summary>Guesses of the token.</summary>
    public const string Login = "login";

    /// <summary>Live updates: each takes every fact of the log.</summary>
    public const string Events = "events";

    /// <summary>Tries to log in that an address has in a minute.</summary>
    public const int LoginsPerMinute = 10;

    private const int RequestsAtOnce = 400;
    private const int RequestsPerSecond = 100;
    private const int EventStreams = 24;

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 8 * 1024;
        kestrel.Limits.MaxRequestLineSize = 4 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxConcurrentConnections = 256;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
    }

    public static IServiceCollection AddLimits(this IServiceCollection services) => services.AddRateLimiter(limiter =>
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(
            Client(context),
            _ => new TokenBucketRateLimiterOptions { TokenLimit = RequestsAtOnce, TokensPerPeriod = RequestsPerSecond, ReplenishmentPeriod = TimeSpan.FromSeconds(1) }));
        limiter.AddPolicy(Login, context => RateLimitPartition.GetFixedWindowLimiter(
            Client(context), _ => new FixedWindowRateLimiterOptions { PermitLimit = LoginsPerMinute, Window = TimeSpan.FromMinutes(1) }));
        limiter.AddConcurrencyLimiter(Events, options => options.PermitLimit = EventStreams);
        limiter.OnRejected = async (context, _) =>
        {
            if (context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after))
                context.HttpContext.Response.Headers.RetryAfter = $"{Math.Ceiling(after.TotalSeconds):0}";
            await Problems.Problem(StatusCodes.Status429TooManyRequests, "These are too many requests at once: wait a little, and ask again.").ExecuteAsync(context.HttpContext);
        };
    });

    private static string Client(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}
