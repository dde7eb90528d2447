using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Mappings;

/// <summary>A reading that a mapping found in a message: an uplink to be, or why it is none.</summary>
/// <param name="Index">Its place in the list.</param>
/// <param name="Message">What was read.</param>
/// <param name="Fault">What is wrong, if anything.</param>
readonly record struct MappedReading(int Index, UplinkMessage Message, UplinkOutcome? Fault);

/// <summary>Where a message has its content.</summary>
/// <param name="Fields">Fields that are decoded already.</param>
/// <param name="Bytes">The payload.</param>
/// <param name="IsBase64">How it is written; else hexadecimal.</param>
/// <param name="Port">The payload's port.</param>
readonly record struct MappedContent(IReadOnlyList<(string Field, JsonPath Path)> Fields, JsonPath? Bytes, bool IsBase64, JsonPath? Port);

/// <summary>A mapping with its paths taken apart.</summary>
sealed class ReadyMapping(string id, UplinkMapping mapping, DeviceTemplate device, JsonPath? time, TimeFormat format, MappedContent content, JsonPath? items)
{
    public string Id => id;

    public UplinkMapping Mapping => mapping;

    /// <summary>Whether a message has a list of readings.</summary>
    public bool HasItems => items is not null;

    /// <summary>The readings of a message, at most <paramref name="most"/>; or why it has none.</summary>
    /// <param name="body">The whole message.</param>
    /// <param name="topic">The topic that it came by, over MQTT.</param>
    /// <param name="most">More readings than that are refused.</param>
    public (List<MappedReading> Readings, UplinkOutcome? Fault) Read(in ReadOnlySequence<byte> body, string? topic, int most)
    {
        try
        {
            // As the other doors: what is broken is told from what is wrong.
            var whole = body.IsSingleSegment ? body.First : body.ToArray();
            if (!Utf8.IsValid(whole.Span)) return ([], UplinkOutcome.Refused(PlatformErrors.MalformedRequest, "no valid UTF-8"));
            using var json = JsonDocument.Parse(whole, new JsonDocumentOptions { MaxDepth = JsonFields.Deepest });
            return Read(json.RootElement, topic, most);
        }
        catch (JsonException fault)
        {
            return ([], UplinkOutcome.Refused(PlatformErrors.MalformedRequest, $"no valid JSON at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            return ([], UplinkOutcome.Refused(PlatformErrors.MalformedRequest, "a text is no valid Unicode"));
        }
    }

    (List<MappedReading> Readings, UplinkOutcome? Fault) Read(JsonElement message, string? topic, int most)
    {
        if (items is null) return ([ReadOne(0, message, message, topic)], null);
        // A path that names each of a list names the list as well.
        if (items.In(message, message) is not { ValueKind: JsonValueKind.Array } list) return ([], Wrong(items.Text, "must be a list"));
        if (list.GetArrayLength() > most) return ([], Wrong(items.Text, $"has {list.GetArrayLength()} readings; at most {most} are taken at once"));
        return ([.. list.EnumerateArray().Select((item, index) => ReadOne(index, message, item, topic))], null);
    }

    MappedReading ReadOne(int index, JsonElement message, JsonElement item, string? topic)
    {
        var (name, field, wrong) = device.Of(message, item, topic);
        if (wrong is not null) return new(index, default, Wrong(field!, wrong));
        var uplink = new UplinkMessage { IsUplink = true, DeviceId = DeviceTemplate.IdOf(name!), DevEui = Device.NormalizeDevEui(name!), TimeField = time?.Text, Door = "mapped" };
        if (time is not null)
        {
            if (time.In(message, item) is not { } sent) return new(index, uplink, Wrong(time.Text, "is missing"));
            uplink.Time = TimeOf(sent);
            if (uplink.Time is null) return new(index, uplink, Wrong(time.Text, format switch
            {
                TimeFormat.Unix => "must be seconds since 1970",
                TimeFormat.UnixMilliseconds => "must be milliseconds since 1970",
                _ => "must be a time as in RFC 3339, with Z or an offset",
            }));
        }
        uplink.Data = DataOf(message, item);
        if (content.Bytes?.In(message, item) is { } payload && (uplink.Bytes = BytesOf(payload)) is null)
            return new(index, uplink, Wrong(content.Bytes.Text, $"must be {(content.IsBase64 ? "base64" : "hexadecimal, two digits a byte")}, or a list of numbers 0 to 255"));
        if (content.Port?.In(message, item) is { } port && !TryPort(port, out uplink.FPort)) return new(index, uplink, Wrong(content.Port.Text, "must be a whole number, 0 to 255"));
        if (uplink.Data is not null || uplink.Bytes is not null) return new(index, uplink, null);
        return new(index, uplink, content.Bytes is { } bytes ? Wrong(bytes.Text, "is missing") : Wrong(content.Fields[0].Path.Text, "is missing, and so is every other field"));
    }

    byte[]? BytesOf(JsonElement payload)
    {
        if (payload.ValueKind == JsonValueKind.Array)
        {
            var numbers = new byte[payload.GetArrayLength()];
            for (var i = 0; i < numbers.Length; i++)
                if (payload[i].ValueKind != JsonValueKind.Number || !payload[i].TryGetByte(out numbers[i])) return null;
            return numbers;
        }
        if (payload.ValueKind != JsonValueKind.String) return null;
        if (content.IsBase64) return payload.TryGetBytesFromBase64(out var bytes) ? bytes : null;
        var text = payload.GetString()!;
        var read = new byte[text.Length / 2];
        return Convert.FromHexString(text, read, out _, out _) == OperationStatus.Done ? read : null;
    }

    static bool TryPort(JsonElement sent, out int port)
    {
        var text = sent.ValueKind switch { JsonValueKind.Number => sent.GetRawText(), JsonValueKind.String => sent.GetString(), _ => null };
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= 255;
    }

    JsonElement? DataOf(JsonElement message, JsonElement item)
    {
        var data = new ArrayBufferWriter<byte>();
        var count = 0;
        using (var writer = new Utf8JsonWriter(data))
        {
            writer.WriteStartObject();
            foreach (var (field, path) in content.Fields)
            {
                if (path.In(message, item) is not { } value) continue;
                writer.WritePropertyName(field);
                value.WriteTo(writer);
                count++;
            }
            writer.WriteEndObject();
        }
        return count == 0 ? null : JsonElement.Parse(data.WrittenSpan);
    }

    DateTimeOffset? TimeOf(JsonElement sent)
    {
        if (format == TimeFormat.Rfc3339)
            return sent.ValueKind == JsonValueKind.String && Rfc3339.TryParse(Encoding.UTF8.GetBytes(sent.GetString()!), out var time) ? time : null;
        var text = sent.ValueKind switch { JsonValueKind.Number => sent.GetRawText(), JsonValueKind.String => sent.GetString(), _ => null };
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return null;
        var most = (decimal)DateTimeOffset.MaxValue.ToUnixTimeSeconds() * (format == TimeFormat.Unix ? 1 : 1000);
        if (number < 0 || number > most) return null;
        // Microseconds, as everywhere; the rest is cut off.
        return DateTimeOffset.UnixEpoch.AddTicks((long)decimal.Truncate(number * (format == TimeFormat.Unix ? 1_000_000 : 1_000)) * TimeSpan.TicksPerMicrosecond);
    }

    static UplinkOutcome Wrong(string field, string fault) => UplinkOutcome.Refused(IngestionErrors.InvalidUplink, fault, field);
}
