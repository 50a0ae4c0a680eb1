using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace SelfRewarding.Hosting;

/// <summary>Where a worker finds what it needs. These never change what a run computes; that is in the run's own settings.</summary>
public sealed partial record WorkerOptions
{
    /// <summary>The environment variable that names the data folder.</summary>
    public const string DataVariable = "SELFREWARD_DATA";

    /// <summary>The environment variable that names the log's database.</summary>
    public const string PostgresVariable = "SELFREWARD_POSTGRES";

    /// <summary>The environment variable that names the broker.</summary>
    public const string RabbitMqVariable = "SELFREWARD_RABBITMQ";

    /// <summary>The environment variable that sets <see cref="Slots"/>.</summary>
    public const string SlotsVariable = "SELFREWARD_SLOTS";

    /// <summary>The environment variable that sets <see cref="Prefetch"/>.</summary>
    public const string PrefetchVariable = "SELFREWARD_PREFETCH";

    /// <summary>The environment variable that names <see cref="HealthFile"/>.</summary>
    public const string HealthFileVariable = "SELFREWARD_HEALTH_FILE";

    /// <summary><see cref="Slots"/> where nobody said.</summary>
    public const int DefaultSlots = 64;

    /// <summary>The folder that models and checkpoints lie in; paths in messages are relative to it.</summary>
    public required string Data { get; init; }

    /// <summary>The environment variable that names the device that models compute on.</summary>
    public const string DeviceVariable = "SELFREWARD_DEVICE";

    /// <summary>Npgsql connection string of the log's database.</summary>
    public required string Postgres { get; init; }

    /// <summary><c>amqp://user:password@host:5672/</c>, or <c>amqps</c> for TLS; null is MassTransit's in-memory transport.</summary>
    public string? RabbitMq { get; init; }

    /// <summary>The one run that this host carries, so that it leaves other runs of the same log alone; null carries all.</summary>
    public string? OnlyRun { get; init; }

    /// <summary>Sequences that are generated at once.</summary>
    public int Slots { get; init; } = DefaultSlots;

    /// <summary>
    /// Where models compute: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. Only on the CPU is the same thing computed to the same bits, on every machine.
    /// </summary>
    public string Device { get; init; } = "cpu";

    /// <summary>A file that is touched every few seconds while the worker is well; null touches none.</summary>
    public string? HealthFile { get; init; }

    /// <summary>Messages that a worker takes from its queue at once; null is what fills the slots.</summary>
    public int? Prefetch { get; init; }

    /// <summary>This process among all that do the same work: the end of the names of the queues that it alone reads.</summary>
    public string Instance { get; } = Guid.NewGuid().ToString("N")[..12];

    /// <summary>Where traces, metrics and logs go; by default nowhere, which costs nothing.</summary>
    public TelemetryOptions Telemetry { get; init; } = TelemetryOptions.Off;

    /// <summary>What a variable of the environment says; null where it is not set, or blank as compose files leave what nobody gave.</summary>
    public static string? Given(string variable) => UnlessBlank(Environment.GetEnvironmentVariable(variable));

    /// <summary>The same of variables that are read together, with what goes before the environment.</summary>
    public static string? Given(IConfiguration configuration, string variable) => UnlessBlank(configuration[variable]);

