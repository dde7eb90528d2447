using System.Text.RegularExpressions;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>
/// One member of a group: one thread that polls, a <see cref="LogPartition"/> for each assigned partition. A partition whose queue is full is paused
/// at the client until there is room. Offsets are stored after the handler has returned, and the client commits what is stored five times a second
/// and whenever a partition is given up; nobody waits for a commit.
/// </summary>
sealed partial class KafkaLogMember(KafkaClients clients, LogOptions options, string topic, string group, LogHandler handler, ILogger logger)
{
    static readonly TimeSpan PollWhenQuiet = TimeSpan.FromMilliseconds(100), PollWhenPaused = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a rebalance waits for the handlers of partitions that move.</summary>
    readonly TimeSpan farewell = options.MemberTimeout / 3;

    // All of these belong to the polling thread; rebalance callbacks run on it, too.
    readonly Dictionary<TopicPartition, Holding> held = [];
    readonly HashSet<TopicPartition> paused = [];
    readonly Dictionary<TopicPartition, Task> formerLives = [];

    sealed record Holding(LogPartition Partition)
    {
        public long ReadUpTo { get; set; } = -1;
    }

    /// <summary>Reads until cancelled; throws what the client cannot recover from.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        Task.Factory.StartNew(() => Run(cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    void Run(CancellationToken cancellation)
    {
        using var consumer = clients.Consumer<string, byte[]>(group, Configure)
            .SetPartitionsAssignedHandler((consumer, partitions) => Take(consumer, partitions))
            .SetPartitionsRevokedHandler((_, places) => GiveUp(places.ConvertAll(place => place.TopicPartition), lost: false))
            .SetPartitionsLostHandler((_, places) => GiveUp(places.ConvertAll(place => place.TopicPartition), lost: true))
            .Build();
        consumer.Subscribe($@"^[a-z][a-z0-9-]*\.{Regex.Escape(topic)}$");
        try
        {
            while (!cancellation.IsCancellationRequested) Poll(consumer);
        }
        finally
        {
            consumer.Close(); // gives up what is held and commits, through the handlers above
        }
        cancellation.ThrowIfCancellationRequested();
    }

    void Configure(ConsumerConfig config)
    {
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
        config.SessionTimeoutMs = (int)options.MemberTimeout.TotalMilliseconds;
        config.HeartbeatIntervalMs = (int)Math.Min(1000, options.MemberTimeout.TotalMilliseconds / 4);
        config.EnableAutoCommit = true;
        config.AutoCommitIntervalMs = 200;
        // New municipalities' topics are found by looking at the list of topics again.
        config.TopicMetadataRefreshIntervalMs = 1000;
    }

    void Poll(IConsumer<string, byte[]> consumer)
    {
        if (paused.Count > 0) ResumeThoseWithRoom(consumer);
        try
        {
            if (consumer.Consume(paused.Count > 0 ? PollWhenPaused : PollWhenQuiet) is { } message) Offer(consumer, message);
        }
        catch (ConsumeException fault) when (!fault.Error.IsFatal)
        {
            // A topic that is gone, or not there yet; a broker that is away. The client goes on by itself.
            LogRemark(topic, group, fault.Error.Reason);
        }
    }

    void ResumeThoseWithRoom(IConsumer<string, byte[]> consumer)
    {
        var roomy = paused.Where(partition => held[partition].Partition.HasRoom).ToList();
        if (roomy.Count == 0) return;
        consumer.Resume(roomy);
        paused.ExceptWith(roomy);
    }

    void Offer(IConsumer<string, byte[]> consumer, ConsumeResult<string, byte[]> message)
    {
        // After a resume the client may begin a little before where it stood.
        if (!held.TryGetValue(message.TopicPartition, out var holding) || message.Offset.Value <= holding.ReadUpTo) return;
        holding.ReadUpTo = message.Offset.Value;
        holding.Partition.Offer(KafkaLog.RecordOf(message));
        if (holding.Partition.HasRoom || !paused.Add(message.TopicPartition)) return;
        consumer.Pause([message.TopicPartition]);
    }

    void Take(IConsumer<string, byte[]> consumer, List<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            var municipality = partition.Topic[..partition.Topic.IndexOf('.', StringComparison.Ordinal)];
            var taken = new LogPartition(municipality, topic, partition.Partition.Value, handler,
                (position, _, _) => { Store(consumer, partition, position); return Task.CompletedTask; }, static () => { }, options, logger);
            formerLives.Remove(partition, out var former);
            held[partition] = new Holding(taken);
            taken.Start(former);
            LogTaken(partition.Topic, partition.Partition.Value, group);
        }
    }

    void Store(IConsumer<string, byte[]> consumer, TopicPartition partition, LogPosition position)
    {
        try
        {
            consumer.StoreOffset(new TopicPartitionOffset(partition, position.Major + 1));
        }
        catch (Exception fault) when (fault is KafkaException or ObjectDisposedException)
        {
            // It moved on while the handler ran: the batch comes again, elsewhere.
            LogRemark(topic, group, fault.Message);
        }
    }

    /// <summary>
    /// Stops the handlers of partitions that go to other members, and waits a while for them: what they finish is then committed with the handing over.
    /// One that heeds no cancellation is left to itself, and its place is not recorded.
    /// </summary>
    void GiveUp(List<TopicPartition> partitions, bool lost)
    {
        var leaving = new List<LogPartition>();
        foreach (var partition in partitions)
        {
            paused.Remove(partition);
            if (!held.Remove(partition, out var holding)) continue;
            holding.Partition.Stop(lost);
            leaving.Add(holding.Partition);
            formerLives[partition] = holding.Partition.Ended;
        }
        if (!lost) Task.WaitAll(leaving.Select(partition => partition.Ended).ToArray(), farewell);
        foreach (var partition in leaving)
        {
            if (!partition.Ended.IsCompleted) partition.Stop(lost: true);
            partition.Ended.ContinueWith(_ => partition.Dispose(), TaskScheduler.Default);
        }
        foreach (var (partition, life) in formerLives.Where(entry => entry.Value.IsCompleted).ToList()) formerLives.Remove(partition);
    }

    [LoggerMessage(105, LogLevel.Debug, "{Topic}/{Partition}: taken by group {Group}")]
    partial void LogTaken(string topic, int partition, string group);

    [LoggerMessage(106, LogLevel.Debug, "{Topic}: group {Group}: {Reason}")]
    partial void LogRemark(string topic, string group, string reason);
}
