using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>
/// A partition in a member's hands, whatever the engine: what was read waits in a short queue, one batch is handled at a time, in order. A handler
/// that throws gets the same records again, with growing pauses, until it has done them or the partition is given up: nothing overtakes, nothing
/// is skipped, and no other partition notices. The group's place is recorded beside the next batches, not before them: one record of the place stands for
/// all batches of a short while, and a death in between brings back what was done since, as a death always may.
/// </summary>
sealed partial class LogPartition(string municipality, string topic, int number, LogHandler handler, LogPartition.Done done, Action roomAgain, LogOptions options, ILogger logger)
    : IDisposable
{
    /// <summary>Records the place of a group; called after handled batches, one call at a time, unless the partition is somebody else's by then.</summary>
    /// <param name="position">Of the last record that was done.</param>
    /// <param name="records">How many were done since the last call.</param>
    /// <param name="cancellation">The partition is being given up: record the place now or never.</param>
    public delegate Task Done(LogPosition position, int records, CancellationToken cancellation);

    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>So many records are company enough.</summary>
    const int Many = 64;

    readonly Channel<LogRecord> queue = Channel.CreateUnbounded<LogRecord>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    readonly CancellationTokenSource stopping = new();
    readonly Lock placeLock = new();
    (LogPosition Position, int Records)? unrecorded;
    Task recording = Task.CompletedTask;
    bool isRecording;
    int queuedRecords;
    long queuedBytes;
    long begunAt;
    volatile bool lost;

    /// <summary>Whose it is.</summary>
    public string Municipality => municipality;

    /// <summary>False when enough waits: read no more of it for now. The bound is on the queue; what one read brings may go beyond it once.</summary>
    public bool HasRoom => Volatile.Read(ref queuedRecords) < options.BatchSize && Interlocked.Read(ref queuedBytes) < options.BatchBytes;

    /// <summary>How long the records that come now wait for company, in whole milliseconds; zero where the last batch began long enough ago.</summary>
    public TimeSpan Gathers
    {
        get
        {
            if (options.Gather == TimeSpan.Zero) return TimeSpan.Zero;
            var left = options.Gather - Stopwatch.GetElapsedTime(Volatile.Read(ref begunAt));
            return left > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)) : TimeSpan.Zero;
        }
    }

    /// <summary>Completes, never faulted, when the handler has returned for the last time.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>True after <see cref="Stop"/>.</summary>
    public bool Stopping => stopping.IsCancellationRequested;

    /// <summary>Begins to hand out records.</summary>
    /// <param name="after">A former life of the partition in this process, whose handler has to return first.</param>
    public void Start(Task? after = null) => Ended = Task.Run(() => WorkAsync(after ?? Task.CompletedTask));

    /// <summary>Takes records to be handled after those that it has.</summary>
    public void Offer(LogRecord record)
    {
        Interlocked.Increment(ref queuedRecords);
        Interlocked.Add(ref queuedBytes, record.Payload.Length);
        queue.Writer.TryWrite(record);
    }

    /// <summary>Asks the handler to stop and drops what waits; <see cref="Ended"/> tells when it has.</summary>
    /// <param name="lost">The partition is somebody else's already: the place must not be touched any more.</param>
    public void Stop(bool lost)
    {
        this.lost |= lost;
        stopping.Cancel();
    }

    /// <summary>After <see cref="Ended"/>.</summary>
    public void Dispose() => stopping.Dispose();

    async Task WorkAsync(Task after)
    {
        await after;
        try
        {
            while (await queue.Reader.WaitToReadAsync(stopping.Token))
            {
                if (Gathers is var wait && wait > TimeSpan.Zero && Volatile.Read(ref queuedRecords) < Many) await Task.Delay(wait, stopping.Token);
                Volatile.Write(ref begunAt, Stopwatch.GetTimestamp());
                var records = Take();
                roomAgain();
                await HandleAsync(new LogBatch(municipality, topic, number, records));
                Record(records[^1].Position, records.Count);
                stopping.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was not done comes again to the next owner.
        }
        await recording;
    }

    /// <summary>Notes what is handled, and has it recorded if that is not going on already.</summary>
    void Record(LogPosition position, int records)
    {
        lock (placeLock)
        {
            unrecorded = (position, records + (unrecorded?.Records ?? 0));
            if (isRecording) return;
            isRecording = true;
        }
        recording = RecordAsync();
    }

    async Task RecordAsync()
    {
        while (true)
        {
            (LogPosition Position, int Records) handled;
            lock (placeLock)
            {
                isRecording = unrecorded is not null && !lost;
                if (!isRecording) return;
                (handled, unrecorded) = (unrecorded!.Value, null);
            }
            try
            {
                await done(handled.Position, handled.Records, stopping.Token);
                await Task.Delay(options.RecordEvery, stopping.Token);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // Given up: what was handled since is recorded at once. Before the engine confirmed, the batch comes again to the next owner.
            }
        }
    }

    List<LogRecord> Take()
    {
        var records = new List<LogRecord>(Math.Min(options.BatchSize, Volatile.Read(ref queuedRecords)));
        long bytes = 0;
        while (records.Count < options.BatchSize && bytes < options.BatchBytes && queue.Reader.TryRead(out var record))
        {
            records.Add(record);
            bytes += record.Payload.Length;
        }
        Interlocked.Add(ref queuedRecords, -records.Count);
        Interlocked.Add(ref queuedBytes, -bytes);
        return records;
    }

    async Task HandleAsync(LogBatch batch)
    {
        var pause = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            try
            {
                await handler(batch, stopping.Token);
                return;
            }
            catch (Exception fault) when (!stopping.IsCancellationRequested)
            {
                LogFailed(topic, number, municipality, batch.Records.Count, pause, fault);
            }
            await Task.Delay(pause, stopping.Token);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    [LoggerMessage(115, LogLevel.Error, "{Topic}/{Partition} of {Municipality}: {Count} records were not handled and come again in {Pause}")]
    partial void LogFailed(string topic, int partition, string municipality, int count, TimeSpan pause, Exception fault);
}