    private static string? UnlessBlank(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    /// <summary>
    /// Reads <c>SELFREWARD_DATA</c>, <c>SELFREWARD_POSTGRES</c>, <c>SELFREWARD_RABBITMQ</c>, <c>SELFREWARD_SLOTS</c>, <c>SELFREWARD_PREFETCH</c>,
    /// <c>SELFREWARD_DEVICE</c>, <c>SELFREWARD_HEALTH_FILE</c> and <see cref="TelemetryOptions"/>
    /// (or command-line arguments such as <c>--SELFREWARD_DATA=…</c>), and says everything that is wrong at once.
    /// </summary>
    /// <exception cref="WorkerOptionsException">Something is missing or impossible.</exception>
    public static WorkerOptions From(IConfiguration configuration)
    {
        var problems = new List<string>();
        var data = Given(configuration, DataVariable) ?? "data";
        var postgres = Given(configuration, PostgresVariable);
        if (postgres is null)
            problems.Add("SELFREWARD_POSTGRES is not set, expected the connection string of the log's database, such as Host=localhost;Username=selfreward;Database=selfreward.");
        var rabbit = Given(configuration, RabbitMqVariable);
        if (rabbit is null)
            problems.Add("SELFREWARD_RABBITMQ is not set, expected the broker's address, such as amqp://user:password@localhost:5672/ (one process with everything in it: selfreward run).");
        else if (BrokerAddress.Problem(rabbit) is { } problem)
            problems.Add(problem);
        if (configuration["SSL_CERT_FILE"] is { Length: > 0 } authorities && !File.Exists(authorities))
            problems.Add($"SSL_CERT_FILE is '{authorities}', which is no file, expected one with the certificates of the authorities to trust.");
        var slots = Number(SlotsVariable);
        var prefetch = Number(PrefetchVariable);
        var device = DeviceOf(configuration, problems);
        var telemetry = TelemetryOptions.From(configuration, problems);
        if (problems.Count > 0)
            throw new WorkerOptionsException(string.Join(Environment.NewLine, problems));
        return new WorkerOptions
        {
            Data = Path.GetFullPath(data),
            Postgres = postgres!,
            RabbitMq = rabbit,
            Slots = slots ?? DefaultSlots,
            Prefetch = prefetch,
            Device = device,
            HealthFile = Given(configuration, HealthFileVariable),
            Telemetry = telemetry,
        };

        int? Number(string name)
        {
            if (Given(configuration, name) is not { } text)
                return null;
            if (int.TryParse(text, out var number) && number is >= 1 and <= 4096)
                return number;
            problems.Add($"{name} is '{text}', expected 1 to 4096.");
            return null;
        }
    }

    /// <summary>Reads <c>SELFREWARD_DEVICE</c> alone: for a host that needs nothing else of the environment.</summary>
    /// <exception cref="WorkerOptionsException">It names no device.</exception>
    public static string DeviceOf(IConfiguration configuration)
    {
        var problems = new List<string>();
        var device = DeviceOf(configuration, problems);
        return problems.Count == 0 ? device : throw new WorkerOptionsException(problems[0]);
    }

    private static string DeviceOf(IConfiguration configuration, List<string> problems)
    {
        var device = Given(configuration, DeviceVariable) ?? "cpu";
        if (!DeviceName().IsMatch(device))
            problems.Add($"{DeviceVariable} is '{device}', expected cpu, cuda, or cuda:1 for the second GPU.");
        return device;
    }

    [GeneratedRegex(@"^(cpu|cuda(:(\d|[1-9]\d))?)\z")]
    private static partial Regex DeviceName();

    /// <summary>
    /// How many messages a worker takes at once where each fills so many slots. Over a broker no more than fill them all: what is taken and waits here could be computed
    /// by another worker, one that joins later included. In one process there is no other, and with twice as many no slot stands empty between two messages.
    /// </summary>
    public int MessagesAtOnce(int slotsEach) => Prefetch ?? Math.Max(1, Slots * (RabbitMq is null ? 2 : 1) / slotsEach);

    /// <summary>The place of a path that a message names.</summary>
    /// <exception cref="InvalidDataException">The path leads out of the data folder.</exception>
    public string Locate(string relativePath) => Locate(Data, relativePath);

    /// <summary>The place below a data folder of a path that an event or a message names.</summary>
    /// <exception cref="InvalidDataException">The path leads out of the data folder.</exception>
    public static string Locate(string data, string relativePath)
    {
        var full = Path.GetFullPath(relativePath, Path.GetFullPath(data));
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(data)) + Path.DirectorySeparatorChar;
        return full.StartsWith(root, StringComparison.Ordinal)
            ? full
            : throw new InvalidDataException($"Path '{relativePath}' leads out of the data folder '{data}': refused.");
    }
}

/// <summary>A worker cannot start with what it was told. One line a problem.</summary>
public sealed class WorkerOptionsException(string message) : Exception(message);
