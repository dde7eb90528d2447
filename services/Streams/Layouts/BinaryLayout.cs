using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using Allmende.Streams.Codecs;

namespace Allmende.Streams.Layouts;

/// <summary>
/// A codec for those who write no JavaScript: for each port the fields of its messages. Read here, without the sandbox, and answered as a
/// codec answers.
/// </summary>
/// <param name="Uplinks">By port; port -1 stands for every port.</param>
/// <param name="Downlinks">What goes to the device, by port; where empty, that looks as what comes from it.</param>
sealed record BinaryLayout(IReadOnlyDictionary<int, LayoutPort> Uplinks, IReadOnlyDictionary<int, LayoutPort> Downlinks)
{
    /// <summary>The key of what counts for every port.</summary>
    public const int EveryPort = -1;

    /// <summary>A layout of no messages.</summary>
    public static readonly BinaryLayout None = new(FrozenDictionary<int, LayoutPort>.Empty, FrozenDictionary<int, LayoutPort>.Empty);

    IReadOnlyDictionary<int, LayoutPort> ToDevice => Downlinks.Count > 0 ? Downlinks : Uplinks;

    /// <summary>Does what a codec is asked to do.</summary>
    public CodecOutcome Run(CodecOperation operation, CodecCall call)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (operation == CodecOperation.Encode) Encode(call, json);
            else if (operation == CodecOperation.DecodeDownlink) Decode(ToDevice, call, json);
            else
            {
                json.WriteStartObject("decoded");
                if (call.Data is { } data) WriteData(data, json);
                else Decode(Uplinks, call, json);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return new CodecOutcome(JsonElement.ParseValue(ref reader), null);
    }

    static void WriteData(JsonElement data, Utf8JsonWriter json)
    {
        json.WritePropertyName("data");
        data.WriteTo(json);
    }

    static LayoutPort? Port(IReadOnlyDictionary<int, LayoutPort> ports, int port) => ports.GetValueOrDefault(port) ?? ports.GetValueOrDefault(EveryPort);

    static void Decode(IReadOnlyDictionary<int, LayoutPort> ports, CodecCall call, Utf8JsonWriter json)
    {
        if (Port(ports, call.FPort) is { } port) port.Decode(call.Bytes.Span, json);
        else WriteList("errors", [$"there is no layout for port {call.FPort}"], json);
    }

    /// <summary>The port is the call's; else the first whose fields are those of the data.</summary>
    void Encode(CodecCall call, Utf8JsonWriter json)
    {
        var ports = ToDevice.OrderBy(port => port.Key).ToList();
        var chosen = call.FPort > 0 ? call.FPort : ports.FirstOrDefault(port => port.Value.Takes(call.Data!.Value), ports.FirstOrDefault()).Key;
        if (Port(ToDevice, chosen) is not { } layout)
        {
            WriteList("errors", [$"there is no layout for port {chosen}"], json);
            return;
        }
        var (bytes, errors) = layout.Encode(call.Data!.Value);
        if (errors.Count > 0)
        {
            WriteList("errors", errors, json);
            return;
        }
        json.WriteNumber("fPort", chosen == EveryPort ? 1 : chosen);
        json.WriteStartArray("bytes");
        foreach (var one in bytes) json.WriteNumberValue(one);
        json.WriteEndArray();
    }

    internal static void WriteList(string name, IReadOnlyList<string> texts, Utf8JsonWriter json)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}

/// <summary>The fields of one port's messages.</summary>
sealed record LayoutPort(IReadOnlyList<LayoutField> Fields)
{
    /// <summary>Two fields that share bits, so that no message can be made of their values; null if there are none.</summary>
    public string? Clash { get; } = FindClash(Fields);

    /// <summary>Writes <c>data</c>, and <c>warnings</c> and <c>errors</c> where there are some.</summary>
    public void Decode(ReadOnlySpan<byte> payload, Utf8JsonWriter json)
    {
        List<string>? errors = null, warnings = null;
        json.WriteStartObject("data");
        foreach (var field in Fields)
        {
            var (error, warning) = field.Read(payload, json);
            if (error is not null) (errors ??= []).Add(error);
            if (warning is not null) (warnings ??= []).Add(warning);
        }
        json.WriteEndObject();
        if (warnings is not null) BinaryLayout.WriteList("warnings", warnings, json);
        if (errors is not null) BinaryLayout.WriteList("errors", errors, json);
    }

    /// <summary>Whether the data has all fields that are needed, and no other.</summary>
    public bool Takes(JsonElement data) =>
        Fields.All(field => field.MayLack || field.Optional || data.TryGetProperty(field.Name, out _))
        && data.EnumerateObject().All(property => Fields.Any(field => property.NameEquals(field.Name)));

    /// <summary>The message that means the data; or why there is none. Bits that no field takes are 0.</summary>
    public (byte[] Bytes, IReadOnlyList<string> Errors) Encode(JsonElement data)
    {
        if (Clash is not null) return ([], [Clash]);
        var errors = data.EnumerateObject().Where(property => !Fields.Any(field => property.NameEquals(field.Name))).Select(property => $"there is no field '{property.Name}'").ToList();
        // What is optional and absent at the end shortens the message.
        var written = Fields.Where(field => !field.Optional || Value(data, field) is not null).ToList();
        var bytes = new byte[written.Count == 0 ? 0 : written.Max(field => field.End)];
        foreach (var field in Fields)
            if (field.End <= bytes.Length && field.Write(Value(data, field), bytes) is { } error) errors.Add(error);
        return (bytes, errors);
    }

    static JsonElement? Value(JsonElement data, LayoutField field) => data.TryGetProperty(field.Name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static string? FindClash(IReadOnlyList<LayoutField> fields)
    {
        var taken = new Dictionary<int, string>();
        foreach (var field in fields)
            foreach (var bit in field.Taken())
                if (!taken.TryAdd(bit, field.Name)) return $"'{taken[bit]}' and '{field.Name}' share bits; no message can be made of both";
        return null;
    }
}
