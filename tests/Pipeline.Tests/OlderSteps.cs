using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using NpgsqlTypes;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// A shape that training steps might have had before: the metrics as a list of numbers. A log that has it must read, fold and verify as one
/// of today does.
/// </summary>
internal static class OlderSteps
{
    private const string Older = "training_stepped";

    private static readonly IReadOnlyList<string> s_metrics = [.. typeof(PreferenceMetrics).GetProperties().Select(property => property.Name)];

    /// <summary>Today's facts, but for the step, whose newest shape is its second.</summary>
    public static FactVersions Versions { get; } = new(
        new Dictionary<Type, string>(FactNames.ByType) { [typeof(TrainingStepped)] = "training_stepped_v2" },
        [
            new Upcast(Older, "training_stepped_v2", json =>
            {
                var numbers = json["Metrics"] as JsonArray;
                json["Preference"] = numbers is null ? null : new JsonObject(s_metrics.Zip(numbers, (name, number) => KeyValuePair.Create(name, number?.DeepClone())));
                json.Remove("Metrics");
                return json;
            }),
        ]);

    /// <summary>Rewrites every step of a log into the older shape, each with the hash of what it says now.</summary>
    /// <returns>The stream of each of them.</returns>
    public static async Task<IReadOnlyList<string>> RewriteAsync(NpgsqlDataSource database)
    {
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        var rewritten = new List<string>();
        await foreach (var stored in store.ReadAllAsync(0))
        {
            if (stored.Type != Older)
                continue;
            var json = JsonNode.Parse(stored.Data.Span)!.AsObject();
            json["Metrics"] = json["Preference"] is JsonObject metrics ? new JsonArray([.. s_metrics.Select(name => metrics[name]!.DeepClone())]) : null;
            json.Remove("Preference");
            var text = json.ToJsonString();
            await using var command = database.CreateCommand("update mt_events set data = $1, headers = jsonb_set(headers, array[$2], to_jsonb($3)) where seq_id = $4");
            command.Parameters.Add(new NpgsqlParameter { Value = text, NpgsqlDbType = NpgsqlDbType.Jsonb });
            command.Parameters.Add(new NpgsqlParameter { Value = ContentHash.Header });
            command.Parameters.Add(new NpgsqlParameter { Value = ContentHash.Of(Older, Encoding.UTF8.GetBytes(text)) });
            command.Parameters.Add(new NpgsqlParameter { Value = stored.Position });
            await command.ExecuteNonQueryAsync();
            rewritten.Add(stored.Stream);
        }

        return rewritten;
    }
}
