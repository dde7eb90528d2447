using System.Threading.Channels;

namespace Allmende.Platform.Log;

/// <summary>A partition in a member's hands: read batches wait in a short queue, one is handled at a time, in order.</summary>
sealed class RedisLogPartition(
    string municipality,
    string topic,
    string stream,
    RedisLog.GroupState state,
    LogHandler handler,
    Func<string, LogPosition, long?, CancellationToken, Task> commit,
    Action roomAgain,
    TaskCompletionSource failed) : IAsyncDisposable
{
    const int QueuedBatches = 2;
    readonly Channel<List<LogRecord>> queue = Channel.CreateBounded<List<LogRecord>>(QueuedBatches);
    readonly CancellationTokenSource stopping = new();
    long? entriesRead = state.EntriesRead;
    Task work = Task.CompletedTask;

    public string Stream { get; } = stream;

    /// <summary>Id of the last record that was read; the next read goes on after it.</summary>
    public string ReadUpTo { get; private set; } = state.LastDone;

    /// <summary>When the lease was last known to be ours.</summary>
    public DateTimeOffset LeasedAt { get; set; }

    public bool HasRoom => queue.Reader.Count < QueuedBatches;

    public void Start() => work = Task.Run(WorkAsync);

    public void Offer(List<LogRecord> records)
    {
        if (queue.Writer.TryWrite(records)) ReadUpTo = RedisLog.Format(records[^1].Position);
    }

    /// <summary>Ends after the batch in hand, or at once where its handler heeds the cancellation.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await stopping.CancelAsync();
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    async Task WorkAsync()
    {
        try
        {
            await foreach (var records in queue.Reader.ReadAllAsync(stopping.Token))
            {
                roomAgain();
                await handler(new LogBatch(municipality, topic, records[0].Position.Partition, records), stopping.Token);
                entriesRead += records.Count;
                await commit(Stream, records[^1].Position, entriesRead, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was not done comes again to the next owner.
        }
        catch (Exception fault)
        {
            failed.TrySetException(fault);
        }
    }
}
