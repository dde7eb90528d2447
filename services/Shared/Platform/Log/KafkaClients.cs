using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>How clients of the cluster are set up.</summary>
sealed partial class KafkaClients(LogOptions options, ILogger logger)
{
    /// <summary>Bytes of a whole message: the payload, and room for key and headers.</summary>
    public const int LargestMessage = ILog.MaxPayload + 64 * 1024;

    ClientConfig Common => new()
    {
        BootstrapServers = options.Kafka,
        ClientId = "allmende",
        MessageMaxBytes = LargestMessage,
        // The defaults are for machines far apart; here a broker that is back should be used at once.
        ReconnectBackoffMs = 50,
        ReconnectBackoffMaxMs = 1000,
        SocketConnectionSetupTimeoutMs = 5000,
        SocketNagleDisable = true,
        // Broken connections are told as errors where they matter; each of them is not worth a line.
        LogConnectionClose = false,
    };

    /// <summary>A producer that neither loses nor doubles nor reorders: idempotent, confirmed by all in-sync replicas.</summary>
    public ProducerBuilder<string, ReadOnlyMemory<byte>> Producer() =>
        new ProducerBuilder<string, ReadOnlyMemory<byte>>(new ProducerConfig(Common)
        {
            EnableIdempotence = true,
            Acks = Acks.All,
            MessageTimeoutMs = (int)options.AppendTimeout.TotalMilliseconds,
            // Long enough that what comes together is sent together, and still far below a person's notice.
            LingerMs = 1,
            CompressionType = CompressionType.Lz4,
            QueueBufferingMaxKbytes = 64 * 1024,
            Partitioner = Confluent.Kafka.Partitioner.Murmur2,
            DeliveryReportFields = "none",
        })
        .SetValueSerializer(PayloadSerializer.Instance)
        .SetLogHandler((_, message) => Tell(message))
        .SetErrorHandler((_, error) => LogError(error.Reason));

    /// <summary>A consumer that begins at the beginning and records nothing by itself.</summary>
    public ConsumerBuilder<TKey, TValue> Consumer<TKey, TValue>(string group, Action<ConsumerConfig>? more = null)
    {
        var config = new ConsumerConfig(Common)
        {
            GroupId = group,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AllowAutoCreateTopics = false,
            MaxPartitionFetchBytes = LargestMessage,
            FetchMaxBytes = Math.Max(LargestMessage, 16 * 1024 * 1024),
            // What librdkafka reads ahead for all partitions together; each has its own short queue besides.
            QueuedMinMessages = options.BatchSize * 4,
            QueuedMaxMessagesKbytes = 16 * 1024,
            FetchQueueBackoffMs = 50,
            FetchErrorBackoffMs = 100,
        };
        more?.Invoke(config);
        return new ConsumerBuilder<TKey, TValue>(config).SetLogHandler((_, message) => Tell(message)).SetErrorHandler((_, error) => LogError(error.Reason));
    }

    void Tell(LogMessage message)
    {
        if (message.Level <= SyslogLevel.Error) LogError(message.Message);
        else LogRemark(message.Message);
    }

    sealed class PayloadSerializer : ISerializer<ReadOnlyMemory<byte>>
    {
        public static readonly PayloadSerializer Instance = new();

        public byte[] Serialize(ReadOnlyMemory<byte> data, SerializationContext context) =>
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(data, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
                ? segment.Array
                : data.ToArray();
    }

    [LoggerMessage(118, LogLevel.Warning, "Kafka: {Reason}")]
    partial void LogError(string reason);

    [LoggerMessage(119, LogLevel.Debug, "Kafka: {Remark}")]
    partial void LogRemark(string remark);
}
