namespace SelfRewarding.Model;

/// <summary>One tensor of a safetensors header.</summary>
/// <param name="Type">The format's name of the number type, such as F32.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">The byte after the last.</param>
public sealed record SafeTensorEntry(string Type, IReadOnlyList<long> Shape, long Begin, long End)
{
    private const int MostDimensions = 64; // libtorch's limit

    /// <summary>Bytes of one number; a type that is not listed is refused by name.</summary>
    private static readonly Dictionary<string, int> Widths = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["F32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1,
        ["I64"] = 8, ["I32"] = 4, ["I16"] = 2, ["I8"] = 1, ["U64"] = 8, ["U32"] = 4, ["U16"] = 2, ["U8"] = 1, ["BOOL"] = 1,
    };

    /// <summary>Bytes of one number of a type that the format knows.</summary>
    internal static int WidthOf(string type) => Widths[type];

    /// <summary>Throws unless the type is known, and the shape fits the place, and the place the file.</summary>
    internal void Check(string path, string name, long dataLength)
    {
        if (!Widths.TryGetValue(Type, out var width)) throw new CheckpointException($"'{path}': tensor '{name}' has the unknown type '{Type}'.");
        if (Begin < 0 || End < Begin || End > dataLength)
            throw new CheckpointException($"'{path}': tensor '{name}' lies at bytes {Begin} to {End}, outside the {dataLength} bytes of data: the file is cut short.");

        // In 128 bits, so that a malicious shape cannot wrap around to the right length; and without the zeros among its sizes, which would hide the others.
        Int128 bytes = width, extent = width;
        foreach (var size in Shape)
        {
            if (size < 0 || extent > long.MaxValue || Shape.Count > MostDimensions) throw Impossible(path, name);
            bytes *= size;
            extent *= Math.Max(1, size);
        }

        if (bytes != End - Begin)
            throw new CheckpointException($"'{path}': tensor '{name}' of type {Type} and shape [{string.Join(", ", Shape)}] needs {bytes} bytes, its place has {End - Begin}.");
        if (extent > long.MaxValue) throw Impossible(path, name);
    }

    private CheckpointException Impossible(string path, string name) =>
        new($"'{path}': tensor '{name}' has the impossible shape [{string.Join(", ", Shape.Take(MostDimensions))}{(Shape.Count > MostDimensions ? ", ..." : "")}].");
}
