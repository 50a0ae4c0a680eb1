using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Inference;

/// <summary>
/// Who generates for a stage of a run: the run's own model, or the server that its settings name. All work of this process for one server shares that server's limit.
/// </summary>
/// <param name="local">The run's own models.</param>
/// <param name="time">Waits between two tries.</param>
/// <param name="variables">Environment variables by name; null reads this process's.</param>
public sealed class TextEngines(ITextGenerator local, WorkerOptions options, TimeProvider time, ILogger<TextEngines> logger, Func<string, string?>? variables = null)
{
    private readonly Func<string, string?> _variables = variables ?? Environment.GetEnvironmentVariable;
    private readonly ConcurrentDictionary<(string Section, ServerSettings Server), ServerTextGenerator> _servers = new();
    private readonly ConcurrentDictionary<(string Url, int Concurrency), SemaphoreSlim> _limits = new();

    /// <summary>Who drafts prompts.</summary>
    /// <exception cref="ServerRefusedException">The server's key is not here.</exception>
    public ITextGenerator Prompts(RunSettings settings) => Of("engines.prompts", settings.Engines.Prompts);

    /// <summary>Who answers.</summary>
    /// <exception cref="ServerRefusedException">The server's key is not here.</exception>
    public ITextGenerator Candidates(RunSettings settings) => Of("engines.candidates", settings.Engines.Candidates);

    /// <summary>Who judges.</summary>
    /// <exception cref="ServerRefusedException">The server's key is not here.</exception>
    public ITextGenerator Judgements(RunSettings settings) => Of("engines.judgements", settings.Engines.Judgements);

    private ITextGenerator Of(string section, ServerSettings server) =>
        server.Url is null ? local : _servers.GetOrAdd((section, server), key => Open(key.Section, key.Server));

    private ServerTextGenerator Open(string section, ServerSettings server)
    {
        var limit = _limits.GetOrAdd((server.Url!.TrimEnd('/'), server.Concurrency), at => new SemaphoreSlim(at.Concurrency));
        return new ServerTextGenerator(new ChatServer(section, server, KeyOf(section, server), limit, time), section, server, options.Telemetry.CaptureContent, time, logger);
    }

    // The run's first event names the variable, and whoever can write to the log could name another: only what may hold a key is ever read.
    private string? KeyOf(string section, ServerSettings server)
    {
        if (server.ApiKeyVariable is not { } variable)
            return null;
        if (!ServerCheck.MayHoldKey(variable))
            throw new ServerRefusedException($"{section}.api_key_variable is no variable that may hold a key, expected a name that ends with API_KEY: nothing is sent to {server.Url}.");
        return _variables(variable) is { Length: > 0 } key && !string.IsNullOrWhiteSpace(key)
            ? key.Trim()
            : throw new ServerRefusedException($"{section}.api_key_variable names {variable}, but this worker's environment has no such variable: set it to the key of {server.Url} where the worker runs, and start it again.");
    }
}
