using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// What The Things Stack sends beside uplinks, each in a field of its own of <c>ttn.lorawan.v3.ApplicationUp</c>: join_accept, downlink_queued, downlink_sent,
/// downlink_ack, downlink_nack, downlink_failed, location_solved, service_data.
/// </summary>
static class TheThingsStackEvents
{
    /// <summary>Reads the field if it is one of them; else it is still to be read.</summary>
    public static bool TryRead(ref JsonFields json, ref UplinkMessage message)
    {
        if (json.Is("join_accept"u8)) Take(SignalKind.Join, ref json, ref message, "join_accept");
        else if (json.Is("downlink_queued"u8)) Take(SignalKind.DownlinkQueued, ref json, ref message, "downlink_queued");
        else if (json.Is("downlink_sent"u8)) Take(SignalKind.DownlinkSent, ref json, ref message, "downlink_sent");
        else if (json.Is("downlink_ack"u8)) Take(SignalKind.DownlinkAcknowledged, ref json, ref message, "downlink_ack");
        else if (json.Is("downlink_nack"u8)) Take(SignalKind.DownlinkUnacknowledged, ref json, ref message, "downlink_nack");
        else if (json.Is("downlink_failed"u8)) Take(SignalKind.DownlinkFailed, ref json, ref message, "downlink_failed");
        else if (json.Is("location_solved"u8)) Take(SignalKind.Location, ref json, ref message, "location_solved");
        else if (json.Is("service_data"u8)) Take(SignalKind.Service, ref json, ref message, "service_data");
        else return false;
        return true;
    }

    static void Take(SignalKind kind, ref JsonFields json, ref UplinkMessage message, string field)
    {
        if (!json.Object(field)) return;
        var signal = new DeviceSignal("", kind, default);
        while (json.NextField())
        {
            if (json.Is("correlation_ids"u8)) signal = signal with { Downlink = ReadCorrelation(ref json, field + ".correlation_ids") ?? signal.Downlink };
            else if (json.Is("downlink"u8)) signal = signal with { Downlink = ReadDownlink(ref json, field + ".downlink") };
            else if (json.Is("error"u8)) signal = signal with { Text = ReadError(ref json, field + ".error") };
            else if (json.Is("service"u8)) signal = signal with { Text = json.Text(field + ".service") };
            else if (json.Is("location"u8)) signal = signal with { Location = GeoPoint.Read(ref json, field + ".location") };
            else json.Skip();
        }
        message.Signal = signal;
    }

    static string? ReadDownlink(ref JsonFields json, string field)
    {
        string? correlation = null;
        if (!json.Object(field)) return null;
        while (json.NextField())
        {
            if (json.Is("correlation_ids"u8)) correlation = ReadCorrelation(ref json, field + ".correlation_ids");
            else json.Skip();
        }
        return correlation;
    }

    /// <summary>The id that whoever queued the downlink gave it, else the one of The Things Stack for it.</summary>
    public static string? ReadCorrelation(ref JsonFields json, string field)
    {
        string? given = null, own = null;
        if (!json.Array(field)) return null;
        while (json.NextText(field))
            if (json.Begins("as:downlink:"u8)) own ??= json.Current;
            else if (!IsOwn(json)) given ??= json.Current;
        return given ?? own;
    }

    /// <summary>Whether The Things Stack gave the correlation id itself, as it does by the handful for every uplink.</summary>
    static bool IsOwn(in JsonFields json) =>
        json.Begins("as:"u8) || json.Begins("ns:"u8) || json.Begins("gs:"u8) || json.Begins("js:"u8) || json.Begins("rpc:"u8) || json.Begins("pba:"u8) || json.Begins("dcs:"u8);

    static string? ReadError(ref JsonFields json, string field)
    {
        const int longestMessage = 16 * 1024;
        string? name = null, text = null;
        if (!json.Object(field)) return null;
        while (json.NextField())
        {
            if (json.Is("name"u8)) name = json.Text(field + ".name");
            else if (json.Is("message_format"u8)) text = json.Text(field + ".message_format", longestMessage);
            else json.Skip();
        }
        return name is null ? text : text is null ? name : $"{name}: {text}";
    }
}
