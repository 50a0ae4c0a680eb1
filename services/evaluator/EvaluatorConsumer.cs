using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Evaluator;

/// <summary>A published model is to be measured: notes the job.</summary>
public sealed class EvaluatorConsumer(JobQueue<EvaluateRun> jobs) : IConsumer<ModelPublished>
{
    public Task Consume(ConsumeContext<ModelPublished> context)
    {
        jobs.Note(new EvaluateRun(context.Message.Run));
        return Task.CompletedTask;
    }
}
