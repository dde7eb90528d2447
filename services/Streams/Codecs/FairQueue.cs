namespace Allmende.Streams.Codecs;

/// <summary>
/// Work that waits, fair between municipalities: each is given one turn after the other, however much it has waiting, and is never worked
/// on by two lanes at once, so that one of several lanes is the most that a bad codec can hold up.
/// Within a municipality, pieces of work take turns as well.
/// </summary>
sealed class FairQueue(int mostWaiting) : IDisposable
{
    readonly Lock gate = new();
    readonly Dictionary<string, Line> lines = new(StringComparer.Ordinal);
    readonly LinkedList<Line> ready = new();
    readonly SemaphoreSlim turns = new(0);

    sealed class Line
    {
        public readonly Queue<CodecWork> Work = new();
        public int Calls, OfTaken;
        public bool Taken, IsReady;
    }

    /// <summary>Adds work.</summary>
    /// <returns>False when the municipality has too much waiting.</returns>
    public bool TryAdd(CodecWork work)
    {
        lock (gate)
        {
            if (!lines.TryGetValue(work.Municipality, out var line)) lines.Add(work.Municipality, line = new Line());
            // A single piece may be larger than the limit; the limit is for what piles up.
            if (line.Calls > 0 && line.Calls + work.Waiting > mostWaiting) return false;
            line.Calls += work.Waiting;
            line.Work.Enqueue(work);
            MakeReady(line);
            return true;
        }
    }

    /// <summary>The work whose turn it is; it must be given back.</summary>
    public async Task<CodecWork> TakeAsync(CancellationToken cancellation)
    {
        await turns.WaitAsync(cancellation);
        lock (gate)
        {
            var line = ready.First!.Value;
            ready.RemoveFirst();
            line.IsReady = false;
            line.Taken = true;
            var work = line.Work.Dequeue();
            line.OfTaken = work.Waiting;
            return work;
        }
    }

    /// <summary>Ends a turn: unfinished work goes to the end of its municipality's line, and the municipality to the end of all.</summary>
    public void GiveBack(CodecWork work)
    {
        lock (gate)
        {
            var line = lines[work.Municipality];
            line.Taken = false;
            line.Calls -= line.OfTaken;
            if (!work.IsOver)
            {
                line.Calls += work.Waiting;
                line.Work.Enqueue(work);
            }
            if (line.Work.Count > 0) MakeReady(line);
            else lines.Remove(work.Municipality);
        }
    }

    public void Dispose() => turns.Dispose();

    void MakeReady(Line line)
    {
        if (line.Taken || line.IsReady) return;
        line.IsReady = true;
        ready.AddLast(line);
        turns.Release();
    }
}
