using System.CommandLine;
using SelfRewarding.Control.Commands;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control;

/// <summary>The <c>selfreward</c> command: what it understands, and how it says that something is wrong.</summary>
public static class CommandLine
{
    /// <summary>Exit code where the user can put something right before starting.</summary>
    public const int WrongInput = 2;

    /// <summary>Exit code of a run that was interrupted and can go on.</summary>
    public const int Interrupted = 130;

    // Workers and servers end one after the other; the parser would leave after two seconds.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromMinutes(3);

    /// <summary>Runs one command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await Console.Error.WriteLineAsync($"{error.Message} ('selfreward --help' lists what there is.)");
            return WrongInput;
        }

        try
        {
            // Exceptions come here, where each becomes a sentence.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeToStop });
        }
        catch (SettingsException e)
        {
            foreach (var problem in e.Problems)
                await Console.Error.WriteLineAsync(problem);
            return WrongInput;
        }
        catch (Exception e) when (e is UserException or DataFileException or SchemaException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return WrongInput;
        }
        catch (Exception e) when (e is CheckpointException or PrivateServerException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        catch (WorkerOptionsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return WrongInput;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            await Console.Error.WriteLineAsync($"{e.Message} (selfreward.log in the data folder has the details; what was done is in the log, and the same command goes on from there.)");
            return 1;
        }
    }

    private static RootCommand Root()
    {
        var run = new Command("run", "Train M1, M2, M3 … and show what each gained; the same command goes on where it was stopped");
        RunOptions.AddTo(run);
        run.SetAction(RunCommand.InvokeAsync);

        var fork = new Command("fork", "Branch off from a run and go on with other settings; what came before is shared, not copied") { ForkCommand.Parent, ForkCommand.At, ForkCommand.From, ForkCommand.DryRun };
        RunOptions.AddForkTo(fork);
        fork.SetAction(ForkCommand.InvokeAsync);

        var resume = new Command("resume", "Go on with a run or fork, as it was started") { ResumeCommand.Run, RunOptions.Data, RunOptions.Plain };
        resume.SetAction(ResumeCommand.InvokeAsync);

        var show = new Command("show", "Show a run again, from the log alone");
        show.Options.Add(RunOptions.Data);
        show.Arguments.Add(ShowCommand.Run);
        show.SetAction(ShowCommand.InvokeAsync);

        var lineage = new Command("lineage", "Where a prompt, answer, judgement, pair, training step, model or example of the seed came from, and what it led to") { LineageCommand.Id, LineageCommand.AsJson, LineageCommand.Measure, RunOptions.Data };
        lineage.SetAction(LineageCommand.InvokeAsync);

        var verify = new Command("verify", "Recompute every decision of a run from what is recorded, and compare") { VerifyCommand.Run, VerifyCommand.Regenerate, RunOptions.Data };
        verify.SetAction(VerifyCommand.InvokeAsync);

        var runs = new Command("runs", "List the runs in the log");
        runs.Options.Add(RunOptions.Data);
        runs.SetAction(RunsCommand.InvokeAsync);

        var replay = new Command("replay", "Drop the read models and make them anew from the log; says whether they are what they were") { ReplayCommand.Run, RunOptions.Data };
        replay.SetAction(ReplayCommand.InvokeAsync);

        var export = new Command("export", "Write a run's pairs, seed data or events to files") { ExportCommand.Run, ExportCommand.Pairs, ExportCommand.Sft, ExportCommand.Eft, ExportCommand.Events, RunOptions.Data };
        export.SetAction(ExportCommand.InvokeAsync);

        var import = new Command("import", "Bring the events of another log's run into this one, all or none") { ImportCommand.File, RunOptions.Data };
        import.SetAction(ImportCommand.InvokeAsync);

        var check = new Command("check", "Check the log's database: tables, rules of the streams, every event's hash; and say how large it is and what to back up") { RunOptions.Data };
        check.SetAction(DbCheckCommand.InvokeAsync);
        var db = new Command("db", "Care of the log's database") { check };

        var checkData = new Command("check", "Say what is wrong with a data file, line by line") { DataCheckCommand.File, DataCheckCommand.Kind };
        checkData.SetAction(DataCheckCommand.InvokeAsync);
        var oasst = new Command("oasst", "Make demonstrations, ranked and held-out answers of Open Assistant's message trees")
            { DataOasstCommand.File, DataOasstCommand.Out, DataOasstCommand.Language, DataOasstCommand.Ranked, DataOasstCommand.HeldOut };
        oasst.SetAction(DataOasstCommand.InvokeAsync);
        var data = new Command("data", "Seed data: check it, or make it") { checkData, oasst };

        var init = new Command("init", "Write a settings file that has every setting with its meaning, as a comment") { InitCommand.File, InitCommand.Preset };
        init.SetAction(InitCommand.InvokeAsync);
        var config = new Command("config", "Show every setting in force and where it comes from, with the options of 'run' or for a run that was started") { ConfigCommand.Recorded };
        RunOptions.AddTo(config);
        config.SetAction(ConfigCommand.InvokeAsync);

        var plan = new Command("plan", "Say what a run with the same options would take of tokens, memory, disk and time, or that it cannot be done") { PlanCommand.Memory, PlanCommand.NoProbe };
        RunOptions.AddTo(plan);
        plan.SetAction(PlanCommand.InvokeAsync);

        var serve = new Command("serve", "The runs as a page in the browser and as an HTTP API, for this machine unless told otherwise") { ServeCommand.Urls, RunOptions.Data };
        serve.SetAction(ServeCommand.InvokeAsync);

        var up = new Command("up", "Keep workers as processes of their own alive on this machine, with a broker and a database for them") { UpCommand.Detach, UpCommand.Slots, RunOptions.Plain, RunOptions.Data };
        foreach (var (_, count) in UpCommand.Counts)
            up.Options.Add(count);
        up.SetAction(UpCommand.InvokeAsync);

        var down = new Command("down", "Stop what 'up' keeps alive") { RunOptions.Data };
        down.SetAction(DownCommand.InvokeAsync);

        var ps = new Command("ps", "Show workers, broker and database, the queues, and what could not be handled and why") { PsCommand.AsJson, RunOptions.Data };
        ps.SetAction(PsCommand.InvokeAsync);

        var retry = new Command("retry", "Send what could not be handled to its queue again") { RetryCommand.Queue, RunOptions.Data };
        retry.SetAction(RetryCommand.InvokeAsync);

        return new RootCommand("Self-rewarding training: a model answers prompts it made, judges the answers itself, and learns from its own preferences.") { run, plan, init, config, resume, fork, show, runs, lineage, verify, replay, export, import, data, db, serve, up, down, ps, retry };
    }
}
