namespace Allmende.OpenData;

/// <summary>Configuration of OpenData; section <c>OpenData</c>.</summary>
sealed class OpenDataOptions
{
    /// <summary>Downloads of one municipality that run at the same time.</summary>
    public int ConcurrentExports { get; set; } = 8;

    /// <summary>Downloads of one municipality that wait for their turn; more are turned away.</summary>
    public int QueuedExports { get; set; } = 32;

    /// <summary>A client that takes less than so many bytes per second has left or holds up others, and is cut off.</summary>
    public int SlowestBytesPerSecond { get; set; } = 1024;

    /// <summary>A query that yields nothing for so long has failed.</summary>
    public TimeSpan UpstreamSilence { get; set; } = TimeSpan.FromSeconds(30);

    /// <exception cref="InvalidOperationException">With all faults.</exception>
    public OpenDataOptions Validated()
    {
        var faults = Faults().ToList();
        return faults.Count == 0 ? this : throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
    }

    IEnumerable<string> Faults()
    {
        if (ConcurrentExports < 1) yield return "OpenData:ConcurrentExports must be at least 1";
        if (QueuedExports < 0) yield return "OpenData:QueuedExports must not be negative";
        if (SlowestBytesPerSecond < 1) yield return "OpenData:SlowestBytesPerSecond must be at least 1";
        if (UpstreamSilence <= TimeSpan.Zero) yield return "OpenData:UpstreamSilence must be longer than nothing";
    }
}
