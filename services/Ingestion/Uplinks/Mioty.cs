using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// mioty (ETSI TS 103 357), as what receives it writes it in JSON: Fraunhofer's application centre interface over MQTT (bytes as numbers, a list of base
/// stations, the end point in the topic), the mioty Alliance's interface of base stations and service centres (<c>ulData</c> with <c>epEui</c>,
/// <c>packetCnt</c>, <c>userData</c>), and KiloCenter (bytes in base64, one base station beside them, events of their own). EUIs are numbers or texts, times
/// nanoseconds since 1970.
/// </summary>
static class Mioty
{
    /// <summary>What is not an uplink's, and is kept until the message is read.</summary>
    ref struct Rest
    {
        public string? Event, Result, Queue, Code, Text;
        public double? Rssi, Snr, EqSnr;
        public long? Time;
        public bool HasStations;
    }

    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        var rest = new Rest();
        message.TimeField = "rxTime";
        while (json.NextField())
            if (!TryReadUplink(ref json, ref message, ref rest) && !TryReadEvent(ref json, ref message, ref rest)) json.Skip();
        // Where the message is one end point's by its topic or address, that says the EUI.
        if (message is { DevEui: null, DeviceId: { } addressed } && Device.NormalizeDevEui(addressed) is not null) (message.DevEui, message.DeviceId) = (addressed, null);
        message.IsUplink = message.Bytes is not null;
        if (rest.Time is { } nanoseconds) message.Time = DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 1000 * TimeSpan.TicksPerMicrosecond);
        if (!message.IsUplink) message.Signal = SignalOf(rest);
        else if (message.DevEui is null && message.DeviceId is null) json.Fail("epEui", "is missing; send it, or name the end point in the address: ?device=…");
        if (message.IsUplink && !rest.HasStations && (rest.Rssi ?? rest.Snr ?? rest.EqSnr) is not null) message.Radio.HeardBy(rest.Rssi, rest.Snr ?? rest.EqSnr);
    }

    static bool TryReadUplink(ref JsonFields json, ref UplinkMessage message, ref Rest rest)
    {
        if (json.Is("epEui"u8)) message.DevEui = json.Eui("epEui");
        else if (json.Is("devEui"u8)) message.DevEui = json.Eui("devEui");
        else if (json.Is("cnt"u8)) message.FCnt = json.Integer("cnt", 0, uint.MaxValue);
        else if (json.Is("packetCnt"u8)) message.FCnt = json.Integer("packetCnt", 0, uint.MaxValue);
        else if (json.Is("data"u8)) message.Bytes = json.Base64OrNumbers("data");
        else if (json.Is("userData"u8)) message.Bytes = json.Base64OrNumbers("userData");
        else if (json.Is("format"u8)) message.FPort = (int)(json.Integer("format", 0, 255) ?? 0);
        else if (json.Is("components"u8)) message.Data = json.Raw("components");
        else if (json.Is("decodedPayload"u8)) message.Data = json.Raw("decodedPayload");
        else if (json.Is("rxTime"u8)) rest.Time = json.Integer("rxTime", 0, long.MaxValue);
        else if (json.Is("rssi"u8)) rest.Rssi = json.Double("rssi");
        else if (json.Is("snr"u8)) rest.Snr = json.Double("snr");
        else if (json.Is("eqSnr"u8)) rest.EqSnr = json.Double("eqSnr");
        else if (json.Is("baseStations"u8)) ReadStations(ref json, ref message.Radio, ref rest);
        else return false;
        return true;
    }

    static bool TryReadEvent(ref JsonFields json, ref UplinkMessage message, ref Rest rest)
    {
        if (json.Is("event"u8)) rest.Event = json.Text("event");
        else if (json.Is("result"u8)) rest.Result = json.Text("result");
        else if (json.Is("queId"u8)) rest.Queue = json.NumberOrText("queId");
        else if (json.Is("ref"u8)) rest.Queue ??= json.NumberOrText("ref");
        else if (json.Is("code"u8)) rest.Code = json.NumberOrText("code");
        else if (json.Is("message"u8)) rest.Text = json.Text("message", 16 * 1024);
        else if (json.Is("txTime"u8)) rest.Time = json.Integer("txTime", 0, long.MaxValue);
        else return false;
        return true;
    }

    static void ReadStations(ref JsonFields json, ref Reception radio, ref Rest rest)
    {
        if (!json.Array("baseStations")) return;
        while (json.NextObject("baseStations"))
        {
            double? rssi = null, snr = null, equivalent = null;
            while (json.NextField())
            {
                if (json.Is("rssi"u8)) rssi = json.Double("baseStations.rssi");
                else if (json.Is("snr"u8)) snr = json.Double("baseStations.snr");
                else if (json.Is("eqSnr"u8)) equivalent = json.Double("baseStations.eqSnr");
                // The first that heard it, so that the time does not hang on the order of the list.
                else if (json.Is("rxTime"u8)) rest.Time = json.Integer("baseStations.rxTime", 0, long.MaxValue) is { } time && !(rest.Time < time) ? time : rest.Time;
                else json.Skip();
            }
            radio.HeardBy(rssi, snr ?? equivalent);
            rest.HasStations = true;
        }
    }

    static DeviceSignal? SignalOf(in Rest rest)
    {
        SignalKind? kind = rest switch
        {
            { Event: "attach" } => SignalKind.Join,
            { Result: "sent" } => SignalKind.DownlinkSent,
            { Result: not null } => SignalKind.DownlinkFailed,
            { Queue: not null, Code: not null } => SignalKind.DownlinkFailed,
            { Queue: not null } => SignalKind.DownlinkQueued,
            _ => null,
        };
        if (kind is null) return null;
        return new DeviceSignal("", kind.Value, default)
        {
            Downlink = rest.Queue,
            Text = kind != SignalKind.DownlinkFailed ? null : rest.Result ?? (rest.Text is null ? rest.Code : $"{rest.Code}: {rest.Text}"),
        };
    }
}
