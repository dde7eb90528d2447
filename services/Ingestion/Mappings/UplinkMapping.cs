using System.Text.Json.Serialization;

namespace Allmende.Ingestion.Mappings;

/// <summary>How a JSON message of any form becomes uplinks; the body of <c>PUT /{m}/uplink-mappings/{id}</c>.</summary>
/// <param name="Name">For people.</param>
/// <param name="Device">Whose the message is: a path, a text, or a text with paths in braces.</param>
/// <param name="Time">Path of the time; without it the arrival counts, and a message sent twice is two.</param>
/// <param name="TimeFormat"><c>rfc3339</c> (the default), <c>unix</c> (seconds) or <c>unix_ms</c>.</param>
/// <param name="Data">Path of each field; what is not there is left out.</param>
/// <param name="Items">Path of a list of readings, ending with <c>[*]</c>; other paths may begin with <c>@</c> then.</param>
/// <param name="Bytes">Path of the payload, for the profile's codec; with it, <c>data</c> may be left out.</param>
/// <param name="BytesFormat"><c>hex</c> (the default) or <c>base64</c>; a list of numbers 0 to 255 is taken with both.</param>
/// <param name="Port">Path of the port that the codec sees.</param>
public sealed record UplinkMapping(
    string? Name, string? Device, string? Time = null, string? TimeFormat = null, IReadOnlyDictionary<string, string?>? Data = null, string? Items = null,
    string? Bytes = null, string? BytesFormat = null, string? Port = null)
{
    internal const int MostFields = 200;
    const int LongestName = 200, LongestField = 128;

    /// <summary>The mapping with its paths taken apart; null if it has faults.</summary>
    internal ReadyMapping? Ready(string id, List<(string Field, string Fault)> faults)
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > LongestName || Name.Any(char.IsControl)) faults.Add(("name", $"must be a text of 1 to {LongestName} characters"));
        var items = Items is null ? null : PathOf("items", Items, isList: true, faults);
        if (items is { IsOfItem: true }) faults.Add(("items", "must begin with $"));
        var device = Device is null ? null : DeviceTemplate.Parse(Device, out var fault) is { } parsed ? parsed : Faulty("device", fault!);
        if (Device is null) faults.Add(("device", "is missing"));
        if (device is { IsOfItem: true } && Items is null) faults.Add(("device", "has @, and there is no items"));
        var time = Time is null ? null : OfMessageOrItem("time", Time);
        var format = FormatOf(faults);
        var bytes = Bytes is null ? null : OfMessageOrItem("bytes", Bytes);
        if (BytesFormat is not (null or "hex" or "base64")) faults.Add(("bytesFormat", "must be hex or base64"));
        foreach (var (field, given) in new[] { ("bytesFormat", BytesFormat), ("port", Port) })
            if (given is not null && Bytes is null) faults.Add((field, "needs bytes"));
        var port = Port is null ? null : OfMessageOrItem("port", Port);
        var fields = new List<(string, JsonPath)>();
        if (Data is not { Count: > 0 and <= MostFields } && (Bytes is null || Data is not null)) faults.Add(("data", $"must have 1 to {MostFields} fields"));
        else
            foreach (var (field, path) in Data ?? new Dictionary<string, string?>())
            {
                if (field.Length is 0 or > LongestField || field.Any(char.IsControl)) faults.Add(("data", $"has a field whose name has not 1 to {LongestField} characters"));
                else if (path is null) faults.Add(("data." + field, "is missing"));
                else if (OfMessageOrItem("data." + field, path) is { } found) fields.Add((field, found));
            }
        return faults.Count == 0 ? new ReadyMapping(id, this, device!, time, format, new(fields, bytes, BytesFormat == "base64", port), items) : null;

        JsonPath? OfMessageOrItem(string field, string text)
        {
            var path = PathOf(field, text, isList: false, faults);
            if (path is { IsOfItem: true } && Items is null) faults.Add((field, "begins with @, and there is no items"));
            return path;
        }

        DeviceTemplate? Faulty(string field, string what)
        {
            faults.Add((field, what));
            return null;
        }
    }

    TimeFormat FormatOf(List<(string Field, string Fault)> faults)
    {
        if (TimeFormat is not null && Time is null) faults.Add(("timeFormat", "needs time"));
        switch (TimeFormat)
        {
            case null or "rfc3339": return Mappings.TimeFormat.Rfc3339;
            case "unix": return Mappings.TimeFormat.Unix;
            case "unix_ms": return Mappings.TimeFormat.UnixMilliseconds;
            default:
                faults.Add(("timeFormat", "must be rfc3339, unix or unix_ms"));
                return default;
        }
    }

    static JsonPath? PathOf(string field, string text, bool isList, List<(string Field, string Fault)> faults)
    {
        if (JsonPath.Parse(text, isList, out var fault) is { } path) return path;
        faults.Add((field, fault!));
        return null;
    }
}

enum TimeFormat
{
    Rfc3339,
    Unix,
    UnixMilliseconds,
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UplinkMapping))]
sealed partial class MappingJson : JsonSerializerContext;
