namespace Allmende.Ingestion.Inbox;

/// <summary>Section <c>Ingestion:Inbox</c>: what is kept of senders that nobody has registered.</summary>
public sealed class InboxOptions
{
    /// <summary>Most names of one municipality that wait; the least recently seen go first. As many again may be ignored.</summary>
    public int MostNames { get; set; } = 500;
    /// <summary>How many of a name's uplinks are kept, its first ones.</summary>
    public int UplinksKept { get; set; } = 5;
    /// <summary>Largest payload that is kept, in bytes; of larger ones it is only noted that they came.</summary>
    public int LargestKept { get; set; } = 1024;
    /// <summary>A name that has not been seen for so long is forgotten; an ignored one is ignored for so long.</summary>
    public TimeSpan KeptFor { get; set; } = TimeSpan.FromDays(30);
    /// <summary>News is written so often.</summary>
    public TimeSpan WrittenEvery { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>How often what is over is removed, and uplinks of adopted devices that could not be taken at once are taken.</summary>
    public TimeSpan SweptEvery { get; set; } = TimeSpan.FromMinutes(1);

    internal IEnumerable<string> Faults()
    {
        if (MostNames < 1) yield return "Ingestion:Inbox:MostNames must be positive";
        if (UplinksKept is < 1 or > 100) yield return "Ingestion:Inbox:UplinksKept must be 1 to 100";
        if (LargestKept is < 1 or > 64 * 1024) yield return "Ingestion:Inbox:LargestKept must be 1 to 65536 bytes";
        foreach (var (name, time) in new[] { (nameof(KeptFor), KeptFor), (nameof(WrittenEvery), WrittenEvery), (nameof(SweptEvery), SweptEvery) })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:Inbox:{name} must be positive";
    }
}
