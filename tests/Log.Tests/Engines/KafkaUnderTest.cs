using System.Runtime.InteropServices;

namespace Allmende.Log.Tests.Engines;

/// <summary>
/// librdkafka's own mock cluster of three brokers, which clients reach over TCP as they would reach Kafka. It keeps its records in memory, also while
/// its brokers are down, has no controller (so nobody creates topics: they come to be with four partitions at the first record) and answers an empty
/// fetch only when its time is over.
/// </summary>
sealed partial class KafkaUnderTest : LogEngine
{
    const int Producer = 0, Brokers = 3;
    readonly nint client, cluster;

    // The package brings a build for each kind of Linux; as the client does, take the one whose own dependencies are here.
    static KafkaUnderTest() => NativeLibrary.SetDllImportResolver(typeof(KafkaUnderTest).Assembly, static (name, assembly, path) =>
    {
        if (name != "librdkafka") return 0;
        foreach (var build in (ReadOnlySpan<string>)["librdkafka", "centos8-librdkafka", "alpine-librdkafka"])
            if (NativeLibrary.TryLoad(build, assembly, path, out var library)) return library;
        return 0;
    });

    public KafkaUnderTest()
    {
        var fault = new byte[512];
        client = rd_kafka_new(Producer, rd_kafka_conf_new(), fault, (nuint)fault.Length);
        cluster = rd_kafka_mock_cluster_new(client, Brokers);
        // As group.initial.rebalance.delay.ms of a broker, which is 3 s by default.
        rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 100);
        Address = Marshal.PtrToStringUTF8(rd_kafka_mock_cluster_bootstraps(cluster))!;
    }

    public override string Kind => "kafka";

    public override string Address { get; }

    public override Task TakeDownAsync()
    {
        for (var broker = 1; broker <= Brokers; broker++) _ = rd_kafka_mock_broker_set_down(cluster, broker);
        return Task.CompletedTask;
    }

    public override Task BringBackAsync()
    {
        for (var broker = 1; broker <= Brokers; broker++) _ = rd_kafka_mock_broker_set_up(cluster, broker);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        rd_kafka_mock_cluster_destroy(cluster);
        rd_kafka_destroy(client);
        return ValueTask.CompletedTask;
    }

    [LibraryImport("librdkafka")] private static partial nint rd_kafka_conf_new();
    [LibraryImport("librdkafka")] private static partial nint rd_kafka_new(int type, nint configuration, byte[] fault, nuint length);
    [LibraryImport("librdkafka")] private static partial void rd_kafka_destroy(nint client);
    [LibraryImport("librdkafka")] private static partial nint rd_kafka_mock_cluster_new(nint client, int brokers);
    [LibraryImport("librdkafka")] private static partial void rd_kafka_mock_cluster_destroy(nint cluster);
    [LibraryImport("librdkafka")] private static partial nint rd_kafka_mock_cluster_bootstraps(nint cluster);
    [LibraryImport("librdkafka")] private static partial void rd_kafka_mock_group_initial_rebalance_delay_ms(nint cluster, int milliseconds);
    [LibraryImport("librdkafka")] private static partial int rd_kafka_mock_broker_set_down(nint cluster, int broker);
    [LibraryImport("librdkafka")] private static partial int rd_kafka_mock_broker_set_up(nint cluster, int broker);
}
