using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Http;

/// <summary>What <c>/health/live</c> gives.</summary>
/// <param name="NeedsToken">Where a browser can log in, and out again.</param>
public sealed record Liveness(bool Live, bool NeedsToken);

/// <summary>What <c>/health/ready</c> gives. It says nothing of addresses and names: everybody may ask.</summary>
/// <param name="Database"><c>ok</c>; <c>resting</c> where it is started when somebody asks for a run; or <c>away</c>.</param>
/// <param name="ReadModelsLag">Positions of the log that the read models have still to take; a request for a run brings them up first.</param>
/// <param name="Broker"><c>ok</c> or <c>away</c>; null where none is set.</param>
public sealed record Readiness(bool Ready, string Database, long? ReadModelsLag, string? Broker);

/// <summary>For whoever starts, watches and balances servers.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app, BrokerCheck? broker, ServeOptions options)
    {
        var alive = new Liveness(true, options.Token is not null);
        app.MapGet("/health/live", () => alive);
        app.MapGet("/health/ready", async (ServedLog served, CancellationToken cancellationToken) =>
        {
            var (database, lag) = await DatabaseAsync(served, cancellationToken);
            var answers = broker is null ? null : await broker.AnswersAsync(cancellationToken) ? "ok" : "away";
            var ready = database != "away" && answers != "away";
            return TypedResults.Json(new Readiness(ready, database, lag, answers), statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        });
    }

    private static async Task<(string State, long? Lag)> DatabaseAsync(ServedLog served, CancellationToken cancellationToken)
    {
        // To look whether it is well does not keep the data folder from a run.
        if (served.IsResting)
            return ("resting", null);
        try
        {
            await using var lease = await served.UseAsync(cancellationToken);
            var (position, end) = await lease.Log.ReadModels.LagAsync(cancellationToken);
            return ("ok", Math.Max(0, end - position));
        }
        catch (Exception e) when (e is NpgsqlException or LogAwayException or PrivateClusterException or ObjectDisposedException)
        {
            return ("away", null);
        }
    }
}
