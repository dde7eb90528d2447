using System.Collections.Concurrent;
using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Data;

namespace Allmende.Observations.Live;

/// <summary>The SensorThings topics that somebody subscribes to.</summary>
sealed class TopicFeeds(LiveHub hub, MunicipalDatabases databases, StoredPositions stored, TopicTurns turns, LiveOptions options, PlatformOptions platform, ILogger<TopicFeeds> logger)
    : IAsyncDisposable
{
    readonly ConcurrentDictionary<(string Municipality, string Topic, string Access), TopicReading> readings = new();
    readonly ConcurrentDictionary<(string Municipality, string Topic, string Access), (SensorThingsException Fault, long Until)> refused = new();
    readonly CancellationTokenSource stopping = new();

    /// <summary>How long a topic that had to be ended is refused: otherwise whoever opens it again at once would have its query run all the time.</summary>
    static readonly TimeSpan RefusedFor = TimeSpan.FromMinutes(1);
    const int MostRefused = 10_000;

    /// <summary>What a subscriber reads with: its topic with its rights.</summary>
    public TopicRenderer RendererOf(string municipality, SensorThingsTopic topic, string[] access, string caller) =>
        new(municipality, topic, access, caller, SensorThingsRoutes.RootOf(platform, municipality), databases, stored, turns, options);

    /// <summary>Subscribes from now on.</summary>
    /// <exception cref="SensorThingsException">400: it was ended a moment ago, since its query cannot be run.</exception>
    public async Task<LiveSubscription<TopicLines>> SubscribeAsync(
        string municipality, SensorThingsTopic topic, string[] access, TopicRenderer renderer, CancellationToken cancellation)
    {
        var key = (municipality, topic.Text, string.Join(' ', access));
        while (true)
        {
            if (refused.TryGetValue(key, out var known))
            {
                if (Environment.TickCount64 < known.Until) throw new SensorThingsException(400, known.Fault.Message);
                refused.TryRemove(new(key, known));
            }
            var reading = readings.GetOrAdd(key, _ => new TopicReading(municipality, hub, renderer, fault => Refuse(key, fault), logger, stopping.Token));
            try
            {
                if (await reading.JoinAsync(options.LongestQueue, cancellation) is { } subscription) return subscription;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && !stopping.IsCancellationRequested)
            {
                // It ended just now; the next one is fresh.
            }
            finally
            {
                if (reading.HasEnded) readings.TryRemove(new(key, reading));
            }
        }
    }

    void Refuse((string, string, string) key, SensorThingsException fault)
    {
        if (refused.Count >= MostRefused) refused.Clear();
        refused[key] = (fault, Environment.TickCount64 + (long)RefusedFor.TotalMilliseconds);
    }

    /// <summary>What a subscriber that resumes has missed, up to <paramref name="to"/>.</summary>
    public async IAsyncEnumerable<TopicLines> MissedAsync(string municipality, TopicRenderer renderer, LogPlace from, LogPlace to,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var listening = await hub.ListenAsync(municipality, cancellation);
        await foreach (var batch in listening.CatchUpAsync(from, to, LiveHub.TopicsRead, cancellation)) yield return await renderer.RenderAsync(batch, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        stopping.Dispose();
    }
}
