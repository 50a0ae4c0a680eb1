using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>
/// The models in memory, by folder, hash and the type that they compute in, each with one engine that all callers share. A model is loaded once, at its first use. Those that nobody uses stay for the next
/// caller until there are more than <c>models</c> in memory; then the one unused longest goes. A model in use is never dropped.
/// </summary>
public sealed class ModelPool : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Key, Entry> _entries = [];
    private readonly GenerationEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly int _models;
    private readonly torch.Device? _device;
    private long _uses;
    private bool _disposed;

    /// <param name="slots">Samples that run at once, for each model.</param>
    /// <param name="models">Models to keep in memory.</param>
    /// <param name="maxPositions">Longest sequence that slots are made for; the model's own limit where that is shorter.</param>
    /// <param name="time">The clock; null takes the system's.</param>
    /// <param name="captureContent">Whether prompts and answers go into spans.</param>
    /// <param name="device">Where the models lie and compute; null is the CPU.</param>
    public ModelPool(int slots = 64, int models = 3, int maxPositions = 4096, TimeProvider? time = null, bool captureContent = false, torch.Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(models, 1);
        _options = new GenerationEngineOptions(slots, maxPositions, CaptureContent: captureContent);
        _models = models;
        _device = device;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The model of that folder, loaded if it is not; dispose the lease when done with it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="sha256">What the weights' hash must be.</param>
    /// <param name="compute">What it computes in and its weights are held in.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CheckpointException">The folder cannot be loaded, or its weights have another hash.</exception>
    public async Task<ModelLease> AcquireAsync(string folder, string sha256, torch.ScalarType compute, CancellationToken cancellationToken)
    {
        Entry entry;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var key = new Key(Path.GetFullPath(folder), sha256.ToLowerInvariant(), compute);
            if (!_entries.TryGetValue(key, out entry!)) _entries[key] = entry = new Entry(key, Task.Run(() => Load(key), CancellationToken.None));
            entry.Users++;
            entry.LastUse = ++_uses;
        }

        try
        {
            var hosted = await entry.Loading.WaitAsync(cancellationToken);
            await DropAsync(Superfluous());
            return new ModelLease(hosted.Model, hosted.Engine, () => ReleaseAsync(entry));
        }
        catch
        {
            await ReleaseAsync(entry);
            throw;
        }
    }

    /// <summary>The same in float32.</summary>
    /// <exception cref="CheckpointException">The folder cannot be loaded, or its weights have another hash.</exception>
    public Task<ModelLease> AcquireAsync(string folder, string sha256, CancellationToken cancellationToken) => AcquireAsync(folder, sha256, torch.ScalarType.Float32, cancellationToken);

    /// <summary>Frees a model for which there is no further use, so that its memory is there for other work; one that somebody uses stays.</summary>
    public async ValueTask FreeAsync(string folder, string sha256)
    {
        List<Entry> unused;
        lock (_lock)
        {
            var (path, hash) = (Path.GetFullPath(folder), sha256.ToLowerInvariant());
            unused = [.. _entries.Values.Where(entry => entry.Users == 0 && entry.Key.Folder == path && entry.Key.Sha256 == hash)];
            foreach (var entry in unused) _entries.Remove(entry.Key);
        }

        await DropAsync(unused);
    }

    /// <summary>Stops all engines and frees all models.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Entry> all;
        lock (_lock)
        {
            _disposed = true;
            all = [.. _entries.Values];
            _entries.Clear();
        }

        await DropAsync(all);
    }

    private Hosted Load(Key key)
    {
        var model = CheckpointFolder.Load(key.Folder, key.Sha256, device: _device, compute: key.Compute);
        return new Hosted(model, new GenerationEngine(model, _options, Path.GetFileName(key.Folder), _time));
    }

    private async ValueTask ReleaseAsync(Entry entry)
    {
        lock (_lock)
        {
            entry.Users--;
            // What could not be loaded is tried anew by the next caller.
            if (entry.Loading.IsFaulted && _entries.GetValueOrDefault(entry.Key) == entry) _entries.Remove(entry.Key);
        }

        await DropAsync(Superfluous());
    }

    private List<Entry> Superfluous()
    {
        lock (_lock)
        {
            var superfluous = _entries.Values.Where(entry => entry.Users == 0).OrderBy(entry => entry.LastUse).Take(Math.Max(0, _entries.Count - _models)).ToList();
            foreach (var entry in superfluous) _entries.Remove(entry.Key);
            return superfluous;
        }
    }

    private static async Task DropAsync(List<Entry> entries)
    {
        foreach (var entry in entries)
        {
            // What failed to load has told its callers so, and there is nothing to free.
            await ((Task)entry.Loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!entry.Loading.IsCompletedSuccessfully) continue;
            var hosted = await entry.Loading;
            await hosted.Engine.DisposeAsync();
            hosted.Model.Dispose();
        }
    }

    private sealed record Hosted(LoadedModel Model, GenerationEngine Engine);

    private sealed record Key(string Folder, string Sha256, torch.ScalarType Compute);

    private sealed class Entry(Key key, Task<Hosted> loading)
    {
        public Key Key => key;

        public Task<Hosted> Loading => loading;

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}

/// <summary>The use of a model of a <see cref="ModelPool"/>, until it is disposed.</summary>
public sealed class ModelLease : IAsyncDisposable
{
    private Func<ValueTask>? _release;

    internal ModelLease(LoadedModel loaded, GenerationEngine engine, Func<ValueTask> release)
    {
        Loaded = loaded;
        Engine = engine;
        _release = release;
    }

    /// <summary>The model with its tokenizer; not the lease's to dispose.</summary>
    public LoadedModel Loaded { get; }

    /// <summary>The engine, shared with all who use the model.</summary>
    public GenerationEngine Engine { get; }

    /// <summary>The tokenizer.</summary>
    public ITokenizer Tokenizer => Loaded.Tokenizer;

    /// <summary>How the model reads instructions.</summary>
    public ChatTemplate Chat => Loaded.Chat;

    /// <summary>The weights and their config; others generate with them at the same time, so never change them.</summary>
    public Llama Model => Loaded.Model;

    /// <summary>Ends the use; a second time does nothing.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _release, null)?.Invoke() ?? ValueTask.CompletedTask;
}
