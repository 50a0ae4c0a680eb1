using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A real RabbitMQ that listens for TLS, with a certificate of an authority that nobody else knows, and real processes that connect to it, or refuse to.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private const string NotTrusted = "its certificate does not hold or does not lead to an authority that this machine trusts";

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-tls-").FullName;
    private PrivateBroker _node = null!;
    private PrivateCluster _cluster = null!;

    private string Authority => Path.Combine(_folder, "authority.pem");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        using var authority = new PrivateAuthority();
        await File.WriteAllTextAsync(Authority, authority.Certificate, Token);
        _node = await PrivateBroker.StartAsync(Path.Combine(_folder, "rabbitmq"), authority.Certify("localhost"), Token);
        _cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "postgres"), Token);
        await using var database = Npgsql.NpgsqlDataSource.Create(_cluster.ConnectionString);
        await EventStoreSchema.EnsureAsync(database, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            await _node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_worker_that_knows_the_authority_works_over_TLS_and_so_do_the_commands()
    {
        using var worker = Start("PairBuilder", "localhost", Authority);
        (await worker.SaysAsync("pair-builder is up")).ShouldBeTrue(worker.Output + worker.Errors);
        await using var queues = await BrokerQueues.OpenAsync(_node.Address, Token);
        while (await queues.FindAsync("pair-builder", Token) is not { Consumers: 1 })
            worker.HasExited.ShouldBeFalse(worker.Output + worker.Errors);

        using var ps = Start("Control", "localhost", Authority, "ps", "--data", _folder);
        (await ps.WaitAsync()).ShouldBe(0, ps.Output + ps.Errors);
        ps.Output.ShouldContain("broker: answers");
        ShouldHaveNoSecret(worker, ps);
    }

    [Fact]
    public async Task A_broker_of_an_authority_that_nobody_named_is_refused_with_a_sentence()
    {
        using var worker = Start("PairBuilder", "localhost", authority: null);
        (await worker.WaitAsync()).ShouldBe(2, worker.Output + worker.Errors);
        worker.Errors.Trim().ShouldBe($"The broker at localhost:{_node.TlsPort} (SELFREWARD_RABBITMQ) is not trusted: {NotTrusted} (PartialChain): name a file with the authority's certificate in SSL_CERT_FILE.");

        using var ps = Start("Control", "localhost", null, "ps", "--data", _folder);
        (await ps.WaitAsync()).ShouldBe(1, ps.Output + ps.Errors);
        ps.Output.ShouldContain(NotTrusted);
        ShouldHaveNoSecret(worker, ps);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_with_a_sentence()
    {
        using var worker = Start("PairBuilder", "127.0.0.1", Authority);
        (await worker.WaitAsync()).ShouldBe(2, worker.Output + worker.Errors);
        worker.Errors.Trim().ShouldBe($"The broker at 127.0.0.1:{_node.TlsPort} (SELFREWARD_RABBITMQ) is not trusted: its certificate is for 'localhost', not for '127.0.0.1': put a name into the address that it is for.");
        ShouldHaveNoSecret(worker);
    }

    [Fact]
    public async Task A_file_of_authorities_that_is_not_there_is_said_at_the_start()
    {
        using var worker = Start("PairBuilder", "localhost", Path.Combine(_folder, "missing.pem"));
        (await worker.WaitAsync()).ShouldBe(2, worker.Output + worker.Errors);
        worker.Errors.Trim().ShouldBe($"SSL_CERT_FILE is '{Path.Combine(_folder, "missing.pem")}', which is no file, expected one with the certificates of the authorities to trust.");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Password => new Uri(_node.Address).UserInfo.Split(':')[1];

    private SelfrewardProcess Start(string program, string host, string? authority, params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["SELFREWARD_POSTGRES"] = _cluster.ConnectionString,
            ["SELFREWARD_RABBITMQ"] = $"amqps://{new Uri(_node.Address).UserInfo}@{host}:{_node.TlsPort}/",
            ["SELFREWARD_DATA"] = _folder,
        };
        if (authority is not null)
            environment["SSL_CERT_FILE"] = authority;
        return SelfrewardProcess.StartProgram(program, environment, arguments);
    }

    private void ShouldHaveNoSecret(params SelfrewardProcess[] processes)
    {
        foreach (var process in processes)
            (process.Output + process.Errors).ShouldNotContain(Password);
    }
}
