using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;

namespace SelfRewarding.Control.Http;

/// <summary>
/// Lets in who bears the token: programs in the <c>Authorization</c> header, browsers by a cookie that the login form gives for the token. The
/// cookie is no token: it is drawn at each login, and worthless after the logout and the server's end.
/// </summary>
internal sealed class TokenGate(string token, IFileProvider page)
{
    private const string CookieName = "selfreward";
    private const string Message = "<!-- message -->";

    // What the login form needs, and what says nothing about the log.
    private static readonly string[] OpenPaths = ["/login", "/style.css", "/favicon.svg", "/health/live", "/health/ready"];

    private readonly byte[] _token = Hash(token);
    private readonly ConcurrentDictionary<string, bool> _sessions = new(StringComparer.Ordinal);

    public void Use(WebApplication app)
    {
        app.Use(LetInAsync);
        app.MapGet("/login", () => Form(StatusCodes.Status200OK, ""));
        app.MapPost("/login", (Delegate)LogInAsync).RequireRateLimiting(Limits.Login);
        app.MapPost("/logout", (HttpContext context) =>
        {
            if (context.Request.Cookies[CookieName] is { } cookie)
                _sessions.TryRemove(Session(cookie), out _);
            context.Response.Cookies.Delete(CookieName);
            return Results.Redirect("/login");
        });
    }

    private async Task LetInAsync(HttpContext context, RequestDelegate next)
    {
        if (OpenPaths.Contains(context.Request.Path.Value, StringComparer.Ordinal) || BearsToken(context.Request) || HasCookie(context.Request))
        {
            await next(context);
            return;
        }

        if (context.Request.Path == "/" && HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Redirect("/login");
            return;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        await Problems.Problem(StatusCodes.Status401Unauthorized, $"This needs the token: send it as 'Authorization: Bearer …' ({ServeOptions.TokenVariable} of the server), or log in at /login.").ExecuteAsync(context);
    }

    private async Task<IResult> LogInAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
            throw new RequestException("The body is no form, expected token=… as application/x-www-form-urlencoded.");
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (!IsToken(form["token"].ToString()))
            return Form(StatusCodes.Status401Unauthorized, "<p role=\"alert\" class=\"alert\">That is not the token.</p>");
        var cookie = RandomNumberGenerator.GetHexString(64, lowercase: true);
        _sessions[Session(cookie)] = true;
        context.Response.Cookies.Append(CookieName, cookie, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, IsEssential = true });
        return Results.Redirect("/");
    }

    private IResult Form(int status, string message)
    {
        using var reader = new StreamReader(page.GetFileInfo("login.html").CreateReadStream());
        return Results.Content(reader.ReadToEnd().Replace(Message, message, StringComparison.Ordinal), "text/html; charset=utf-8", Encoding.UTF8, status);
    }

    private bool BearsToken(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && IsToken(header["Bearer ".Length..].Trim());

    private bool HasCookie(HttpRequest request) => request.Cookies[CookieName] is { } cookie && _sessions.ContainsKey(Session(cookie));

    // Looked up by its hash: what time a look takes says nothing about the cookies that there are.
    private static string Session(string cookie) => Convert.ToHexString(Hash(cookie));

    // Hashes have one length, so that time says nothing about the token's.
    private bool IsToken(string given) => CryptographicOperations.FixedTimeEquals(Hash(given), _token);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
