namespace Allmende.Streams.Codecs;

/// <summary>How codecs are run; section <c>Codecs</c>.</summary>
public sealed class CodecOptions
{
    /// <summary>Node.js, 20 or later.</summary>
    public string Node { get; set; } = "node";

    /// <summary>Processes that run codecs side by side. One decodes some 40,000 uplinks a second.</summary>
    public int Hosts { get; set; } = 1;

    /// <summary>Processor time that one call may take.</summary>
    public TimeSpan ProcessorTime { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Memory that one call may take.</summary>
    public int Megabytes { get; set; } = 32;

    /// <summary>Calls of one municipality that are run before it is another's turn.</summary>
    public int Turn { get; set; } = 128;

    /// <summary>Calls that one municipality may have waiting; more are refused, and tried again later.</summary>
    public int MostWaiting { get; set; } = 20_000;

    /// <summary>A host that is silent for so long while it has work is taken for dead. Generous: on a machine under load it may just wait for its turn.</summary>
    public TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Kills of one codec within a minute that put it in quarantine.</summary>
    public int StrikesToQuarantine { get; set; } = 3;

    /// <summary>Length of the first quarantine; each further one within an hour is twice as long, up to 15 minutes.</summary>
    public TimeSpan FirstQuarantine { get; set; } = TimeSpan.FromSeconds(30);

    internal IEnumerable<string> Faults()
    {
        if (Hosts is < 1 or > 64) yield return "Codecs:Hosts must be 1 to 64";
        if (ProcessorTime < TimeSpan.FromMilliseconds(10)) yield return "Codecs:ProcessorTime must be at least 10 ms";
        if (Megabytes is < 8 or > 1024) yield return "Codecs:Megabytes must be 8 to 1024";
        if (Turn is < 1 or > 10_000) yield return "Codecs:Turn must be 1 to 10000";
        if (MostWaiting < Turn) yield return "Codecs:MostWaiting must not be less than Codecs:Turn";
        if (Silence < TimeSpan.FromSeconds(1)) yield return "Codecs:Silence must be at least 1 s";
        if (StrikesToQuarantine < 1) yield return "Codecs:StrikesToQuarantine must be at least 1";
        if (FirstQuarantine <= TimeSpan.Zero) yield return "Codecs:FirstQuarantine must be longer than nothing";
    }
}
