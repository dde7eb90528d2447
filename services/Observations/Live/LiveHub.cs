using System.Collections.Concurrent;
using System.Threading.Channels;
using Allmende.Contracts;
using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform.Log;

namespace Allmende.Observations.Live;

/// <summary>One observation on its way to subscribers, as a frame of server-sent events, with what filters ask.</summary>
sealed record LiveFrame(string Datastream, string Thing, string Access, LogPosition Position, bool EndsRecord, ReadOnlyMemory<byte> Data);

/// <summary>
/// Live observations of the municipalities that somebody listens to, read from the log once per municipality. Each subscriber has a bounded queue; whose queue is
/// full is let go and resumes with <c>Last-Event-ID</c>, so that a slow one never slows another.
/// </summary>
sealed partial class LiveHub(ILog log, DatastreamDirectory datastreams, StoredPositions stored, ILogger<LiveHub> logger) : IAsyncDisposable
{
    /// <summary>Frames that wait for one subscriber.</summary>
    const int QueueLength = 4_096;

    ILog Log { get; } = log;

    readonly ConcurrentDictionary<string, Feed> feeds = new(StringComparer.Ordinal);
    readonly CancellationTokenSource stopping = new();

    /// <summary>Listens to a municipality from now on.</summary>
    /// <returns>The subscription and the places from which on it has everything.</returns>
    public async Task<Subscription> SubscribeAsync(string municipality, CancellationToken cancellation)
    {
        while (true)
        {
            var feed = feeds.GetOrAdd(municipality, id => new Feed(id));
            if (await feed.SubscribeAsync(this, cancellation) is { } subscription) return subscription;
            feeds.TryRemove(new(municipality, feed)); // it ended just now; the next one is fresh
        }
    }

    /// <summary>What lies in the log after <paramref name="from"/> and up to <paramref name="to"/>, as frames.</summary>
    public async IAsyncEnumerable<LiveFrame> CatchUpAsync(
        string municipality, IReadOnlyList<LogPosition> from, IReadOnlyList<LogPosition> to, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var missing = to.Where(end => from.Any(start => start.Partition == end.Partition && start < end)).ToDictionary(end => end.Partition);
        if (missing.Count == 0) yield break;
        await foreach (var batch in Log.TailAsync(municipality, Topics.Observations, from, cancellation))
        {
            if (!missing.TryGetValue(batch.Partition, out var end)) continue;
            foreach (var frame in await FramesAsync(municipality, batch.Records.Where(record => record.Position <= end), cancellation)) yield return frame;
            if (batch.Records[^1].Position >= end && missing.Remove(batch.Partition) && missing.Count == 0) yield break;
        }
    }

    async Task<List<LiveFrame>> FramesAsync(string municipality, IEnumerable<LogRecord> records, CancellationToken cancellation)
    {
        var frames = new List<LiveFrame>();
        var observations = new List<Observation>();
        foreach (var record in records)
        {
            observations.Clear();
            try { ObservationBatch.Read(record.Payload.Span, observations); }
            catch (FormatException) { continue; } // the store dead-letters it
            // What is pushed can be read: it waits for the store, but not for ever, since a store that hangs must not silence the stream.
            await stored.WaitAsync(municipality, record.Position, TimeSpan.FromSeconds(2), cancellation);
            var known = await datastreams.FindAsync(municipality, observations.Select(observation => observation.Datastream).ToHashSet(StringComparer.Ordinal), cancellation);
            for (var i = 0; i < observations.Count; i++)
                if (known.TryGetValue(observations[i].Datastream, out var datastream))
                    frames.Add(new LiveFrame(datastream.Id, datastream.Thing, datastream.Access, record.Position, i == observations.Count - 1, Write(datastream, observations[i])));
        }
        return frames;
    }

