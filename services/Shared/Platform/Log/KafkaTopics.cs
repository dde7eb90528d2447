using System.Collections.Concurrent;
using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>
/// The topics of the cluster. They are made with the configured partitions and retention when they are first used. Where that is not allowed, or not
/// answered (librdkafka's mock cluster has no controller), they are the operator's to make, or the broker makes them by itself at the first record.
/// </summary>
sealed partial class KafkaTopics : IDisposable
{
    static readonly TimeSpan CreateLimit = TimeSpan.FromSeconds(2);
    static readonly TimeSpan CreateAgainAfter = TimeSpan.FromMinutes(1);

    readonly IConsumer<Ignore, Ignore> handle;
    readonly IAdminClient admin;
    readonly LogOptions options;
    readonly ILogger logger;
    readonly ConcurrentDictionary<string, Lazy<Task>> ensured = new(StringComparer.Ordinal);
    long createNotBefore;

    public KafkaTopics(KafkaClients clients, LogOptions options, ILogger logger)
    {
        (this.options, this.logger) = (options, logger);
        // Of a consumer, since a producer's questions for a topic bring it into being.
        handle = clients.Consumer<Ignore, Ignore>("allmende-admin").Build();
        admin = new DependentAdminClientBuilder(handle.Handle).Build();
    }

    /// <summary>The name on the cluster.</summary>
    public static string NameOf(string municipality, string topic) => municipality + "." + topic;

    /// <summary>Makes the topic if it is not there. Never fails: what is wrong shows at the append.</summary>
    public Task EnsureAsync(string name, string topic) =>
        ensured.GetOrAdd(name, static (name, of) => new Lazy<Task>(() => of.Self.CreateAsync(name, of.Topic)), (Self: this, Topic: topic)).Value;

    async Task CreateAsync(string name, string topic)
    {
        if (Environment.TickCount64 < Interlocked.Read(ref createNotBefore)) return;
        var specification = new TopicSpecification
        {
            Name = name,
            NumPartitions = options.Partitions,
            ReplicationFactor = -1, // the cluster's default
            Configs = new Dictionary<string, string> { ["max.message.bytes"] = KafkaClients.LargestMessage.ToString(CultureInfo.InvariantCulture) },
        };
        if (options.Retention.TryGetValue(topic, out var retention))
            specification.Configs["retention.ms"] = ((long)retention.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        try
        {
            await admin.CreateTopicsAsync([specification], new CreateTopicsOptions { RequestTimeout = CreateLimit, OperationTimeout = CreateLimit });
        }
        catch (CreateTopicsException fault) when (fault.Results is [{ Error.Code: ErrorCode.TopicAlreadyExists }])
        {
            // As it should be.
        }
        catch (KafkaException fault)
        {
            LogNotCreated(name, fault.Message);
            Interlocked.Exchange(ref createNotBefore, Environment.TickCount64 + (long)CreateAgainAfter.TotalMilliseconds);
        }
    }

    /// <summary>The topic's partitions; none if there is no such topic.</summary>
    public async Task<IReadOnlyList<TopicPartition>> PartitionsAsync(string name, TimeSpan limit)
    {
        // The client has no other way to ask, and it blocks.
        var metadata = await Task.Run(() => admin.GetMetadata(name, limit));
        return metadata.Topics.SelectMany(topic => topic.Partitions).Select(partition => new TopicPartition(name, partition.PartitionId)).ToList();
    }

    /// <summary>The first offset of each partition, or the one after its last record.</summary>
    public async Task<Dictionary<TopicPartition, long>> OffsetsAsync(IEnumerable<TopicPartition> partitions, OffsetSpec which, TimeSpan limit)
    {
        var asked = partitions.Select(partition => new TopicPartitionOffsetSpec { TopicPartition = partition, OffsetSpec = which }).ToList();
        if (asked.Count == 0) return [];
        var answer = await admin.ListOffsetsAsync(asked, new ListOffsetsOptions { RequestTimeout = limit });
        return answer.ResultInfos.ToDictionary(info => info.TopicPartitionOffsetError.TopicPartition, info => info.TopicPartitionOffsetError.Offset.Value);
    }

    /// <summary>Where a group stands; absent for partitions that it has nothing done of.</summary>
    public async Task<Dictionary<TopicPartition, long>> PlacesAsync(string group, IEnumerable<TopicPartition> partitions, TimeSpan limit)
    {
        var answer = await admin.ListConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitions(group, partitions.ToList())],
            new ListConsumerGroupOffsetsOptions { RequestTimeout = limit });
        return answer.SelectMany(one => one.Partitions).Where(place => place.Offset.Value >= 0)
            .ToDictionary(place => place.TopicPartition, place => place.Offset.Value);
    }

    /// <summary>Throws if no broker answers.</summary>
    public Task PingAsync(TimeSpan limit) => PartitionsAsync("allmende.ping", limit);

    public void Dispose()
    {
        admin.Dispose();
        handle.Dispose();
    }

    [LoggerMessage(117, LogLevel.Information, "{Name} was not made here, so it is the operator's or the broker's: {Reason}")]
    partial void LogNotCreated(string name, string reason);
}
