using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// ChirpStack v4's events other than <c>up</c> (<c>integration.*Event</c> as JSON). What a field of theirs would say by being left out is not guessed: a
/// battery level that is not there is not known.
/// </summary>
static class ChirpStackEvents
{
    const int LongestDescription = 16 * 1024;

    /// <summary>Reads the event of that name; null for events that say nothing of a device's state.</summary>
    public static UplinkReader? ReaderOf(string name) => name switch
    {
        "up" => ChirpStack.Read,
        "join" => static (ref json, ref message) => Read(SignalKind.Join, ref json, ref message),
        "status" => static (ref json, ref message) => Read(SignalKind.Status, ref json, ref message),
        "ack" => static (ref json, ref message) => Read(SignalKind.DownlinkUnacknowledged, ref json, ref message),
        "txack" => static (ref json, ref message) => Read(SignalKind.DownlinkSent, ref json, ref message),
        "log" => static (ref json, ref message) => Read(SignalKind.Log, ref json, ref message),
        "location" => static (ref json, ref message) => Read(SignalKind.Location, ref json, ref message),
        "integration" => static (ref json, ref message) => Read(SignalKind.Service, ref json, ref message),
        _ => null,
    };

    static void Read(SignalKind kind, ref JsonFields json, ref UplinkMessage message)
    {
        string? first = null, second = null;
        var noBattery = false;
        var signal = new DeviceSignal("", kind, default);
        while (json.NextField())
        {
            if (json.Is("deviceInfo"u8)) ChirpStack.ReadDevice(ref json, ref message);
            else if (json.Is("time"u8)) message.Time = json.Time("time");
            else if (json.Is("margin"u8)) signal = signal with { Margin = json.Double("margin") };
            else if (json.Is("externalPowerSource"u8)) signal = signal with { ExternalPower = json.Boolean("externalPowerSource") };
            else if (json.Is("batteryLevelUnavailable"u8)) noBattery = json.Boolean("batteryLevelUnavailable") == true;
            else if (json.Is("batteryLevel"u8)) signal = signal with { BatteryLevel = json.Percent("batteryLevel") };
            else if (json.Is("queueItemId"u8)) signal = signal with { Downlink = json.Text("queueItemId") };
            else if (json.Is("acknowledged"u8)) signal = signal with { Kind = json.Boolean("acknowledged") == true ? SignalKind.DownlinkAcknowledged : kind };
            else if (json.Is("level"u8)) signal = signal with { Level = json.Text("level") };
            else if (json.Is("code"u8)) first = json.Text("code");
            else if (json.Is("integrationName"u8)) first = json.Text("integrationName");
            else if (json.Is("description"u8)) second = json.Text("description", LongestDescription);
            else if (json.Is("eventType"u8)) second = json.Text("eventType");
            else if (json.Is("location"u8)) signal = signal with { Location = GeoPoint.Read(ref json, "location") };
            else json.Skip();
        }
        // From outside, or from a battery that does not tell its level: ChirpStack writes 0 for it.
        if (noBattery || signal.ExternalPower == true) signal = signal with { BatteryLevel = null };
        message.Signal = signal with { Text = first is null ? second : second is null ? first : $"{first}: {second}" };
    }
}
