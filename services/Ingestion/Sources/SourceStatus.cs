namespace Allmende.Ingestion.Sources;

/// <summary>How a running source stands, until that is written.</summary>
sealed class SourceStatus(SourceState? before)
{
    const int LongestError = 500;
    static readonly TimeSpan ToldEvery = TimeSpan.FromSeconds(15);

    readonly Lock gate = new();
    readonly SemaphoreSlim news = new(1, 1);
    SourceState state = new("disconnected", DateTime.UtcNow, null, null, null, 0, 0) { Subscribed = before?.Subscribed ?? [] };
    long taken, refused, toldAt;
    bool hasNews = true;

    /// <summary>The topics that the session at the broker has.</summary>
    public IReadOnlyList<string> Subscribed
    {
        get { lock (gate) return state.Subscribed; }
        set { Change(state => state with { Subscribed = value }, atOnce: true); }
    }

    public void Connected() => Change(static state => state with { State = "connected", Since = DateTime.UtcNow }, atOnce: true);

    /// <summary>The connection ended, or could not be had.</summary>
    public void Disconnected(string? fault)
    {
        if (fault is not null) Fault(fault);
        Change(static state => state.State == "disconnected" ? state : state with { State = "disconnected", Since = DateTime.UtcNow }, atOnce: true);
    }

    public void Fault(string fault) =>
        Change(state => state with { LastError = fault.Length > LongestError ? fault[..LongestError] : fault, LastErrorAt = DateTime.UtcNow }, atOnce: false);

    /// <summary>A message was dealt with.</summary>
    public void Count(bool isTaken, string? fault)
    {
        if (fault is not null) Fault(Signals.DeviceSignal.Clean(fault)!);
        Change(static state => state with { LastMessageAt = DateTime.UtcNow }, atOnce: false);
        if (isTaken) Interlocked.Increment(ref taken);
        else Interlocked.Increment(ref refused);
    }

    /// <summary>What is to be written; null if nothing has changed. Now and then it is written all the same, so that others see that somebody runs the source.</summary>
    public (SourceState State, long Taken, long Refused)? Take()
    {
        lock (gate)
        {
            if (!hasNews && Environment.TickCount64 - toldAt < ToldEvery.TotalMilliseconds) return null;
            (hasNews, toldAt) = (false, Environment.TickCount64);
            return (state, Interlocked.Exchange(ref taken, 0), Interlocked.Exchange(ref refused, 0));
        }
    }

    /// <summary>It could not be written.</summary>
    public void GiveBack(long takenBefore, long refusedBefore)
    {
        Interlocked.Add(ref taken, takenBefore);
        Interlocked.Add(ref refused, refusedBefore);
        lock (gate) hasNews = true;
    }

    /// <summary>Waits for news that are to be written at once, or for the time when the others are.</summary>
    public Task WhenNewsAsync(TimeSpan atMost, CancellationToken cancellation) => news.WaitAsync(atMost, cancellation);

    void Change(Func<SourceState, SourceState> change, bool atOnce)
    {
        lock (gate)
        {
            state = change(state);
            hasNews = true;
            if (atOnce && news.CurrentCount == 0) news.Release();
        }
    }
}
