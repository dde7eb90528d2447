namespace Allmende.Ingestion.Sources;

/// <summary>Section <c>Ingestion:Sources</c>: brokers of others that uplinks are taken from.</summary>
public sealed class SourceOptions
{
    /// <summary>Whether a source may be at a private, loopback or link-local address: where a town's broker stands beside the platform.</summary>
    public bool AllowPrivateAddresses { get; set; }
    /// <summary>Sources of one municipality.</summary>
    public int MostSources { get; set; } = 20;
    /// <summary>What is to run is compared with the database so often; a change made here is seen at once.</summary>
    public TimeSpan ComparedEvery { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>The same for a municipality that has no source: seldom, so that it costs no connection to its database.</summary>
    public TimeSpan LookedForEvery { get; set; } = TimeSpan.FromSeconds(60);
    /// <summary>How a source stands is written so often.</summary>
    public TimeSpan StateWrittenEvery { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>How long a connection may take, and each answer of the broker.</summary>
    public TimeSpan AnswerAwaited { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>We show that we live so often; a broker that has not shown it for one and a half times as long is given up.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(30);
    /// <summary>First pause before the next attempt; it doubles with each.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(1);
    /// <summary>Longest pause before the next attempt.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(1);
    /// <summary>Messages of one source that are on their way into the log at once; more are not read.</summary>
    public int ReceiveMaximum { get; set; } = 64;
    /// <summary>Largest packet that is read.</summary>
    public int LargestPacket { get; set; } = 2 * 1024 * 1024;
    /// <summary>How long the broker shall keep our session, and what waits in it, while we are away.</summary>
    public TimeSpan SessionKept { get; set; } = TimeSpan.FromDays(7);

    internal IEnumerable<string> Faults(int largestUplink)
    {
        foreach (var (name, time) in new[]
        {
            (nameof(ComparedEvery), ComparedEvery), (nameof(LookedForEvery), LookedForEvery), (nameof(StateWrittenEvery), StateWrittenEvery), (nameof(AnswerAwaited), AnswerAwaited), (nameof(KeepAlive), KeepAlive),
            (nameof(FirstPause), FirstPause), (nameof(LongestPause), LongestPause), (nameof(SessionKept), SessionKept),
        })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:Sources:{name} must be positive";
        if (KeepAlive.TotalSeconds > ushort.MaxValue) yield return "Ingestion:Sources:KeepAlive must be at most 65535 s";
        if (SessionKept.TotalSeconds >= uint.MaxValue) yield return "Ingestion:Sources:SessionKept must be less than 136 years";
        if (MostSources < 1) yield return "Ingestion:Sources:MostSources must be positive";
        if (ReceiveMaximum is < 1 or > ushort.MaxValue) yield return "Ingestion:Sources:ReceiveMaximum must be 1 to 65535";
        if (LargestPacket < largestUplink + 2048) yield return "Ingestion:Sources:LargestPacket must be at least 2048 more than Ingestion:LargestUplink";
    }
}
