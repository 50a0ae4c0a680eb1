using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// A run begins, or a dataset is frozen: notes that there is training to do. Training lasts longer than a message may, so the delivery
/// ends here. Every trainer notes it; the one that has the run's lock trains, the others stand by.
/// </summary>
public sealed class DpoTrainerConsumer(JobQueue<TrainRun> jobs) : IConsumer<RunStarted>, IConsumer<ModelPublished>, IConsumer<DatasetFrozen>
{
    public Task Consume(ConsumeContext<RunStarted> context) => Note(context.Message.Run);

    public Task Consume(ConsumeContext<ModelPublished> context) => Note(context.Message.Run);

    public Task Consume(ConsumeContext<DatasetFrozen> context) => Note(context.Message.Run);

    private Task Note(string run)
    {
        jobs.Note(new TrainRun(run));
        return Task.CompletedTask;
    }
}
