namespace Allmende.Observations.Live;

/// <summary>Bounds of what is pushed; section <c>Observations:Live</c>.</summary>
sealed class LiveOptions
{
    /// <summary>Live streams of one municipality.</summary>
    public int MostStreams { get; set; } = 2_000;
    /// <summary>Live streams of one caller: a client, a key, or an address of the public.</summary>
    public int MostStreamsOfCaller { get; set; } = 100;
    /// <summary>Subscribers of SensorThings topics of one municipality.</summary>
    public int MostTopics { get; set; } = 5_000;
    /// <summary>Subscribers of SensorThings topics of one caller.</summary>
    public int MostTopicsOfCaller { get; set; } = 1_000;
    /// <summary>How often a stream that has nothing to tell shows that it is alive.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(15);
    /// <summary>A subscriber that takes nothing for so long is cut off.</summary>
    public TimeSpan SlowestWrite { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>What may wait for one subscriber, in bytes; whose queue is longer is cut off.</summary>
    public long LongestQueue { get; set; } = 8 * 1024 * 1024;
    /// <summary>A stream opened with a credential ends after so long, and is opened again with one that still holds.</summary>
    public TimeSpan LongestWithCredential { get; set; } = TimeSpan.FromHours(1);
    /// <summary>A topic whose query takes longer is ended.</summary>
    public TimeSpan SlowestTopic { get; set; } = TimeSpan.FromSeconds(2);

    /// <exception cref="InvalidOperationException">With all faults.</exception>
    public LiveOptions Validated()
    {
        var faults = Faults().ToList();
        return faults.Count == 0 ? this : throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
    }

    IEnumerable<string> Faults()
    {
        if (MostStreams < 1 || MostStreamsOfCaller < 1) yield return "Observations:Live:MostStreams and MostStreamsOfCaller must be at least 1";
        if (MostTopics < 1 || MostTopicsOfCaller < 1) yield return "Observations:Live:MostTopics and MostTopicsOfCaller must be at least 1";
        if (Heartbeat <= TimeSpan.Zero || SlowestWrite <= TimeSpan.Zero || LongestWithCredential <= TimeSpan.Zero || SlowestTopic <= TimeSpan.Zero)
            yield return "Observations:Live: Heartbeat, SlowestWrite, LongestWithCredential and SlowestTopic must be longer than nothing";
        if (LongestQueue < 64 * 1024) yield return "Observations:Live:LongestQueue must be at least 65536";
    }
}
