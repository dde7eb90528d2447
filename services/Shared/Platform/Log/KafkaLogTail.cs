using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>Follows a topic's partitions by assignment, outside any group. One thread polls; it waits when the reader is slow.</summary>
sealed partial class KafkaLogTail(KafkaClients clients, KafkaTopics topics, LogOptions options, string name, IReadOnlyList<LogPosition> from, ILogger logger) : IDisposable
{
    static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(500);
    readonly Channel<List<LogRecord>> batches = Channel.CreateBounded<List<LogRecord>>(2);
    readonly CancellationTokenSource stopping = new();
    Task polling = Task.CompletedTask;

    /// <summary>Batches, each of one partition, in its order.</summary>
    public async IAsyncEnumerable<List<LogRecord>> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var start = await StartAsync(cancellation);
        polling = Task.Factory.StartNew(() => Poll(start, stopping.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await foreach (var records in batches.Reader.ReadAllAsync(cancellation)) yield return records;
    }

    /// <summary>Where each partition is read from. A topic that is not there yet is waited for, and then read from its beginning.</summary>
    async Task<List<TopicPartitionOffset>> StartAsync(CancellationToken cancellation)
    {
        var missing = false;
        while (true)
        {
            try
            {
                var partitions = await topics.PartitionsAsync(name, options.AppendTimeout).WaitAsync(cancellation);
                if (partitions.Count > 0)
                {
                    var ends = await topics.OffsetsAsync(partitions, missing ? OffsetSpec.Earliest() : OffsetSpec.Latest(), options.AppendTimeout).WaitAsync(cancellation);
                    return partitions.Select(partition => new TopicPartitionOffset(partition, FromOf(partition) ?? ends[partition])).ToList();
                }
                missing = true;
            }
            catch (KafkaException fault)
            {
                LogFailed(name, fault.Message);
            }
            await Task.Delay(AskAgain, cancellation);
        }
    }

    Offset? FromOf(TopicPartition partition)
    {
        foreach (var position in from)
            if (position.Partition == partition.Partition.Value) return position.Major < 0 ? Offset.Beginning : new Offset(position.Major + 1);
        return null;
    }

    void Poll(List<TopicPartitionOffset> start, CancellationToken stop)
    {
        try
        {
            using var consumer = clients.Consumer<string, byte[]>("allmende-tail").Build();
            consumer.Assign(start);
            var batch = new List<LogRecord>();
            while (!stop.IsCancellationRequested)
            {
                var message = Consume(consumer, batch.Count == 0 ? TimeSpan.FromMilliseconds(100) : TimeSpan.Zero);
                var ends = message is null || batch.Count == options.BatchSize || (batch.Count > 0 && batch[0].Position.Partition != message.Partition.Value);
                if (ends && batch.Count > 0)
                {
                    batches.Writer.WriteAsync(batch, stop).AsTask().GetAwaiter().GetResult();
                    batch = [];
                }
                if (message is not null) batch.Add(KafkaLog.RecordOf(message));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reader has gone.
        }
        catch (Exception fault)
        {
            batches.Writer.TryComplete(fault);
        }
    }

    ConsumeResult<string, byte[]>? Consume(IConsumer<string, byte[]> consumer, TimeSpan wait)
    {
        try
        {
            return consumer.Consume(wait);
        }
        catch (ConsumeException fault) when (!fault.Error.IsFatal)
        {
            LogFailed(name, fault.Error.Reason);
            return null;
        }
    }

    public void Dispose()
    {
        stopping.Cancel();
        polling.ContinueWith(_ => stopping.Dispose(), TaskScheduler.Default);
    }

    [LoggerMessage(107, LogLevel.Warning, "{Name} cannot be followed for now: {Reason}")]
    partial void LogFailed(string name, string reason);
}
