using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// Actility ThingPark's HTTP and MQTT connections: one document, named by its only field. <c>DevEUI_uplink</c> is an uplink; <c>DevEUI_downlink_Sent</c>,
/// <c>DevEUI_location</c> and <c>DevEUI_notification</c> tell of the device. Numbers may be written as text, as in what was XML before.
/// </summary>
static class Actility
{
    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        message.TimeField = "DevEUI_uplink.Time";
        while (json.NextField())
        {
            if (json.Is("DevEUI_uplink"u8)) ReadUplink(ref json, ref message);
            else if (json.Is("DevEUI_downlink_Sent"u8)) ReadDownlink(ref json, ref message);
            else if (json.Is("DevEUI_location"u8)) ReadLocation(ref json, ref message);
            else if (json.Is("DevEUI_notification"u8)) ReadNotification(ref json, ref message);
            else json.Skip();
        }
        if (message.IsUplink && message.DevEui is null) json.Fail("DevEUI_uplink.DevEUI", "is missing");
    }

    static void ReadUplink(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("DevEUI_uplink")) return;
        message.IsUplink = true;
        message.Bytes = [];
        double? rssi = null, snr = null;
        while (json.NextField())
        {
            if (json.Is("DevEUI"u8)) message.DevEui = json.Text("DevEUI_uplink.DevEUI");
            else if (json.Is("Time"u8)) message.Time = json.Time("DevEUI_uplink.Time");
            else if (json.Is("FPort"u8)) message.FPort = (int)(json.Integer("DevEUI_uplink.FPort", 0, 255) ?? 0);
            else if (json.Is("FCntUp"u8)) message.FCnt = json.Integer("DevEUI_uplink.FCntUp", 0, uint.MaxValue);
            else if (json.Is("payload_hex"u8)) message.Bytes = json.Bytes("DevEUI_uplink.payload_hex") ?? [];
            else if (json.Is("payload"u8)) message.Data = json.Raw("DevEUI_uplink.payload");
            else if (json.Is("LrrRSSI"u8)) rssi = json.Double("DevEUI_uplink.LrrRSSI");
            else if (json.Is("LrrSNR"u8)) snr = json.Double("DevEUI_uplink.LrrSNR");
            else if (json.Is("SpFact"u8)) message.Radio.SpreadingFactor = (int?)json.Integer("DevEUI_uplink.SpFact", 0, 12);
            else if (json.Is("Lrrs"u8)) ReadReceivers(ref json, ref message.Radio);
            else json.Skip();
        }
        // Lrrs names at most ten; where it is not sent, one is told of.
        if (message.Radio.Gateways is null && (rssi ?? snr) is not null) message.Radio.HeardBy(rssi, snr);
    }

    static void ReadReceivers(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("DevEUI_uplink.Lrrs")) return;
        while (json.NextField())
        {
            if (!json.Is("Lrr"u8)) json.Skip();
            else if (!json.ArrayOrObject("DevEUI_uplink.Lrrs.Lrr", out var isOne)) continue;
            else if (isOne) ReadReceiver(ref json, ref radio);
            else
                while (json.NextObject("DevEUI_uplink.Lrrs.Lrr")) ReadReceiver(ref json, ref radio);
        }
    }

    static void ReadReceiver(ref JsonFields json, ref Reception radio)
    {
        double? rssi = null, snr = null;
        while (json.NextField())
        {
            if (json.Is("LrrRSSI"u8)) rssi = json.Double("DevEUI_uplink.Lrrs.Lrr.LrrRSSI");
            else if (json.Is("LrrSNR"u8)) snr = json.Double("DevEUI_uplink.Lrrs.Lrr.LrrSNR");
            else json.Skip();
        }
        radio.HeardBy(rssi, snr);
    }

    /// <summary><c>DeliveryStatus</c> 1: it is in the air; else the causes say of each receive window why not.</summary>
    static void ReadDownlink(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("DevEUI_downlink_Sent")) return;
        var signal = new DeviceSignal("", SignalKind.DownlinkFailed, default);
        var causes = new List<string>(3);
        while (json.NextField())
        {
            if (json.Is("DevEUI"u8)) message.DevEui = json.Text("DevEUI_downlink_Sent.DevEUI");
            else if (json.Is("Time"u8)) message.Time = json.Time("DevEUI_downlink_Sent.Time");
            else if (json.Is("CorrelationID"u8)) signal = signal with { Downlink = json.Text("DevEUI_downlink_Sent.CorrelationID") };
            else if (json.Is("DeliveryStatus"u8)) signal = signal with { Kind = json.Integer("DevEUI_downlink_Sent.DeliveryStatus", 0, 9) == 1 ? SignalKind.DownlinkSent : SignalKind.DownlinkFailed };
            else if (json.Is("DeliveryFailedCause1"u8)) AddCause(ref json, causes, "RX1", "DevEUI_downlink_Sent.DeliveryFailedCause1");
            else if (json.Is("DeliveryFailedCause2"u8)) AddCause(ref json, causes, "RX2", "DevEUI_downlink_Sent.DeliveryFailedCause2");
            else if (json.Is("DeliveryFailedCause3"u8)) AddCause(ref json, causes, "ping slot", "DevEUI_downlink_Sent.DeliveryFailedCause3");
            else json.Skip();
        }
        message.Signal = signal with { Text = causes.Count == 0 ? null : string.Join(", ", causes) };
    }

    /// <summary>Two digits; <c>00</c> is none.</summary>
    static void AddCause(ref JsonFields json, List<string> causes, string window, string field)
    {
        if (json.Text(field) is { } cause && cause.Trim() is not ("" or "00")) causes.Add($"{window}: {cause}");
    }

    static void ReadLocation(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("DevEUI_location")) return;
        double? latitude = null, longitude = null, altitude = null;
        DateTimeOffset? solved = null;
        while (json.NextField())
        {
            if (json.Is("DevEUI"u8)) message.DevEui = json.Text("DevEUI_location.DevEUI");
            else if (json.Is("Time"u8)) message.Time = json.Time("DevEUI_location.Time");
            else if (json.Is("DevLocTime"u8)) solved = json.Time("DevEUI_location.DevLocTime");
            else if (json.Is("DevLAT"u8)) latitude = json.Double("DevEUI_location.DevLAT");
            else if (json.Is("DevLON"u8)) longitude = json.Double("DevEUI_location.DevLON");
            else if (json.Is("DevAlt"u8)) altitude = json.Double("DevEUI_location.DevAlt");
            else json.Skip();
        }
        message.Time = solved ?? message.Time;
        if (GeoPoint.Of(ref json, "DevEUI_location.", ("DevLAT", latitude), ("DevLON", longitude), altitude) is { } place)
            message.Signal = new DeviceSignal("", SignalKind.Location, default) { Location = place };
    }

    /// <summary><c>join</c>; <c>devstatusans</c> with the battery in <c>Var1</c> and the margin in <c>Var2</c>, as LoRaWAN's DevStatusAns has them; <c>reset</c>.</summary>
    static void ReadNotification(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("DevEUI_notification")) return;
        string? type = null, first = null, second = null;
        while (json.NextField())
        {
            if (json.Is("DevEUI"u8)) message.DevEui = json.Text("DevEUI_notification.DevEUI");
            else if (json.Is("Time"u8)) message.Time = json.Time("DevEUI_notification.Time");
            else if (json.Is("Type"u8)) type = json.Text("DevEUI_notification.Type");
            else if (json.Is("Var1"u8)) first = json.NumberOrText("DevEUI_notification.Var1");
            else if (json.Is("Var2"u8)) second = json.NumberOrText("DevEUI_notification.Var2");
            else json.Skip();
        }
        message.Signal = type switch
        {
            "join" => new DeviceSignal("", SignalKind.Join, default),
            "devstatusans" => DevStatus.Of(first, second),
            null => null,
            _ => new DeviceSignal("", SignalKind.Service, default) { Text = first is null or "" ? type : $"{type}: {first}" },
        };
    }
}
