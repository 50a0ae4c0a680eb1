using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SelfRewarding.Control.Http;

/// <summary>How the API writes: names as in the read models' tables, names of things (<c>rewards/margins</c>) as they are.</summary>
internal static class ApiJson
{
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.Converters.Add(new SeedConverter());
    }

    // JavaScript's numbers end at 2^53, seeds at 2^64.
    private sealed class SeedConverter : JsonConverter<ulong>
    {
        public override ulong Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => ulong.Parse(reader.GetString()!, CultureInfo.InvariantCulture);

        public override void Write(Utf8JsonWriter writer, ulong value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
    }
}