    /// <summary>The <c>data:</c> line; the id is the subscriber's own and written there.</summary>
    static byte[] Write(DatastreamInfo datastream, in Observation observation)
    {
        using var json = new JsonBuffer();
        json.Raw("event: observation\ndata: {\"datastream\":"u8);
        json.Text(datastream.Id);
        json.Raw(",\"thing\":"u8);
        json.Text(datastream.Thing);
        json.Raw(",\"phenomenonTime\":"u8);
        json.Interval(Observation.Time(observation.PhenomenonTime), observation.PhenomenonEnd is { } end ? Observation.Time(end) : null);
        json.Raw(",\"result\":"u8);
        if (observation.Json is { } text) json.Raw(text.ReplaceLineEndings(" ")); else json.Number(observation.Value);
        json.Raw(",\"resultQuality\":"u8);
        QualityJson.Write(json, observation.Quality);
        json.Raw("}\n\n"u8);
        return json.Slice(0, json.Length).ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        stopping.Dispose();
    }

    [LoggerMessage(200, LogLevel.Warning, "the live feed of {Municipality} broke off; its subscribers resume")]
    partial void LogBrokenOff(string municipality, Exception fault);

    /// <summary>A subscriber's queue.</summary>
    internal sealed class Subscription(Action<Subscription> leave) : IDisposable
    {
        readonly Channel<LiveFrame> queue = Channel.CreateBounded<LiveFrame>(new BoundedChannelOptions(QueueLength) { SingleReader = true });

        /// <summary>Everything after these places comes through <see cref="Frames"/>.</summary>
        public required IReadOnlyList<LogPosition> Since { get; init; }

        /// <summary>Ends when the subscriber was too slow or the feed broke off.</summary>
        public ChannelReader<LiveFrame> Frames => queue.Reader;

        public bool Offer(LiveFrame frame) => queue.Writer.TryWrite(frame);

        public void End() => queue.Writer.TryComplete();

        public void Dispose() => leave(this);
    }

    /// <summary>The reading of one municipality; begins with the first subscriber and ends with the last.</summary>
    sealed class Feed(string municipality)
    {
        readonly Lock subscribersLock = new();
        readonly SemaphoreSlim starting = new(1, 1);
        readonly List<Subscription> subscribers = [];
        Dictionary<int, LogPosition> at = [];
        CancellationTokenSource? reading;
        bool ended;

        public async Task<Subscription?> SubscribeAsync(LiveHub hub, CancellationToken cancellation)
        {
            await starting.WaitAsync(cancellation);
            try
            {
                if (reading is null)
                {
                    var end = await hub.Log.EndAsync(municipality, Topics.Observations, cancellation);
                    at = end.ToDictionary(position => position.Partition);
                    reading = CancellationTokenSource.CreateLinkedTokenSource(hub.stopping.Token);
                    _ = ReadAsync(hub, end, reading.Token);
                }
                lock (subscribersLock)
                {
                    if (ended) return null;
                    var subscription = new Subscription(Leave) { Since = [.. at.Values] };
                    subscribers.Add(subscription);
                    return subscription;
                }
            }
            finally
            {
                starting.Release();
            }
        }

        void Leave(Subscription subscription)
        {
            lock (subscribersLock)
            {
                subscribers.Remove(subscription);
                if (subscribers.Count > 0) return;
                ended = true;
            }
            reading?.Cancel();
        }

        async Task ReadAsync(LiveHub hub, IReadOnlyList<LogPosition> from, CancellationToken cancellation)
        {
            try
            {
                await foreach (var batch in hub.Log.TailAsync(municipality, Topics.Observations, from, cancellation))
                    Distribute(await hub.FramesAsync(municipality, batch.Records, cancellation), batch.Records[^1].Position);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // Nobody listens any more.
            }
            catch (Exception fault)
            {
                hub.LogBrokenOff(municipality, fault);
            }
            finally
            {
                lock (subscribersLock)
                {
                    ended = true;
                    foreach (var subscription in subscribers) subscription.End();
                }
            }
        }

        void Distribute(List<LiveFrame> frames, LogPosition until)
        {
            lock (subscribersLock)
            {
                at[until.Partition] = until;
                for (var i = subscribers.Count - 1; i >= 0; i--)
                {
                    var subscription = subscribers[i];
                    if (frames.TrueForAll(subscription.Offer)) continue;
                    Telemetry.Dropped(municipality);
                    subscription.End();
                    subscribers.RemoveAt(i);
                }
            }
        }
    }
}
