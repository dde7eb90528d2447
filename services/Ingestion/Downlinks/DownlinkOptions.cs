namespace Allmende.Ingestion.Downlinks;

/// <summary>Section <c>Ingestion:Downlinks</c>.</summary>
public sealed class DownlinkOptions
{
    /// <summary>Network servers may have private, loopback and link-local addresses, and be spoken to without TLS: where they stand beside the platform.</summary>
    public bool AllowPrivateAddresses { get; set; }
    /// <summary>Downlinks of one device that wait.</summary>
    public int MostWaiting { get; set; } = 20;
    /// <summary>Ways of one municipality.</summary>
    public int MostWays { get; set; } = 50;
    /// <summary>How long a downlink is worth sending if its sender does not say.</summary>
    public TimeSpan ValidFor { get; set; } = TimeSpan.FromDays(1);
    /// <summary>How long it may be at most.</summary>
    public TimeSpan LongestValidFor { get; set; } = TimeSpan.FromDays(30);
    /// <summary>A network server answers within so long.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
    /// <summary>Who has not said within so long what came of an attempt is taken for dead, and another process sends again.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(40);
    /// <summary>Pause after the first failure; it doubles with each further one.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>Longest of these pauses.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromMinutes(15);
    /// <summary>How often a municipality is looked through for what is due, has expired, or was left by a process that died. What is queued here is seen at once.</summary>
    public TimeSpan SweptEvery { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>The same where nothing waits and nobody listens: seldom, so that it costs no connection to the municipality's database.</summary>
    public TimeSpan LookedForEvery { get; set; } = TimeSpan.FromSeconds(60);
    /// <summary>Downlinks that go one way at the same time.</summary>
    public int AtOnce { get; set; } = 8;

    internal IEnumerable<string> Faults()
    {
        foreach (var (name, time) in new[] { (nameof(ValidFor), ValidFor), (nameof(Timeout), Timeout), (nameof(FirstPause), FirstPause), (nameof(SweptEvery), SweptEvery), (nameof(LookedForEvery), LookedForEvery) })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:Downlinks:{name} must be positive";
        if (LongestValidFor < ValidFor) yield return "Ingestion:Downlinks:LongestValidFor must not be shorter than ValidFor";
        if (LongestPause < FirstPause) yield return "Ingestion:Downlinks:LongestPause must not be shorter than FirstPause";
        if (Lease < Timeout * 2) yield return "Ingestion:Downlinks:Lease must be at least twice Timeout";
        foreach (var (name, number) in new[] { (nameof(MostWaiting), MostWaiting), (nameof(MostWays), MostWays), (nameof(AtOnce), AtOnce) })
            if (number < 1) yield return $"Ingestion:Downlinks:{name} must be positive";
    }
}
