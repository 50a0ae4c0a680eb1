using System.Text.RegularExpressions;

namespace SelfRewarding.Contracts;

/// <summary>Finds what is wrong with the servers that stages are handed to.</summary>
public static partial class ServerCheck
{
    /// <summary>Whether a variable may hold a key. A setting comes from the log, so it must not be able to name any other secret of a worker and have it sent away.</summary>
    public static bool MayHoldKey(string variable) => KeyVariable().IsMatch(variable);

    internal static void Check(RunSettings settings, List<string> problems)
    {
        (string Section, ServerSettings Server)[] engines =
            [("engines.prompts", settings.Engines.Prompts), ("engines.candidates", settings.Engines.Candidates), ("engines.judgements", settings.Engines.Judgements)];
        foreach (var (section, server) in engines)
            Check(section, server, problems);
        foreach (var group in engines.Where(engine => engine.Server.Url is not null).GroupBy(engine => engine.Server.Url!.TrimEnd('/'), StringComparer.Ordinal))
        {
            var (first, limit) = (group.First().Section, group.First().Server.Concurrency);
            foreach (var (section, server) in group.Where(engine => engine.Server.Concurrency != limit))
                problems.Add($"{section}.concurrency is {server.Concurrency}, but {first} of the same server has {limit}: a server has one limit.");
        }

        if (settings.Engines.Prompts.Url is not null && settings.Prompts.Source != "model")
            problems.Add("engines.prompts.url is given, but prompts.source takes the prompts from a file: leave one of them out.");
    }

    private static void Check(string section, ServerSettings server, List<string> problems)
    {
        if (server.Url is null)
        {
            if (server.Model is not null)
                problems.Add($"{section}.model is given without {section}.url: say where the server is, such as http://127.0.0.1:8000/v1.");
            return;
        }

        // What is wrong may be a password in it, so it is not repeated.
        if (!Uri.TryCreate(server.Url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            problems.Add($"{section}.url is no server's address, expected http or https, host and path, such as http://127.0.0.1:8000/v1, without password or query (a key is named by {section}.api_key_variable).");
        if (string.IsNullOrWhiteSpace(server.Model))
            problems.Add($"{section}.model is not set, expected the model's name on the server.");
        if (server.ApiKeyVariable is { } variable && !MayHoldKey(variable))
            problems.Add($"{section}.api_key_variable is no variable that may hold a key, expected the name of an environment variable that ends with API_KEY, such as OPENAI_API_KEY, not the key itself.");
    }

    [GeneratedRegex("^(?:[A-Z0-9_]+_)?API_KEY$")]
    private static partial Regex KeyVariable();
}
