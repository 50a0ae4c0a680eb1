using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Http;

/// <summary>
/// What is wrong as <c>application/problem+json</c>, in the sentences of the command line. What a database or a bug says of itself goes to the
/// log of the server, never to who asks.
/// </summary>
internal static class Problems
{
    public const string DatabaseAway = "The log's database does not answer: is it running?";

    public static void UseProblems(this WebApplication app, ServeOptions options)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = WriteAsync,
            AllowStatusCode404Response = true,
            SuppressDiagnosticsCallback = context => context.Exception is UserException or RequestException or BadHttpRequestException or OperationCanceledException or LogAwayException { InnerException.InnerException: null },
        });
        // What the framework refuses has no body of its own.
        app.UseStatusCodePages(context => Problem(context.HttpContext.Response.StatusCode, SentenceOf(context.HttpContext, options)).ExecuteAsync(context.HttpContext));
    }

    public static IResult Problem(int status, string sentence) => Results.Problem(sentence, statusCode: status);

    private static async Task WriteAsync(HttpContext context)
    {
        var problem = context.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error switch
        {
            UserException e => Problem(StatusCodes.Status404NotFound, e.Message),
            RequestException e => Problem(StatusCodes.Status400BadRequest, e.Message),
            BadHttpRequestException e => Problem(e.StatusCode, e.Message),
            Exception e when e is LogAwayException or PrivateClusterException => Problem(StatusCodes.Status503ServiceUnavailable, e.Message),
            NpgsqlException or ObjectDisposedException or OperationCanceledException => Problem(StatusCodes.Status503ServiceUnavailable, DatabaseAway),
            _ => Problem(StatusCodes.Status500InternalServerError, "Something failed here; the log of the server says what."),
        };
        await problem.ExecuteAsync(context);
    }

    private static string SentenceOf(HttpContext context, ServeOptions options) => context.Response.StatusCode switch
    {
        StatusCodes.Status400BadRequest when options.Hosts.Count > 0 => $"The request does not name this server in its Host header, expected one of: {string.Join(", ", options.Hosts)}.",
        StatusCodes.Status404NotFound => "There is nothing at this address: /api/runs lists the runs.",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method} is not for this address: the log is only read here, expected GET.",
        var status => $"The request was refused ({status}).",
    };
}
