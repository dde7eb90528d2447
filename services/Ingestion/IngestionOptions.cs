using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Inbox;
using Allmende.Ingestion.Mqtt;
using Allmende.Ingestion.Sources;
using Allmende.Ingestion.Watch;

namespace Allmende.Ingestion;

/// <summary>Section <c>Ingestion</c>; the defaults suit one machine and a town of some hundred thousand.</summary>
public sealed class IngestionOptions
{
    /// <summary>Largest body of an uplink. A network server's message has 2 to 20 kB, more with many gateways.</summary>
    public int LargestUplink { get; set; } = 256 * 1024;
    /// <summary>No uplink is older: a device whose clock was never set says 1970 or 1980.</summary>
    public DateTimeOffset EarliestTime { get; set; } = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    /// <summary>How far ahead of our clock an uplink's time may be. What is ahead by minutes is taken, and flagged by Streams.</summary>
    public TimeSpan MostTimeAhead { get; set; } = TimeSpan.FromDays(1);
    /// <summary>
    /// Uplinks of one municipality: by default so small a part of what the processors can take, decode and store that its neighbours hardly notice (an uplink alone costs several
    /// times what it does among many), and so many at once that a network server can deliver what it kept during an outage.
    /// </summary>
    public RateOptions MunicipalityRate { get; set; } = new() { PerSecond = 50 * Environment.ProcessorCount, Burst = 500 * Environment.ProcessorCount };
    /// <summary>Uplinks of one device: a fifth of a municipality's, so that its fellow devices do not notice, and at once what it kept while it had no connection.</summary>
    public RateOptions DeviceRate { get; set; } = new() { PerSecond = 10 * Environment.ProcessorCount, Burst = 500 };
    /// <summary>Municipalities, by id, that may send more or less than <see cref="MunicipalityRate"/> says.</summary>
    public Dictionary<string, RateOptions> MunicipalityRates { get; set; } = new(StringComparer.Ordinal);
    /// <summary>Municipalities, by id, each of whose devices may send more or less than <see cref="DeviceRate"/> says.</summary>
    public Dictionary<string, RateOptions> DeviceRates { get; set; } = new(StringComparer.Ordinal);
    /// <summary>Refusals of one municipality for sending too much that are answered at once; the others are held back until it is their turn.</summary>
    public RateOptions RefusalRate { get; set; } = new() { PerSecond = 20, Burst = 20 };
    /// <summary>The longest that a refusal is held back; less than what clients have patience for.</summary>
    public TimeSpan LongestHold { get; set; } = TimeSpan.FromSeconds(2);
    /// <summary>Back-pressure: with more uplinks of a municipality waiting to be decoded, its doors ask to come back later.</summary>
    public long MostWaitingUplinks { get; set; } = 50_000;
    /// <summary>How often the number of waiting uplinks is looked up.</summary>
    public TimeSpan WaitingUplinksEvery { get; set; } = TimeSpan.FromSeconds(1);
    /// <summary>What the doors know of devices is compared with the database so often; another instance's change is seen by then.</summary>
    public TimeSpan DevicesRefreshedEvery { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>A device that has not sent for so long is no longer kept in memory.</summary>
    public TimeSpan DevicesKeptFor { get; set; } = TimeSpan.FromHours(2);
    /// <summary>Most devices (and as many unknown names) of one municipality that are kept in memory.</summary>
    public int MostDevicesKept { get; set; } = 100_000;
    /// <summary>When a device was last heard of is written so often; what a crash loses is the last few seconds of that.</summary>
    public TimeSpan LastSeenWrittenEvery { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>How long a registration waits for Observations to serve the Thing.</summary>
    public TimeSpan ThingAwaited { get; set; } = TimeSpan.FromSeconds(3);
    /// <summary>The outbox is looked through so often for what another instance left in it when it died: seldom, so that it costs no connection to the municipality's database.</summary>
    public TimeSpan OutboxSweptEvery { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Mappings of one municipality.</summary>
    public int MostMappings { get; set; } = 200;
    /// <summary>Readings of one message that a mapping takes apart.</summary>
    public int MostReadings { get; set; } = 500;

    /// <summary>The MQTT door.</summary>
    public MqttOptions Mqtt { get; set; } = new();
    /// <summary>The inbox of unknown senders.</summary>
    public InboxOptions Inbox { get; set; } = new();
    /// <summary>The watch over the devices.</summary>
    public WatchOptions Watch { get; set; } = new();
    /// <summary>Other people's brokers.</summary>
    public SourceOptions Sources { get; set; } = new();
    /// <summary>What is sent to devices.</summary>
    public DownlinkOptions Downlinks { get; set; } = new();

    internal RateOptions RateOf(string municipality) => MunicipalityRates.GetValueOrDefault(municipality, MunicipalityRate);

    internal RateOptions DeviceRateOf(string municipality) => DeviceRates.GetValueOrDefault(municipality, DeviceRate);

    internal IEnumerable<string> Faults()
    {
        foreach (var fault in Mqtt.Faults(LargestUplink).Concat(Inbox.Faults()).Concat(Watch.Faults()).Concat(Sources.Faults(LargestUplink)).Concat(Downlinks.Faults())) yield return fault;
        if (LargestUplink is < 1024 or > 900 * 1024) yield return "Ingestion:LargestUplink must be 1024 to 921600 bytes";
        var rates = new[] { (nameof(MunicipalityRate), MunicipalityRate), (nameof(DeviceRate), DeviceRate), (nameof(RefusalRate), RefusalRate) }
            .Concat(MunicipalityRates.Select(one => ($"{nameof(MunicipalityRates)}:{one.Key}", one.Value)))
            .Concat(DeviceRates.Select(one => ($"{nameof(DeviceRates)}:{one.Key}", one.Value)));
        foreach (var (name, rate) in rates)
            if (rate.PerSecond < 1 || rate.Burst < 1) yield return $"Ingestion:{name} must be at least 1 per second with a burst of at least 1";
        if (MostWaitingUplinks < 1) yield return "Ingestion:MostWaitingUplinks must be positive";
        if (MostDevicesKept < 1) yield return "Ingestion:MostDevicesKept must be positive";
        if (MostMappings < 1) yield return "Ingestion:MostMappings must be positive";
        if (MostReadings < 1) yield return "Ingestion:MostReadings must be positive";
        if (MostTimeAhead < TimeSpan.Zero) yield return "Ingestion:MostTimeAhead must not be negative";
        foreach (var (name, time) in new[]
        {
            (nameof(WaitingUplinksEvery), WaitingUplinksEvery), (nameof(DevicesRefreshedEvery), DevicesRefreshedEvery), (nameof(DevicesKeptFor), DevicesKeptFor),
            (nameof(LastSeenWrittenEvery), LastSeenWrittenEvery), (nameof(OutboxSweptEvery), OutboxSweptEvery),
        })
            if (time <= TimeSpan.Zero) yield return $"Ingestion:{name} must be positive";
        if (LongestHold < TimeSpan.Zero || LongestHold > TimeSpan.FromSeconds(30)) yield return "Ingestion:LongestHold must be 0 to 30 s";
        if (ThingAwaited < TimeSpan.Zero) yield return "Ingestion:ThingAwaited must not be negative";
    }
}

/// <summary>A token bucket.</summary>
public sealed class RateOptions
{
    /// <summary>What is allowed in the long run.</summary>
    public int PerSecond { get; set; }
    /// <summary>What is allowed at once after a rest.</summary>
    public int Burst { get; set; }
}
