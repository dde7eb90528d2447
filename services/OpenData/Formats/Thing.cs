using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allmende.OpenData.Formats;

/// <summary>A Thing with its latest values, as Observations tells it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Description">What it is.</param>
/// <param name="Location">GeoJSON geometry (or Feature), or null.</param>
/// <param name="Datastreams">What it measures.</param>
sealed record Thing(string Id, string Name, string? Description, JsonElement? Location, IReadOnlyList<LatestValue> Datastreams)
{
    /// <exception cref="JsonException">The line is no Thing.</exception>
    public static Thing Parse(in ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        return JsonSerializer.Deserialize(ref json, ThingJson.Default.Thing) ?? throw new JsonException("a line must be a Thing");
    }

    /// <summary>The place as a GeoJSON geometry.</summary>
    public JsonElement? Geometry => Location switch
    {
        { ValueKind: JsonValueKind.Object } place when place.TryGetProperty("geometry", out var geometry) => geometry.ValueKind == JsonValueKind.Object ? geometry : null,
        { ValueKind: JsonValueKind.Object } place => place,
        _ => null,
    };

    /// <summary>True if it has a latest value from <paramref name="from"/> on and before <paramref name="to"/>.</summary>
    public bool HasValueWithin(DateTimeOffset? from, DateTimeOffset? to) =>
        (from is null && to is null) || Datastreams.Any(datastream => datastream.Time is { } time && !(time < from) && !(time >= to));
}

/// <summary>A Datastream and its latest observation.</summary>
sealed record LatestValue(string Id, string Name, string ObservedProperty, string? Unit, DateTimeOffset? Time, JsonElement? Value, string? Quality);

/// <summary>Source-generated JSON of what Observations tells.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Thing))]
sealed partial class ThingJson : JsonSerializerContext;
