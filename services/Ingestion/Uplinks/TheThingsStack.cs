using System.Text.Json;
using Allmende.Ingestion.Signals;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// The Things Stack v3 webhook message (<c>ttn.lorawan.v3.ApplicationUp</c>). Its JSON leaves out what is empty, 0 or false: no <c>f_port</c> is port 0,
/// no <c>frm_payload</c> is an empty payload, no <c>snr</c> is 0 dB.
/// </summary>
static class TheThingsStack
{
    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        DateTimeOffset? received = null;
        string? correlation = null;
        while (json.NextField())
        {
            if (json.Is("end_device_ids"u8)) ReadDevice(ref json, ref message);
            else if (json.Is("uplink_message"u8)) ReadUplink(ref json, ref message);
            else if (json.Is("received_at"u8)) received = json.Time("received_at");
            else if (json.Is("correlation_ids"u8)) correlation = TheThingsStackEvents.ReadCorrelation(ref json, "correlation_ids");
            else if (!TheThingsStackEvents.TryRead(ref json, ref message)) json.Skip();
        }
        if (!message.IsUplink)
        {
            message.Time = received;
            if (message.Signal is { Kind: >= SignalKind.DownlinkQueued and <= SignalKind.DownlinkFailed, Downlink: null }) message.Signal = message.Signal with { Downlink = correlation };
            return;
        }
        if (message.Time is null) (message.Time, message.TimeField) = (received, "received_at");
        if (message.DeviceId is null && message.DevEui is null) json.Fail("end_device_ids", "must have dev_eui or device_id");
    }

    static void ReadDevice(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("end_device_ids")) return;
        while (json.NextField())
        {
            if (json.Is("device_id"u8)) message.DeviceId = json.Text("end_device_ids.device_id");
            else if (json.Is("dev_eui"u8)) message.DevEui = json.Text("end_device_ids.dev_eui");
            else json.Skip();
        }
    }

    static void ReadUplink(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("uplink_message")) return;
        message.IsUplink = true;
        message.Bytes = [];
        message.FCnt = 0;
        DateTimeOffset? ofGateway = null, ofNetworkServer = null;
        JsonElement? normalized = null;
        while (json.NextField())
        {
            if (json.Is("f_port"u8)) message.FPort = (int)(json.Integer("uplink_message.f_port", 0, 255) ?? 0);
            else if (json.Is("f_cnt"u8)) message.FCnt = json.Integer("uplink_message.f_cnt", 0, uint.MaxValue) ?? 0;
            else if (json.Is("frm_payload"u8)) message.Bytes = json.Base64("uplink_message.frm_payload") ?? [];
            else if (json.Is("decoded_payload"u8)) message.Data = json.Raw("uplink_message.decoded_payload");
            else if (json.Is("normalized_payload"u8)) normalized = json.RawArray("uplink_message.normalized_payload");
            else if (json.Is("last_battery_percentage"u8)) message.Signal = ReadBattery(ref json);
            else if (json.Is("received_at"u8)) ofNetworkServer = json.Time("uplink_message.received_at");
            else if (json.Is("rx_metadata"u8)) ReadReception(ref json, ref message.Radio);
            else if (json.Is("settings"u8)) ofGateway = ReadSettings(ref json, ref message.Radio);
            else json.Skip();
        }
        message.Data ??= Normalized(normalized);
        // The network server's clock is one, and kept; the gateways' are many.
        (message.Time, message.TimeField) = ofNetworkServer is null ? (ofGateway, "uplink_message.settings.time") : (ofNetworkServer, "uplink_message.received_at");
    }

    /// <summary>The measurement that was normalised; where there are several, all of them.</summary>
    static JsonElement? Normalized(JsonElement? payload) =>
        payload is not { } list || list.GetArrayLength() == 0 ? null : list.GetArrayLength() == 1 && list[0].ValueKind == JsonValueKind.Object ? list[0] : list;

    /// <summary>What the device told last of its battery, which may be days ago.</summary>
    static DeviceSignal? ReadBattery(ref JsonFields json)
    {
        if (!json.Object("uplink_message.last_battery_percentage")) return null;
        double? level = null;
        DateTimeOffset? at = null;
        while (json.NextField())
        {
            if (json.Is("value"u8)) level = json.Percent("uplink_message.last_battery_percentage.value");
            else if (json.Is("received_at"u8)) at = json.Time("uplink_message.last_battery_percentage.received_at");
            else json.Skip();
        }
        return at is { } time ? new DeviceSignal("", SignalKind.Status, time) { BatteryLevel = level ?? 0 } : null;
    }

    static void ReadReception(ref JsonFields json, ref Reception radio)
    {
        if (!json.Array("uplink_message.rx_metadata")) return;
        while (json.NextObject("uplink_message.rx_metadata"))
        {
            double rssi = 0, snr = 0;
            while (json.NextField())
            {
                if (json.Is("rssi"u8)) rssi = json.Double("uplink_message.rx_metadata.rssi") ?? 0;
                else if (json.Is("snr"u8)) snr = json.Double("uplink_message.rx_metadata.snr") ?? 0;
                else json.Skip();
            }
            radio.HeardBy(rssi, snr);
        }
    }

    static DateTimeOffset? ReadSettings(ref JsonFields json, ref Reception radio)
    {
        DateTimeOffset? time = null;
        if (!json.Object("uplink_message.settings")) return null;
        while (json.NextField())
        {
            if (json.Is("time"u8)) time = json.Time("uplink_message.settings.time");
            else if (json.Is("data_rate"u8)) ReadDataRate(ref json, ref radio);
            else json.Skip();
        }
        return time;
    }

    static void ReadDataRate(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("uplink_message.settings.data_rate")) return;
        while (json.NextField())
        {
            if (json.Is("lora"u8)) ReadLora(ref json, ref radio);
            else json.Skip();
        }
    }

    static void ReadLora(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("uplink_message.settings.data_rate.lora")) return;
        while (json.NextField())
        {
            if (json.Is("spreading_factor"u8)) radio.SpreadingFactor = (int?)json.Integer("uplink_message.settings.data_rate.lora.spreading_factor", 0, 12);
            else json.Skip();
        }
    }
}
