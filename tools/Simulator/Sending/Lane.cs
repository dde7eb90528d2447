using Allmende.Simulator.LoRaWan;

namespace Allmende.Simulator.Sending;

/// <summary>
/// Messages that wait for one connection, in order. A device always uses the same lane, so its messages arrive in the order they were sent.
/// The lane holds a bounded number; when the platform is away for so long that it is full, the oldest go.
/// </summary>
sealed class Lane(int capacity) : IDisposable
{
    readonly Queue<Transmission> waiting = new();
    readonly SemaphoreSlim room = new(capacity);
    readonly SemaphoreSlim ready = new(0);
    Transmission? sending;

    /// <summary>Adds a message, after waiting for room.</summary>
    public async Task AddAsync(Transmission message, CancellationToken stop)
    {
        await room.WaitAsync(stop);
        Put(message);
    }

    /// <summary>Adds a message at once. Returns the oldest one, if that had to make room.</summary>
    public Transmission? Add(Transmission message)
    {
        if (room.Wait(0))
        {
            Put(message);
            return null;
        }
        lock (waiting)
        {
            waiting.Enqueue(message);
            return waiting.Dequeue();
        }
    }

    /// <summary>Takes the next message; it counts as unfinished until <see cref="Finish"/>.</summary>
    public async Task<Transmission> TakeAsync(CancellationToken stop)
    {
        await ready.WaitAsync(stop);
        lock (waiting)
            return sending = waiting.Dequeue();
    }

    /// <summary>The message taken last is done with.</summary>
    public void Finish()
    {
        lock (waiting)
            sending = null;
        room.Release();
    }

    /// <summary>Time of the oldest message that is not done with; null when all are.</summary>
    public DateTime? OldestUnfinished
    {
        get
        {
            lock (waiting)
                return sending?.Time ?? (waiting.TryPeek(out var next) ? next.Time : null);
        }
    }

    public void Dispose()
    {
        room.Dispose();
        ready.Dispose();
    }

    void Put(Transmission message)
    {
        lock (waiting)
            waiting.Enqueue(message);
        ready.Release();
    }
}
