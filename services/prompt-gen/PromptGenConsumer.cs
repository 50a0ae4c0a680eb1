using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.PromptGen;

/// <summary>A published model that has an iteration to sample in needs prompts: notes the job.</summary>
public sealed class PromptGenConsumer(JobQueue<DraftPrompts> jobs, RunCatalog runs) : IConsumer<ModelPublished>
{
    public async Task Consume(ConsumeContext<ModelPublished> context)
    {
        var (run, model) = (context.Message.Run, context.Message.Model);
        var settings = await runs.SettingsOfAsync(run, context.CancellationToken);
        if (ModelNames.Iteration(model.Name) is { } iteration && iteration <= settings.Iterations)
            jobs.Note(new DraftPrompts(run, iteration, model));
    }
}
