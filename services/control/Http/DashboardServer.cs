using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SelfRewarding.Control.Http;

/// <summary>The HTTP port: the API over the log, and the page that shows it. It only reads.</summary>
public sealed class DashboardServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly BrokerCheck? _broker;

    private DashboardServer(WebApplication app, BrokerCheck? broker) => (_app, _broker) = (app, broker);

    /// <summary>Where it listens, with the port that it was given where 0 was asked for.</summary>
    public IReadOnlyList<string> Urls => [.. _app.Urls];

    /// <summary>Starts to listen.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="shared">The log is in a database server of its own (<c>SELFREWARD_POSTGRES</c>).</param>
    /// <param name="options">Where to listen, and for whom.</param>
    /// <param name="rabbitMq">The broker whose health is told; null where there is none.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="UserException">It cannot listen there.</exception>
    public static async Task<DashboardServer> StartAsync(string folder, bool shared, ServeOptions options, Uri? rabbitMq, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Limits.Apply).UseUrls([.. options.Urls]);
        // Beside the log that is ours; without it we are one service of several, whose output somebody collects.
        if (shared)
            builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        else
            builder.Logging.AddProvider(new FileLoggerProvider(Path.Combine(folder, "selfreward-serve.log")));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddRouting().AddLimits().AddSingleton(TimeProvider.System).ConfigureHttpJsonOptions(json => ApiJson.Apply(json.SerializerOptions));
        builder.Services.AddHostFiltering(hosts => (hosts.AllowedHosts, hosts.IncludeFailureMessage) = ([.. options.Hosts], false));
        builder.Services.AddSingleton(provider => new ServedLog(folder, shared, provider.GetRequiredService<TimeProvider>())).AddHostedService(provider => provider.GetRequiredService<ServedLog>());
        // Pages that stay open do not hold up the end.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));

        var server = new DashboardServer(builder.Build(), rabbitMq is null ? null : new BrokerCheck(rabbitMq));
        server.Configure(options);
        try
        {
            await server._app.StartAsync(cancellationToken);
            return server;
        }
        catch (IOException e)
        {
            await server.DisposeAsync();
            throw new UserException($"--urls {string.Join(';', options.Urls)} cannot be listened on: {e.Message.TrimEnd('.')}; end what has the port, or give another one.", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        if (_broker is not null)
            await _broker.DisposeAsync();
    }

    private void Configure(ServeOptions options)
    {
        var page = new EmbeddedFileProvider(typeof(DashboardServer).Assembly, $"{typeof(DashboardServer).Namespace}.Page");
        _app.UseSecurityHeaders();
        _app.UseProblems(options);
        // A name that an attacker points to this machine does not make the attacker's page ours.
        if (options.Hosts.Count > 0)
            _app.UseHostFiltering();
        _app.UseRateLimiter();
        if (options.Token is not null)
            new TokenGate(options.Token, page).Use(_app);
        _app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = page });
        _app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = page,
            ContentTypeProvider = new FileExtensionContentTypeProvider(),
            // Asked for again each time, and then mostly unchanged.
            OnPrepareResponse = context => context.Context.Response.Headers.CacheControl = "no-cache",
        });
        _app.MapRuns();
        _app.MapHealth(_broker, options);
    }
}
