namespace Allmende.Ingestion.Watch;

/// <summary>Section <c>Ingestion:Watch</c>: when a device counts as silent or weak.</summary>
public sealed class WatchOptions
{
    /// <summary>How often all devices are looked at.</summary>
    public TimeSpan Every { get; set; } = TimeSpan.FromMinutes(1);
    /// <summary>So many uplinks in a row are missing from a silent device.</summary>
    public int MissedUplinks { get; set; } = 3;
    /// <summary>A battery below so many percent is low …</summary>
    public double LowBattery { get; set; } = 20;
    /// <summary>… until it has so many again.</summary>
    public double EnoughBattery { get; set; } = 25;
    /// <summary>An uplink received with so many dBm or less is weak.</summary>
    public double WeakRssi { get; set; } = -120;
    /// <summary>An uplink with less than so many dB above what its spreading factor needs is weak.</summary>
    public double WeakSnrMargin { get; set; } = 3;
    /// <summary>An uplink with this spreading factor or a greater one is weak: there is no more robust one to turn to.</summary>
    public int WeakSpreadingFactor { get; set; } = 12;
    /// <summary>A device is weak after so many weak uplinks in a row …</summary>
    public int WeakUplinks { get; set; } = 5;
    /// <summary>… until so many good ones in a row.</summary>
    public int GoodUplinks { get; set; } = 3;
    /// <summary>More lost frames at once are a jump of the counter.</summary>
    public int MostLostAtOnce { get; set; } = 10;
    /// <summary>A counter that falls to this or less says that the device was restarted, or has joined again.</summary>
    public int RestartsAtMost { get; set; } = 8;
    /// <summary>A jump, a restart or a replay is shown for so long.</summary>
    public TimeSpan IncidentsShownFor { get; set; } = TimeSpan.FromDays(1);
    /// <summary>A clock that differs more from ours is off.</summary>
    public TimeSpan MostClockOff { get; set; } = TimeSpan.FromHours(1);

    internal IEnumerable<string> Faults()
    {
        foreach (var (name, number) in new[]
        {
            (nameof(MissedUplinks), MissedUplinks), (nameof(WeakUplinks), WeakUplinks), (nameof(GoodUplinks), GoodUplinks), (nameof(MostLostAtOnce), MostLostAtOnce),
            (nameof(WeakSpreadingFactor), WeakSpreadingFactor),
        })
            if (number < 1) yield return $"Ingestion:Watch:{name} must be positive";
        if (RestartsAtMost < 0) yield return "Ingestion:Watch:RestartsAtMost must not be negative";
        if (LowBattery > EnoughBattery) yield return "Ingestion:Watch:EnoughBattery must not be less than LowBattery";
        foreach (var (name, time) in new[] { (nameof(Every), Every), (nameof(IncidentsShownFor), IncidentsShownFor), (nameof(MostClockOff), MostClockOff) })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:Watch:{name} must be positive";
    }
}
