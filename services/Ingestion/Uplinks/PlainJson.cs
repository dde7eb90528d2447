namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// The platform's own form: <c>{"device":"pegel-1","time":"…","fPort":1,"fCnt":7,"bytes":"01ff"}</c>, or <c>"data":{…}</c> in place of <c>bytes</c>
/// from devices that need no codec.
/// </summary>
static class PlainJson
{
    public static void Read(ref JsonFields json, ref UplinkMessage message)
    {
        message.IsUplink = true;
        message.TimeField = "time";
        while (json.NextField())
        {
            if (json.Is("device"u8)) ReadDevice(ref json, ref message);
            else if (json.Is("time"u8)) message.Time = json.Time("time");
            else if (json.Is("fPort"u8)) message.FPort = (int)(json.Integer("fPort", 0, 255) ?? 0);
            else if (json.Is("fCnt"u8)) message.FCnt = json.Integer("fCnt", 0, uint.MaxValue);
            else if (json.Is("bytes"u8)) message.Bytes = json.Bytes("bytes");
            else if (json.Is("data"u8)) message.Data = json.Raw("data");
            else json.Skip();
        }
        if (message.DeviceId is null) json.Fail("device", "is missing");
        if (message.Bytes is null && message.Data is null) json.Fail("bytes", "is missing; send bytes or data");
        else if (message.Bytes is not null && message.Data is not null) json.Fail("data", "cannot be sent together with bytes");
    }

    /// <summary>Where the door's address says the device, the message may leave it out, but not name another.</summary>
    static void ReadDevice(ref JsonFields json, ref UplinkMessage message)
    {
        var named = json.Text("device");
        if (message.DeviceId is { } addressed && named is not null && named != addressed) json.Fail("device", "is another than the address says");
        message.DeviceId ??= named;
    }
}
