using System.IO.Compression;
using System.Text;

namespace SelfRewarding.Datasets.Tests;

/// <summary>Files for one test, gone after it.</summary>
public sealed class DataFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("datasets-").FullName;

    public string Path => _path;

    public string Write(string name, params string[] lines) => Write(name, Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));

    public string Write(string name, byte[] bytes)
    {
        var path = System.IO.Path.Combine(_path, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string WriteGzipped(string name, string text)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return Write(name, bytes.ToArray());
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
