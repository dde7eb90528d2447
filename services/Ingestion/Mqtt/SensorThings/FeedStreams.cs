using Allmende.Ingestion.Mqtt.Keeping;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt.SensorThings;

/// <summary>
/// The SensorThings topics that somebody follows. Subscribers who may see the same share one stream from Observations, however many they are; those
/// with other rights have another, and so have groups and sessions that go on after a restart (<see cref="Subscription.Lane"/>).
/// </summary>
sealed class FeedStreams(FeedClient client, SessionKeeper keeper, MqttOptions options, ILogger<FeedStream> logger) : IAsyncDisposable
{
    readonly Dictionary<FeedKey, FeedStream> streams = [];
    readonly Lock gate = new();

    /// <summary>Is told of sessions whose subscription cannot be served any longer.</summary>
    public Action<MqttSession, ReasonCode, string?>? Lost { get; set; }

    /// <summary>Adds a subscriber; completes when the stream is open, so that nothing is missed from then on.</summary>
    public async Task<(ReasonCode Code, string? Reason)> JoinAsync(Subscription subscription)
    {
        FeedStream? stream;
        lock (keeper.CutOf(subscription.Filter.Municipality)) stream = StreamOf(subscription);
        if (stream is null) return (ReasonCode.QuotaExceeded, "too many different topics of this municipality are followed");
        var answer = await stream.Ready;
        if (answer.Code != ReasonCode.Success) Leave(subscription);
        return answer;
    }

    /// <summary>The stream that the subscriber is part of from now on; null if there are too many.</summary>
    FeedStream? StreamOf(Subscription subscription)
    {
        var key = KeyOf(subscription);
        lock (gate)
        {
            if (streams.TryGetValue(key, out var stream) && stream.Add(subscription)) return stream;
            if (streams.Keys.Count(other => other.Municipality == key.Municipality) >= options.MostFeeds) return null;
            stream = new FeedStream(subscription.Filter.SensorThings!, subscription.Place, keeper.CutOf(key.Municipality), client, options, this, logger);
            streams[key] = stream;
            stream.Add(subscription);
            Telemetry.MqttFeeds.Add(1);
            stream.Start();
            return stream;
        }
    }

    /// <summary>Takes a subscriber out; the last one closes the stream.</summary>
    public void Leave(Subscription subscription)
    {
        lock (gate)
        {
            var key = KeyOf(subscription);
            if (streams.TryGetValue(key, out var stream) && stream.Remove(subscription)) Forget(key);
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<FeedStream> left;
        lock (gate)
        {
            left = [.. streams.Values];
            streams.Clear();
        }
        foreach (var stream in left) await stream.StopAsync();
    }

    void Forget(FeedKey key)
    {
        if (streams.Remove(key)) Telemetry.MqttFeeds.Add(-1);
    }

    static FeedKey KeyOf(Subscription subscription)
    {
        var topic = subscription.Filter.SensorThings!;
        return new(topic.Municipality, topic.Text, subscription.AccessClass, subscription.Lane);
    }

    readonly record struct FeedKey(string Municipality, string Topic, string AccessClass, string Lane);
}
