using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>
/// The log on Apache Kafka. A municipality's topic is <c>{municipality}.{topic}</c>; consumers subscribe to all municipalities' by a regular
/// expression, group <c>{group}.{topic}</c>, so that rebalances of one topic leave others alone.
/// </summary>
public sealed class KafkaLog : ILog
{
    const string Traceparent = "traceparent";

    readonly LogOptions options;
    readonly ILogger logger;
    readonly KafkaClients clients;
    readonly Lazy<KafkaTopics> topics;
    readonly Lock producerLock = new();
    readonly ConcurrentDictionary<string, (IReadOnlyList<LogPosition> Places, long AskedAt)> keptAfter = new(StringComparer.Ordinal);
    IProducer<string, ReadOnlyMemory<byte>>? producer;

    public KafkaLog(LogOptions options, ILogger<KafkaLog> logger)
    {
        (this.options, this.logger) = (options, logger);
        clients = new KafkaClients(options, logger);
        topics = new Lazy<KafkaTopics>(() => new KafkaTopics(clients, options, logger));
    }

    /// <inheritdoc/>
    public async Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (payload.Length > ILog.MaxPayload) throw new ArgumentException($"{payload.Length} bytes are more than a record takes", nameof(payload));
        try
        {
            return await SendAsync(KafkaTopics.NameOf(municipality, topic), topic, key, payload).WaitAsync(options.AppendTimeout, cancellation);
        }
        catch (Exception fault) when (fault is KafkaException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: not confirmed by Kafka", fault);
        }
    }

    async Task<LogPosition> SendAsync(string name, string topic, string key, ReadOnlyMemory<byte> payload)
    {
        await topics.Value.EnsureAsync(name, topic);
        var message = new Message<string, ReadOnlyMemory<byte>> { Key = key, Value = payload };
        if (Activity.Current?.Id is { } trace) message.Headers = [new Header(Traceparent, Encoding.ASCII.GetBytes(trace))];
        var confirmed = new TaskCompletionSource<LogPosition>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sender = Producer();
        try
        {
            sender.Produce(name, message, report =>
            {
                if (report.Error.IsError) confirmed.TrySetException(new KafkaException(report.Error));
                else confirmed.TrySetResult(new LogPosition(report.Partition.Value, report.Offset.Value, 0));
            });
            return await confirmed.Task;
        }
        catch (KafkaException fault) when (fault.Error.IsFatal)
        {
            Replace(sender);
            throw;
        }
    }

    IProducer<string, ReadOnlyMemory<byte>> Producer()
    {
        lock (producerLock) return producer ??= clients.Producer().Build();
    }

    /// <summary>An idempotent producer that lost its place (fenced, or the broker forgot it) is of no more use; the next append gets a new one.</summary>
    void Replace(IProducer<string, ReadOnlyMemory<byte>> broken)
    {
        lock (producerLock)
        {
            if (producer != broken) return;
            producer = null;
        }
        _ = Task.Run(broken.Dispose);
    }

    /// <inheritdoc/>
    public Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation) =>
        new KafkaLogMember(clients, options, topic, GroupOf(topic, group), handler, logger).RunAsync(cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogBatch> TailAsync(
        string municipality, string topic, IReadOnlyList<LogPosition> from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var name = KafkaTopics.NameOf(municipality, topic);
        await topics.Value.EnsureAsync(name, topic).WaitAsync(cancellation);
        using var tail = new KafkaLogTail(clients, topics.Value, options, name, from, logger);
        await foreach (var records in tail.ReadAsync(cancellation))
            yield return new LogBatch(municipality, topic, records[0].Position.Partition, records);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogPosition>> EndAsync(string municipality, string topic, CancellationToken cancellation)
    {
        try
        {
            var name = KafkaTopics.NameOf(municipality, topic);
            await topics.Value.EnsureAsync(name, topic).WaitAsync(options.AppendTimeout, cancellation);
            var partitions = await topics.Value.PartitionsAsync(name, options.AppendTimeout).WaitAsync(cancellation);
            var ends = await topics.Value.OffsetsAsync(partitions, OffsetSpec.Latest(), options.AppendTimeout).WaitAsync(cancellation);
            return partitions.Select(partition => new LogPosition(partition.Partition.Value, ends[partition] - 1, 0)).ToList();
        }
        catch (Exception fault) when (fault is KafkaException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Kafka does not tell where it ends", fault);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogPosition>> KeptAfterAsync(string municipality, string topic, CancellationToken cancellation)
    {
        var name = KafkaTopics.NameOf(municipality, topic);
        // Readers ask with every batch; a broker removes whole segments now and then.
        if (keptAfter.TryGetValue(name, out var known) && Environment.TickCount64 - known.AskedAt < 1_000) return known.Places;
        try
        {
            var partitions = await topics.Value.PartitionsAsync(name, options.AppendTimeout).WaitAsync(cancellation);
            var beginnings = await topics.Value.OffsetsAsync(partitions, OffsetSpec.Earliest(), options.AppendTimeout).WaitAsync(cancellation);
            var places = partitions.Select(partition => new LogPosition(partition.Partition.Value, beginnings[partition] - 1, 0)).ToList();
            keptAfter[name] = (places, Environment.TickCount64);
            return places;
        }
        catch (Exception fault) when (fault is KafkaException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Kafka does not tell what it keeps", fault);
        }
    }

    /// <inheritdoc/>
    public async Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation)
    {
        try
        {
            return await SumAsync().WaitAsync(options.AppendTimeout, cancellation);
        }
        catch (Exception fault) when (fault is KafkaException or TimeoutException)
        {
            throw new LogUnavailableException($"{topic}: Kafka does not tell how far {group} is", fault);
        }

        async Task<long> SumAsync()
        {
            var partitions = await topics.Value.PartitionsAsync(KafkaTopics.NameOf(municipality, topic), options.AppendTimeout);
            if (partitions.Count == 0) return 0;
            var ends = topics.Value.OffsetsAsync(partitions, OffsetSpec.Latest(), options.AppendTimeout);
            var beginnings = topics.Value.OffsetsAsync(partitions, OffsetSpec.Earliest(), options.AppendTimeout);
            var places = await topics.Value.PlacesAsync(GroupOf(topic, group), partitions, options.AppendTimeout);
            var (last, first) = (await ends, await beginnings);
            // Retention may have removed records that a group never did.
            return partitions.Sum(partition => last[partition] - Math.Max(first[partition], places.GetValueOrDefault(partition)));
        }
    }

    /// <inheritdoc/>
    public Task PingAsync(CancellationToken cancellation) => topics.Value.PingAsync(TimeSpan.FromSeconds(2)).WaitAsync(cancellation);

    static string GroupOf(string topic, string group) => group + "." + topic;

    /// <summary>A message as a record.</summary>
    internal static LogRecord RecordOf(ConsumeResult<string, byte[]> message)
    {
        string? trace = null;
        if (message.Message.Headers is { } headers && headers.TryGetLastBytes(Traceparent, out var bytes)) trace = Encoding.ASCII.GetString(bytes);
        return new LogRecord(new LogPosition(message.Partition.Value, message.Offset.Value, 0), message.Message.Key ?? "", message.Message.Value ?? [], trace);
    }

    public ValueTask DisposeAsync()
    {
        producer?.Flush(TimeSpan.FromSeconds(2));
        producer?.Dispose();
        if (topics.IsValueCreated) topics.Value.Dispose();
        return ValueTask.CompletedTask;
    }
}
