using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class PrivateClusterTests(Postgres postgres) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("private-cluster-tests-").FullName;

    private string Home => Path.Combine(_folder, "cluster");

    public async ValueTask InitializeAsync()
    {
        postgres.SkipIfMissing();
        Postgres.OpenToAll(_folder);
        await postgres.CopyUnusedClusterAsync(Home);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_restart_keeps_all_events_and_goes_on()
    {
        await using (var cluster = await PrivateCluster.StartAsync(Home))
        {
            cluster.IsOwner.ShouldBeTrue();
            await AppendAsync(cluster, 0, 100);
        }

        Directory.Exists($"{Home}/pgdata").ShouldBeTrue();
        File.Exists($"{Home}/pgdata/postmaster.pid").ShouldBeFalse();
        await using var again = await PrivateCluster.StartAsync(Home);
        await AppendAsync(again, 100, 10);
        await using var dataSource = NpgsqlDataSource.Create(again.ConnectionString);
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        (await store.ReadStreamAsync("a")).Select(e => e.Version).ShouldBe(Enumerable.Range(1, 110).Select(v => (long)v));
    }

    [Fact]
    public async Task Killing_the_server_loses_no_acknowledged_event_and_it_is_started_again()
    {
        var first = await PrivateCluster.StartAsync(Home);
        await using (var warmUp = NpgsqlDataSource.Create(first.ConnectionString))
            await EventStoreSchema.EnsureAsync(warmUp);
        var acknowledged = new int[4];
        await using var broken = NpgsqlDataSource.Create(first.ConnectionString);
        await using var writer = new NpgsqlEventStore(broken, TimeProvider.System);
        var enough = new TaskCompletionSource();
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    await writer.AppendAsync($"w{w}", acknowledged[w], [Events.Numbered(acknowledged[w])]);
                    if (++acknowledged[w] == 25)
                        enough.TrySetResult();
                }
            }
            catch (NpgsqlException)
            {
                // The server was killed.
            }
        })).ToList();
        await enough.Task.WaitAsync(TimeSpan.FromMinutes(1));

        var postmaster = int.Parse(File.ReadLines($"{Home}/pgdata/postmaster.pid").First(), CultureInfo.InvariantCulture);
        Process.GetProcessById(postmaster).Kill();
        await Task.WhenAll(writers).WaitAsync(TimeSpan.FromMinutes(1));
        await first.DisposeAsync();

        await using var second = await PrivateCluster.StartAsync(Home);
        await using var dataSource = NpgsqlDataSource.Create(second.ConnectionString);
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        for (var w = 0; w < 4; w++)
        {
            var kept = await store.ReadStreamAsync($"w{w}");
            // One more may have been committed without its writer hearing of it.
            kept.Count.ShouldBeInRange(acknowledged[w], acknowledged[w] + 1);
            kept.Select(e => e.Version).ShouldBe(Enumerable.Range(1, kept.Count).Select(v => (long)v));
        }
    }

    [Fact]
    public async Task A_second_user_joins_the_running_cluster_and_leaves_it_running()
    {
        await using var owner = await PrivateCluster.StartAsync(Home);
        await using (var guest = await PrivateCluster.StartAsync(Home))
        {
            guest.IsOwner.ShouldBeFalse();
            guest.ConnectionString.ShouldBe(owner.ConnectionString);
        }

        await AppendAsync(owner, 0, 1);
    }

    [Fact]
    public async Task A_process_id_that_now_belongs_to_another_program_does_not_prevent_the_start()
    {
        // As a crash of the machine leaves it; the tests' own process has the number by now.
        File.WriteAllText($"{Home}/pgdata/postmaster.pid", $"{Environment.ProcessId}\n{Home}/pgdata\n1700000000\n5432\n{Home}/socket\n\n  1234567 89\nready   \n");

        await using var cluster = await PrivateCluster.StartAsync(Home);
        await AppendAsync(cluster, 0, 1);
    }

    [Fact]
    public async Task A_long_or_strange_path_is_no_obstacle()
    {
        var strange = Path.Combine(_folder, "a, b's c", new string('x', 120));
        Directory.CreateDirectory(Path.GetDirectoryName(strange)!);
        Directory.Move(Home, strange);
        await using var cluster = await PrivateCluster.StartAsync(strange);
        await AppendAsync(cluster, 0, 1);
    }

    [Fact]
    public async Task An_interrupted_initdb_is_made_again()
    {
        Directory.Delete($"{Home}/pgdata", recursive: true);
        Directory.CreateDirectory($"{Home}/pgdata.new/base");
        File.WriteAllText($"{Home}/pgdata.new/PG_VERSION", "15\n");
        await using var cluster = await PrivateCluster.StartAsync(Home);
        await AppendAsync(cluster, 0, 1);
    }

    [Fact]
    public async Task A_server_that_cannot_start_says_why_in_one_sentence()
    {
        File.WriteAllText($"{Home}/pgdata/postgresql.auto.conf", "shared_buffers = 'a lot'\n");

        var refusal = await Should.ThrowAsync<PrivateClusterException>(() => PrivateCluster.StartAsync(Home));

        refusal.Message.ShouldContain(Home);
        refusal.Message.ShouldContain("configuration file");
        refusal.Message.ShouldNotContain("\n");
    }

    [Fact]
    public async Task A_folder_that_is_a_file_is_refused()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var refusal = await Should.ThrowAsync<PrivateClusterException>(() => PrivateCluster.StartAsync(file));
        refusal.Message.ShouldContain(file);
    }

    [Fact]
    public async Task The_server_is_durable_and_listens_on_its_socket_alone()
    {
        await using var cluster = await PrivateCluster.StartAsync(Home);
        await using var dataSource = NpgsqlDataSource.Create(cluster.ConnectionString);
        await using var settings = dataSource.CreateCommand("""
            select string_agg(name || '=' || setting, ' ' order by name) from pg_settings
            where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'listen_addresses', 'server_encoding', 'lc_collate', 'unix_socket_permissions')
            """);
        (await settings.ExecuteScalarAsync()).ShouldBe(
            "data_checksums=on fsync=on full_page_writes=on lc_collate=C listen_addresses= server_encoding=UTF8 synchronous_commit=on unix_socket_permissions=0700");
    }

    private static async Task AppendAsync(PrivateCluster cluster, int from, int count)
    {
        await using var dataSource = NpgsqlDataSource.Create(cluster.ConnectionString);
        await EventStoreSchema.EnsureAsync(dataSource);
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        for (var i = from; i < from + count; i++)
            await store.AppendAsync("a", i, [Events.Numbered(i)]);
    }
}
