using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class ModelPoolTests : IAsyncDisposable
{
    private static readonly SamplingParameters Greedy = new(0, 1, 0, 4);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pool");
    private readonly ModelPool _pool = new(slots: 4, models: 2);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Callers_of_one_model_share_one_engine()
    {
        var (folder, sha256) = Saved(1);

        await using var first = await _pool.AcquireAsync(folder, sha256, Cancelled);
        await using var second = await _pool.AcquireAsync(folder, sha256.ToUpperInvariant(), Cancelled);

        second.Engine.ShouldBeSameAs(first.Engine);
        first.Tokenizer.Bos.ShouldBe(256);
        first.Engine.MaxPositions.ShouldBe(64);
        (await first.Engine.GenerateAsync(new([256, 'a'], [1], Greedy), Cancelled)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_folder_of_another_hash_is_refused_until_the_right_one_is_there()
    {
        var (folder, _) = Saved(1);
        using var right = TinyModel.Kata(2);
        var wanted = CheckpointFolder.Save(Path.Combine(_root.FullName, "elsewhere"), right);

        (await Should.ThrowAsync<CheckpointException>(_pool.AcquireAsync(folder, wanted, Cancelled))).Message.ShouldContain($"expected {wanted}");

        CheckpointFolder.Save(folder, right);
        await using var lease = await _pool.AcquireAsync(folder, wanted, Cancelled);
        lease.Model.Config.VocabSize.ShouldBe(260);
    }

    [Fact]
    public async Task The_model_unused_longest_makes_room_and_one_in_use_never_does()
    {
        var saved = Enumerable.Range(1, 4).Select(seed => Saved((ulong)seed)).ToArray();
        var used = await Acquire(0);
        var second = await Acquire(1);
        var (firstEngine, secondEngine) = (used.Engine, second.Engine);
        await second.DisposeAsync();

        await (await Acquire(2)).DisposeAsync(); // three models: the second goes, the first is in use

        await Should.ThrowAsync<ObjectDisposedException>(secondEngine.GenerateAsync(new([256], [1], Greedy), Cancelled));
        (await firstEngine.GenerateAsync(new([256], [1], Greedy), Cancelled)).Count.ShouldBe(1);
        await using var again = await Acquire(0);
        again.Engine.ShouldBeSameAs(firstEngine);
        await used.DisposeAsync();
        await used.DisposeAsync(); // twice is once
        (await firstEngine.GenerateAsync(new([256], [1], Greedy), Cancelled)).Count.ShouldBe(1);

        Task<ModelLease> Acquire(int i) => _pool.AcquireAsync(saved[i].Folder, saved[i].Sha256, Cancelled);
    }

    [Fact]
    public async Task A_pool_that_is_gone_says_so()
    {
        var (folder, sha256) = Saved(1);
        await _pool.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(_pool.AcquireAsync(folder, sha256, Cancelled));
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        _root.Delete(recursive: true);
    }

    private (string Folder, string Sha256) Saved(ulong seed)
    {
        using var model = TinyModel.Kata(seed);
        var folder = Path.Combine(_root.FullName, $"m{seed}");
        return (folder, CheckpointFolder.Save(folder, model));
    }
}
