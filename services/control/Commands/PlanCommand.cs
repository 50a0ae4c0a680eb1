using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Plan;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward plan</c>: what a run with the same options would take of tokens, memory, disk and time. Exit code 1 where it cannot be done.</summary>
public static class PlanCommand
{
    // RabbitMQ's own; whether a broker elsewhere has been given another is not known here.
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromMinutes(30);

    public static Option<double?> Memory { get; } = new("--memory") { HelpName = "GIB", Description = "For a machine with so much memory [default: this one]" };
    public static Option<bool> NoProbe { get; } = new("--no-probe") { Description = "Measure nothing, and say nothing of time" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var settings = RunOptions.Bind(options);
        var output = Console.Out;
        var (config, chat) = settings.Model.Path is { } folder ? CheckpointFolder.LoadTokenizer(folder, settings.Model.ChatTemplate) : BaseModel.FreshShape(settings);
        var run = PlannedRun.Of(settings, await Task.Run(() => SeedData.For(settings), cancellationToken), config, chat);
        var hasOwnBroker = DataFolder.FindUp(RunOptions.DataFolder(options)) is not null;
        var isOneProcess = LogServer.Shared is null && !hasOwnBroker;
        var tokens = TokenPlan.Of(run);
        var memory = options.GetValue(Memory) is { } given ? (long)(given * (1L << 30)) : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var free = FreeBytes(RunOptions.DataFolder(options));
        var disk = DiskNeed.Of(config, settings, PublishedBytes(settings, config), tokens);

        foreach (var line in PlanReport.Of(run, tokens, Fitting.Need(run, WorkerOptions.DefaultSlots, isOneProcess), memory, disk, free))
            await output.WriteLineAsync(line);
        if (!Kernels.SparesMemory)
            await output.WriteLineAsync("Mind: tcmalloc is not used here (Debian's libtcmalloc-minimal4), and without it training may take half as much memory again.");
        foreach (var warning in run.Warnings())
            await output.WriteLineAsync($"Mind: {warning}");

        List<string> problems = [.. run.Problems()];
        if (Fitting.Problem(run, memory, WorkerOptions.DefaultSlots, isOneProcess) is { } tooLarge) problems.Add(tooLarge);
        if (PlanReport.DiskProblem(disk, free) is { } tooMuch) problems.Add(tooMuch);
        foreach (var problem in problems)
            await output.WriteLineAsync(problem);
        if (problems.Count > 0)
            return 1;
        if (options.GetValue(NoProbe))
            return 0;
        var speed = await ProbeAsync(settings, run, cancellationToken);
        await output.WriteLineAsync(PlanReport.Time(speed, tokens));
        if (!isOneProcess && PlanReport.LongMessages(settings, tokens, speed, JudgedAtOnce, hasOwnBroker ? PrivateBroker.TakesBackAfter : UsualTimeout) is { } tooLong)
            await output.WriteLineAsync($"Mind: {tooLong}");
        return 0;
    }

    // As a worker would over a broker that is started with this environment.
    private static int JudgedAtOnce => new WorkerOptions
    {
        Data = "", Postgres = "", RabbitMq = "", Prefetch = int.TryParse(WorkerOptions.Given(WorkerOptions.PrefetchVariable), out var given) ? given : null,
    }.MessagesAtOnce(JudgeConsumerDefinition.SlotsEach);

    private static async Task<Speed> ProbeAsync(RunSettings settings, PlannedRun run, CancellationToken cancellationToken)
    {
        // With master weights where training needs them (beside adapters it does not); generation reads them a little slower than its own.
        using var model = settings.Model.Path is { } folder
            ? CheckpointFolder.Load(folder, chatTemplate: settings.Model.ChatTemplate, compute: ComputeType.Named(settings.Model.ComputeDtype), masterWeights: settings.Lora.Figures() is null)
            : BaseModel.Fresh(settings);
        return await SpeedProbe.MeasureAsync(model, settings, (int)run.Side, cancellationToken);
    }

    // As M0 is, so are those published that come from it.
    private static long PublishedBytes(RunSettings settings, LlamaConfig config) => settings.Model.Path is { } folder
        ? Directory.GetFiles(folder, "model*.safetensors").Sum(file => new FileInfo(file).Length)
        : MemoryNeed.Elements(config) * sizeof(float);

    // Of the nearest folder above that is there.
    private static long FreeBytes(string folder)
    {
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
            folder = parent;
        return new DriveInfo(folder).AvailableFreeSpace;
    }
}
