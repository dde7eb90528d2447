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
    readonly CancellationTokenSource stopping = new();

    /// <summary>What a subscriber reads with: its topic with its rights.</summary>
    public TopicRenderer RendererOf(string municipality, SensorThingsTopic topic, string[] access, string caller) =>
        new(municipality, topic, access, caller, SensorThingsRoutes.RootOf(platform, municipality), databases, stored, turns, options);

    /// <summary>Subscribes from now on.</summary>
    public async Task<LiveSubscription<TopicLines>> SubscribeAsync(
        string municipality, SensorThingsTopic topic, string[] access, TopicRenderer renderer, CancellationToken cancellation)
    {
        var key = (municipality, topic.Text, string.Join(' ', access));
        while (true)
        {
            var reading = readings.GetOrAdd(key, _ => new TopicReading(municipality, hub, renderer, logger, stopping.Token));
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
