namespace Allmende.Ingestion.Signals;

/// <summary>What a network server tells of a device beside its uplinks.</summary>
/// <param name="Device">The device's id.</param>
/// <param name="Kind">What it tells of.</param>
/// <param name="At">When it happened, as the network server says.</param>
public sealed record DeviceSignal(string Device, SignalKind Kind, DateTimeOffset At)
{
    /// <summary>Longest text that is kept.</summary>
    public const int LongestText = 1000;

    /// <summary>Percent; null where the device does not know it, or has no battery.</summary>
    public double? BatteryLevel { get; init; }

    /// <summary>Whether the device has power from outside.</summary>
    public bool? ExternalPower { get; init; }

    /// <summary>Link margin of the last downlink at the device, dB.</summary>
    public double? Margin { get; init; }

    /// <summary>How grave a log entry is, as the network server calls it: <c>INFO</c>, <c>WARNING</c>, <c>ERROR</c>.</summary>
    public string? Level { get; init; }

    /// <summary>What a person should read: the log entry, why a downlink failed, the service that tells something.</summary>
    public string? Text { get; init; }

    /// <summary>Names the downlink that is meant, as whoever queued it was told or has said.</summary>
    public string? Downlink { get; init; }

    /// <summary>Longitude, latitude, and height in metres where it is known.</summary>
    public double[]? Location { get; init; }

    /// <summary>The text as it is kept: without control characters, and cut where it is too long.</summary>
    internal static string? Clean(string? text)
    {
        if (text is null) return null;
        var length = Math.Min(text.Length, LongestText);
        if (length < text.Length && char.IsHighSurrogate(text[length - 1])) length--;
        return string.Create(length, text, static (clean, text) =>
        {
            for (var i = 0; i < clean.Length; i++) clean[i] = char.IsControl(text[i]) ? ' ' : text[i];
        });
    }
}

/// <summary>What a signal tells of. Their names are part of the API: <c>join</c>, <c>downlink_sent</c>, …</summary>
public enum SignalKind
{
    /// <summary>The device joined the network.</summary>
    Join,
    /// <summary>Battery and link margin.</summary>
    Status,
    /// <summary>A downlink waits for its turn.</summary>
    DownlinkQueued,
    /// <summary>A downlink is in the air.</summary>
    DownlinkSent,
    /// <summary>The device has confirmed a downlink.</summary>
    DownlinkAcknowledged,
    /// <summary>The device has not confirmed a downlink.</summary>
    DownlinkUnacknowledged,
    /// <summary>A downlink could not be sent.</summary>
    DownlinkFailed,
    /// <summary>The network server has something to say: a codec that fails, a counter that went back.</summary>
    Log,
    /// <summary>Where the device is, as the network reckons.</summary>
    Location,
    /// <summary>Something of a service of the network server.</summary>
    Service,
}
