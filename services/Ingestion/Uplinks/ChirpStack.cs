namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// ChirpStack v4's HTTP integration, <c>event=up</c> (<c>integration.UplinkEvent</c> as JSON). As with every Protocol Buffers message, fields that are
/// empty or 0 may be left out.
/// </summary>
static class ChirpStack
{
    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        message.IsUplink = true;
        message.Bytes = [];
        message.FCnt = 0;
        message.TimeField = "time";
        while (json.NextField())
        {
            if (json.Is("deviceInfo"u8)) ReadDevice(ref json, ref message);
            else if (json.Is("deduplicationId"u8)) message.Deduplication = json.Text("deduplicationId");
            else if (json.Is("time"u8)) message.Time = json.Time("time");
            else if (json.Is("fPort"u8)) message.FPort = (int)(json.Integer("fPort", 0, 255) ?? 0);
            else if (json.Is("fCnt"u8)) message.FCnt = json.Integer("fCnt", 0, uint.MaxValue) ?? 0;
            else if (json.Is("data"u8)) message.Bytes = json.Base64("data") ?? [];
            else if (json.Is("object"u8)) message.Data = json.Raw("object");
            else if (json.Is("rxInfo"u8)) ReadReception(ref json, ref message.Radio);
            else if (json.Is("txInfo"u8)) ReadTransmission(ref json, ref message.Radio);
            else json.Skip();
        }
        if (message.DevEui is null) json.Fail("deviceInfo.devEui", "is missing");
    }

    public static void ReadDevice(ref JsonFields json, ref UplinkMessage message)
    {
        if (!json.Object("deviceInfo")) return;
        while (json.NextField())
        {
            if (json.Is("devEui"u8)) message.DevEui = json.Text("deviceInfo.devEui");
            else json.Skip();
        }
    }

    static void ReadReception(ref JsonFields json, ref Reception radio)
    {
        if (!json.Array("rxInfo")) return;
        while (json.NextObject("rxInfo"))
        {
            double rssi = 0, snr = 0;
            while (json.NextField())
            {
                if (json.Is("rssi"u8)) rssi = json.Double("rxInfo.rssi") ?? 0;
                else if (json.Is("snr"u8)) snr = json.Double("rxInfo.snr") ?? 0;
                else json.Skip();
            }
            radio.HeardBy(rssi, snr);
        }
    }

    static void ReadTransmission(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("txInfo")) return;
        while (json.NextField())
        {
            if (json.Is("modulation"u8)) ReadModulation(ref json, ref radio);
            else json.Skip();
        }
    }

    static void ReadModulation(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("txInfo.modulation")) return;
        while (json.NextField())
        {
            if (json.Is("lora"u8)) ReadLora(ref json, ref radio);
            else json.Skip();
        }
    }

    static void ReadLora(ref JsonFields json, ref Reception radio)
    {
        if (!json.Object("txInfo.modulation.lora")) return;
        while (json.NextField())
        {
            if (json.Is("spreadingFactor"u8)) radio.SpreadingFactor = (int?)json.Integer("txInfo.modulation.lora.spreadingFactor", 0, 12);
            else json.Skip();
        }
    }
}
