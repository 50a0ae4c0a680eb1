using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>Reading the lists and objects of a <c>tokenizer.json</c>, with errors that name the place.</summary>
internal static class TokenizerParts
{
    /// <summary>The objects of a list; none where it is absent or null.</summary>
    public static IReadOnlyList<JsonFile> Objects(this JsonFile json, string field)
    {
        if (json.Find(field) is not { } list) return [];
        if (list.ValueKind != JsonValueKind.Array) throw json.Wrong(field, "a list", list);
        return [.. list.EnumerateArray().Select((element, index) => element.ValueKind == JsonValueKind.Object
            ? new JsonFile($"{json.File}: {field}[{index}]", element)
            : throw json.Wrong(field, "a list of objects", list))];
    }

    /// <summary>A normalizer, pre-tokenizer, post-processor or decoder as its steps: those of a Sequence, or itself, or none where it is absent.</summary>
    /// <param name="steps">The name of the list in a Sequence.</param>
    public static IReadOnlyList<JsonFile> Steps(this JsonFile json, string field, string steps) =>
        json.Object(field) is not { } part ? [] : part.Text("type") == "Sequence" ? part.Objects(steps) : [part];

    /// <summary>Whether the object holds just this JSON, however it is spaced and whatever the order of its fields.</summary>
    public static bool Is(this JsonFile json, string expected)
    {
        using var document = JsonDocument.Parse(expected);
        return JsonElement.DeepEquals(json.Root, document.RootElement);
    }
}
