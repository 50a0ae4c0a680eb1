using System.Collections.Concurrent;
using System.Threading.Channels;
using MassTransit;

namespace SelfRewarding.Hosting;

/// <summary>
/// Notices when a queue is read again after its connection was lost. The broker may have come back empty: MassTransit then declares the queues anew and goes on, without a
/// word about what was in them.
/// </summary>
public sealed class ReconnectWatch : IReceiveEndpointObserver
{
    private readonly ConcurrentDictionary<Uri, bool> _known = new();
    private readonly Channel<bool> _reconnected = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Waits for a reconnection, no longer than <paramref name="patience"/>; tells whether there was one.</summary>
    public async Task<bool> WaitAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        either.CancelAfter(patience);
        try
        {
            return await _reconnected.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public Task Ready(ReceiveEndpointReady ready)
    {
        if (!_known.TryAdd(ready.InputAddress, true))
            _reconnected.Writer.TryWrite(true);
        return Task.CompletedTask;
    }

    public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    public Task Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;

    public Task Faulted(ReceiveEndpointFaulted faulted) => Task.CompletedTask;
}
