using System.Net;
using System.Net.Sockets;
using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A real PostgreSQL that takes connections over TLS alone, with a certificate of an authority that nobody else knows, and real processes that connect to it, or refuse to.</summary>
public sealed class PostgresTlsTests : IAsyncLifetime
{
    private const string NotTrusted = "The log's database (SELFREWARD_POSTGRES) cannot be used: its certificate is not trusted (";
    private const string Rules =
        "): it has to be valid today, to be for the Host that the connection string names, and to lead to an authority that this machine trusts or that Root Certificate names.";

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-postgres-tls-").FullName;
    private readonly PrivateAuthority _authority = new();
    private ServerAccount _account = null!;
    private PostgresBinaries _binaries = null!;
    private NpgsqlConnectionStringBuilder _address = null!;

    private string Authority => Path.Combine(_folder, "authority.pem");

    private string Cluster => Path.Combine(_folder, "postgres");

    private string DataDirectory => Path.Combine(Cluster, "pgdata");

    public async ValueTask InitializeAsync()
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        await using (var cluster = await PrivateCluster.StartAsync(Cluster, Token))
        {
            await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
            await EventStoreSchema.EnsureAsync(database, Token);
            _address = new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { Host = "localhost", Port = FreePort() };
        }

        // A private cluster listens on a socket only, where PostgreSQL knows no TLS: from here on it is started by hand.
        await File.WriteAllTextAsync(Authority, _authority.Certificate, Token);
        _account = await ServerAccount.ForFolderAsync("PostgreSQL", "postgres", Cluster, Token);
        _binaries = PostgresBinaries.Find((await File.ReadAllTextAsync(Path.Combine(DataDirectory, "PG_VERSION"), Token)).Trim());
        await GiveAsync("pg_hba.conf", "hostssl all all all trust\n");
        await StartServerAsync(_authority.Certify("localhost"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_binaries is not null)
            await StopServerAsync();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_command_that_knows_the_authority_reads_the_log_over_TLS()
    {
        using var runs = Start("Control", "localhost", Authority, "runs", "--data", _folder);
        (await runs.WaitAsync()).ShouldBe(0, runs.Output + runs.Errors);

        // Nothing else is let in.
        await using var plain = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_address.ConnectionString) { SslMode = SslMode.Disable });
        (await Should.ThrowAsync<PostgresException>(async () => await plain.OpenConnectionAsync(Token))).SqlState.ShouldBe(PostgresErrorCodes.InvalidAuthorizationSpecification);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("localhost", false)]
    public async Task A_certificate_for_another_name_or_of_an_authority_that_nobody_named_is_refused_with_a_sentence(string host, bool isAuthorityNamed) =>
        await IsRefusedAsync(host, isAuthorityNamed ? Authority : null);

    [Fact]
    public async Task A_certificate_that_is_no_longer_valid_is_refused_with_the_same_sentence()
    {
        await StopServerAsync();
        await StartServerAsync(_authority.Certify("localhost", until: DateTimeOffset.UtcNow.AddMinutes(-1)));

        await IsRefusedAsync("localhost", Authority);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private SelfrewardProcess Start(string program, string host, string? authority, params string[] arguments) => SelfrewardProcess.StartProgram(
        program,
        new Dictionary<string, string>
        {
            ["SELFREWARD_POSTGRES"] = new NpgsqlConnectionStringBuilder(_address.ConnectionString) { Host = host, SslMode = SslMode.VerifyFull, RootCertificate = authority }.ConnectionString,
            ["SELFREWARD_RABBITMQ"] = "amqp://nobody:nothing@localhost:1/", // what comes first is the database
            ["SELFREWARD_DATA"] = _folder,
        },
        arguments);

    private async Task StartServerAsync(BrokerTls tls)
    {
        await GiveAsync("server.crt", tls.Certificate);
        await GiveAsync("server.key", tls.Key);
        var start = await _account.RunAsync(
            [_binaries.PgCtl, "start", "-D", DataDirectory, "-l", Path.Combine(Cluster, "tls.log"), "-w", "-o", $"-c ssl=on -c listen_addresses=127.0.0.1 -c port={_address.Port} -c unix_socket_directories="], Token);
        start.ExitCode.ShouldBe(0, start.Output);
    }

    private Task<CommandResult> StopServerAsync() => _account.RunAsync([_binaries.PgCtl, "stop", "-D", DataDirectory, "-m", "immediate", "-w"], CancellationToken.None);

    private async Task IsRefusedAsync(string host, string? authority)
    {
        using var worker = Start("PairBuilder", host, authority);
        (await worker.WaitAsync()).ShouldBe(2, worker.Output + worker.Errors);
        IsSaid(worker.Errors.Trim());

        using var runs = Start("Control", host, authority, "runs", "--data", _folder);
        (await runs.WaitAsync()).ShouldNotBe(0);
        IsSaid(runs.Errors.Trim());

        // Between the two is what .NET says, which is its own business.
        static void IsSaid(string sentence)
        {
            sentence.ShouldStartWith(NotTrusted);
            sentence.ShouldEndWith(Rules);
        }
    }

    // PostgreSQL takes no key that others may read.
    private async Task GiveAsync(string name, string content)
    {
        var file = Path.Combine(DataDirectory, name);
        await File.WriteAllTextAsync(file, content, Token);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await _account.GiveAsync(file, Token);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
