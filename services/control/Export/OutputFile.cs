using System.IO.Compression;
using System.Text;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Export;

/// <summary>A file that a person asked for: there whole or not at all, gzipped where its name ends in <c>.gz</c>.</summary>
public static class OutputFile
{
    /// <summary>Writes the file.</summary>
    /// <exception cref="CheckpointException">It cannot be written; one that was there before is untouched.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        await AtomicFile.WriteAsync(path, async stream =>
        {
            if (!Jsonl.IsGzipped(path))
            {
                await write(stream);
                return;
            }

            await using var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
            await write(gzip);
        });
    }

    /// <summary>Writes JSON Lines.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="CheckpointException">As <see cref="WriteAsync"/>.</exception>
    public static async Task<long> WriteLinesAsync(string path, IAsyncEnumerable<CanonicalJson> lines, CancellationToken cancellationToken)
    {
        var count = 0L;
        await WriteAsync(path, async stream =>
        {
            await foreach (var line in lines.WithCancellation(cancellationToken))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"{line}\n"), cancellationToken);
                count++;
            }
        });
        return count;
    }
}
