using System.Globalization;
using Npgsql;
using SelfRewarding.Control.Http;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Settings;

/// <summary>The environment that says where processes find what they need. It never changes what a run computes; passwords in it are not shown.</summary>
public static class WorkerVariables
{
    private static readonly IReadOnlyList<(string Name, string Otherwise, string Meaning)> Known =
    [
        (WorkerOptions.DataVariable, "./data", "the data folder, unless --data names another"),
        (WorkerOptions.PostgresVariable, "a private server in the data folder", "the log's database"),
        (WorkerOptions.RabbitMqVariable, "none: all in one process", "the broker"),
        (WorkerOptions.SlotsVariable, WorkerOptions.DefaultSlots.ToString(CultureInfo.InvariantCulture), "sequences that a worker generates at once"),
        (WorkerOptions.PrefetchVariable, "what fills the slots", "messages that a worker takes at once"),
        (WorkerOptions.DeviceVariable, "cpu", "where models compute: cpu, cuda or cuda:1"),
        (WorkerOptions.HealthFileVariable, "none", "a file that a worker touches while it is well"),
        (ServeOptions.TokenVariable, "none", "what 'serve' asks for"),
        (TelemetryOptions.EndpointVariable, "none", "where traces, metrics and logs go"),
    ];

    /// <summary>A line for each: name, value, where it is from, meaning.</summary>
    public static IReadOnlyList<string> InForce()
    {
        var rows = Known.Select(variable => (variable.Name, Given: Environment.GetEnvironmentVariable(variable.Name), variable.Otherwise, variable.Meaning))
            .Select(variable => (variable.Name, Value: variable.Given is null ? variable.Otherwise : Shown(variable.Name, variable.Given), From: variable.Given is null ? "default" : "environment", variable.Meaning)).ToList();
        var (names, values) = (rows.Max(row => row.Name.Length), rows.Max(row => row.Value.Length));
        return [.. rows.Select(row => $"{row.Name.PadRight(names)}  {row.Value.PadRight(values)}  {row.From.PadRight("environment".Length)}  {row.Meaning}")];
    }

    private static string Shown(string name, string value) => name switch
    {
        WorkerOptions.PostgresVariable => WithoutPassword(value),
        WorkerOptions.RabbitMqVariable => Uri.TryCreate(value, UriKind.Absolute, out var uri) ? $"{uri.Scheme}://{uri.Host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}{uri.AbsolutePath}" : "(no address)",
        ServeOptions.TokenVariable => "(set)",
        _ => value,
    };

    private static string WithoutPassword(string connection)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connection);
            return $"Host={builder.Host};Port={builder.Port};Username={builder.Username};Database={builder.Database}";
        }
        catch (ArgumentException)
        {
            return "(no connection string)";
        }
    }
}
