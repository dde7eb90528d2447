using System.Threading.Channels;

namespace Allmende.Observations.Live;

/// <summary>
/// A subscriber's queue. It holds references to what all share, up to a bound in bytes; who lets it grow longer is cut off at once and resumes from where it
/// was, out of the log.
/// </summary>
/// <typeparam name="T">What is queued.</typeparam>
/// <param name="since">Everything after this place comes through the queue.</param>
/// <param name="mostBytes">The bound.</param>
/// <param name="leave">Takes it off the list of subscribers.</param>
sealed class LiveSubscription<T>(LogPlace since, long mostBytes, Action<LiveSubscription<T>> leave) : IDisposable
{
    readonly Channel<(T Item, long Bytes)> queue = Channel.CreateUnbounded<(T, long)>();
    readonly CancellationTokenSource ended = new();
    long queuedBytes;

    /// <summary>Everything after this place comes through the queue.</summary>
    public LogPlace Since => since;

    /// <summary>Cancelled when there will be no more: the subscriber was too slow, or the reading broke off.</summary>
    public CancellationToken Ended => ended.Token;

    /// <summary>Waits for something to read; false after <paramref name="patience"/>.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/>, or the subscription has ended.</exception>
    public async ValueTask<bool> WaitAsync(TimeSpan patience, CancellationToken cancellation)
    {
        if (queue.Reader.TryPeek(out _)) return true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, ended.Token);
        limit.CancelAfter(patience);
        try
        {
            await queue.Reader.WaitToReadAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && !ended.IsCancellationRequested)
        {
            return false;
        }
    }

    public bool TryRead(out T item)
    {
        item = default!;
        if (ended.IsCancellationRequested || !queue.Reader.TryRead(out var entry)) return false;
        Interlocked.Add(ref queuedBytes, -entry.Bytes);
        item = entry.Item;
        return true;
    }

    /// <summary>False if there is no more room: then it has to end.</summary>
    public bool Offer(T item, long bytes)
    {
        // One item alone always has room: however long it is, a subscriber that takes what it gets must get it.
        var total = Interlocked.Add(ref queuedBytes, bytes);
        return (total <= mostBytes || total == bytes) && queue.Writer.TryWrite((item, bytes));
    }

    /// <summary>There will be no more.</summary>
    public void End()
    {
        ended.Cancel();
        while (queue.Reader.TryRead(out _)) { }
    }

    public void Dispose()
    {
        leave(this);
        ended.Cancel();
    }
}

/// <summary>Those who listen to the same, with the place up to which it was handed out to them.</summary>
sealed class LiveAudience<T>
{
    readonly Lock subscribersLock = new();
    readonly List<LiveSubscription<T>> subscribers = [];
    readonly Action emptied;
    LogPlace place;
    bool ended;

    /// <param name="from">The place that the reading begins at.</param>
    /// <param name="emptied">Called when the last one has left; then nobody comes any more.</param>
    public LiveAudience(LogPlace from, Action emptied) => (place, this.emptied) = (from, emptied);

    /// <summary>Takes part from now on; null if the reading has ended.</summary>
    public LiveSubscription<T>? Join(long mostBytes)
    {
        lock (subscribersLock)
        {
            if (ended) return null;
            var subscription = new LiveSubscription<T>(place, mostBytes, Leave);
            subscribers.Add(subscription);
            return subscription;
        }
    }

    /// <summary>Where the reading stands.</summary>
    public LogPlace Place { get { lock (subscribersLock) return place; } }

    /// <summary>Hands out what <paramref name="make"/> makes for the places before and after; who has no room is let go.</summary>
    /// <returns>How many were let go.</returns>
    public int HandOut(Func<LogPlace, LogPlace> advance, Func<LogPlace, LogPlace, (T Item, long Bytes)> make)
    {
        List<LiveSubscription<T>>? slow = null;
        lock (subscribersLock)
        {
            var before = place;
            place = advance(before);
            var (item, bytes) = make(before, place);
            for (var i = subscribers.Count - 1; i >= 0; i--)
            {
                if (subscribers[i].Offer(item, bytes)) continue;
                (slow ??= []).Add(subscribers[i]);
                subscribers.RemoveAt(i);
            }
        }
        // Whoever waits there goes on at once, perhaps here: not under the lock.
        slow?.ForEach(subscription => subscription.End());
        return slow?.Count ?? 0;
    }

    /// <summary>True when nobody can take part any more.</summary>
    public bool HasEnded { get { lock (subscribersLock) return ended; } }

    /// <summary>Ends the reading if nobody takes part.</summary>
    public void CloseIfEmpty()
    {
        lock (subscribersLock)
        {
            if (subscribers.Count > 0 || ended) return;
            ended = true;
        }
        emptied();
    }

    /// <summary>Nobody comes any more and nothing is handed out; who is there reads what it has.</summary>
    public void Close() { lock (subscribersLock) ended = true; }

    /// <summary>Lets everybody go.</summary>
    public void End()
    {
        LiveSubscription<T>[] all;
        lock (subscribersLock)
        {
            ended = true;
            all = [.. subscribers];
            subscribers.Clear();
        }
        foreach (var subscription in all) subscription.End();
    }

    void Leave(LiveSubscription<T> subscription)
    {
        lock (subscribersLock) subscribers.Remove(subscription);
        CloseIfEmpty();
    }
}
