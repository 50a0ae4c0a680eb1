using System.Diagnostics;
using System.Threading.Channels;

namespace SelfRewarding.Hosting;

/// <summary>
/// Work that is too long for a message (RabbitMQ takes a delivery back after a while: 30 minutes, unless it is told otherwise): a consumer only notes that there is some,
/// a <see cref="JobService{TJob}"/> does it. Noting a job that is waiting already changes nothing.
/// </summary>
public sealed class JobQueue<TJob>
    where TJob : notnull
{
    private readonly Channel<(TJob Job, ActivityContext Cause)> _jobs = Channel.CreateUnbounded<(TJob, ActivityContext)>();
    private readonly HashSet<TJob> _waiting = [];

    /// <summary>Notes that there is work.</summary>
    public void Note(TJob job) => Note(job, Activity.Current?.Context ?? default);

    internal void Note(TJob job, ActivityContext cause)
    {
        lock (_waiting)
        {
            if (_waiting.Add(job))
                _jobs.Writer.TryWrite((job, cause));
        }
    }

    // With the span that noted the job: the work begins a trace of its own, and links to it.
    internal async Task<(TJob Job, ActivityContext Cause)> NextAsync(CancellationToken cancellationToken)
    {
        var noted = await _jobs.Reader.ReadAsync(cancellationToken);
        lock (_waiting)
            _waiting.Remove(noted.Job);
        return noted;
    }
}
