using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Log;

namespace Allmende.Observations.Live;

/// <summary>
/// What happens in the municipalities that somebody listens to, read from the log once per municipality: observations when they can be read back, and changes of
/// entities. Live streams, webhooks and SensorThings topics are fed from here, each through a bounded queue of its own; what it has missed it reads from the log.
/// </summary>
sealed partial class LiveHub(ILog log, MunicipalDatabases databases, StoredPositions stored, LiveOptions options, ILogger<LiveHub> logger) : IAsyncDisposable
{
    /// <summary>All that is followed.</summary>
    public static readonly string[] TopicsRead = [Topics.Observations, Topics.Entities];
    static readonly TimeSpan PauseAfterFault = TimeSpan.FromMilliseconds(500);

    readonly ConcurrentDictionary<string, LiveFeed> feeds = new(StringComparer.Ordinal);
    readonly CancellationTokenSource stopping = new();

    /// <summary>Listens to a municipality from now on.</summary>
    /// <exception cref="LogUnavailableException">The log cannot be reached.</exception>
    public async Task<LiveListening> ListenAsync(string municipality, CancellationToken cancellation)
    {
        while (true)
        {
            var feed = feeds.GetOrAdd(municipality, id => new LiveFeed(id, log, new LiveDatastreams(databases, id), stored, logger, stopping.Token));
            if (await feed.JoinAsync(options.LongestQueue, cancellation) is { } subscription) return new LiveListening(feed, subscription);
            feeds.TryRemove(new(municipality, feed)); // it ended just now; the next one is fresh
        }
    }

    /// <summary>After which places the log keeps everything.</summary>
    public async Task<LogPlace> KeptAfterAsync(string municipality, CancellationToken cancellation) => LogPlace.Of(
        await log.KeptAfterAsync(municipality, Topics.Observations, cancellation), await log.KeptAfterAsync(municipality, Topics.Entities, cancellation));

    /// <summary>
    /// All that comes after <paramref name="from"/>, or from now on: first from the log, then as it happens, and from the log again for a reader that was too slow.
    /// Rides out failures. A batch without content tells how far the reading is.
    /// </summary>
    public async IAsyncEnumerable<LiveBatch> FollowAsync(string municipality, LogPlace? from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var place = from;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            await using var batches = FollowOnceAsync(municipality, place, cancellation).GetAsyncEnumerator(cancellation);
            while (true)
            {
                try
                {
                    if (!await batches.MoveNextAsync()) break;
                }
                catch (Exception fault) when (!cancellation.IsCancellationRequested && (fault is OperationCanceledException || Infrastructure.IsAtFault(fault)))
                {
                    await Task.Delay(PauseAfterFault, cancellation);
                    break;
                }
                place = batches.Current.After;
                yield return batches.Current;
            }
        }
    }

    async IAsyncEnumerable<LiveBatch> FollowOnceAsync(string municipality, LogPlace? from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var listening = await ListenAsync(municipality, cancellation);
        var place = listening.Subscription.Since;
        if (from is not null)
        {
            await foreach (var batch in listening.CatchUpAsync(from, listening.Subscription.Since, TopicsRead, cancellation))
            {
                place = batch.After;
                yield return batch;
            }
            place = place.Later(listening.Subscription.Since);
        }
        yield return new LiveBatch(place, place);
        while (!listening.Subscription.Ended.IsCancellationRequested)
        {
            if (!await listening.Subscription.WaitAsync(Timeout.InfiniteTimeSpan, cancellation)) continue;
            while (listening.Subscription.TryRead(out var batch)) yield return batch;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        stopping.Dispose();
    }
}

/// <summary>Somebody who listens to a municipality.</summary>
sealed class LiveListening(LiveFeed feed, LiveSubscription<LiveBatch> subscription) : IDisposable
{
    /// <summary>What comes.</summary>
    public LiveSubscription<LiveBatch> Subscription => subscription;

    /// <summary>What lies in the log after <paramref name="from"/> and up to <paramref name="to"/>.</summary>
    public IAsyncEnumerable<LiveBatch> CatchUpAsync(LogPlace from, LogPlace to, IReadOnlyList<string> topics, CancellationToken cancellation) =>
        feed.CatchUpAsync(from, to, topics, cancellation);

    public void Dispose() => subscription.Dispose();
}
