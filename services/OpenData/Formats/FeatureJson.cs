using System.Text.Json;

namespace Allmende.OpenData.Formats;

/// <summary>
/// Things as GeoJSON Features (RFC 7946). Properties are flat, as GIS programs style and filter by them: for a Datastream <c>pegel-1.distance</c> of the Thing
/// <c>pegel-1</c> there are <c>distance</c>, <c>distance_unit</c>, <c>distance_time</c> and <c>distance_quality</c>.
/// </summary>
static class FeatureJson
{
    public const string MediaType = "application/geo+json";

    /// <summary>Writes one Feature.</summary>
    public static void Write(Utf8JsonWriter json, Thing thing)
    {
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WriteString("id", thing.Id);
        json.WritePropertyName("geometry");
        if (thing.Geometry is { } geometry) geometry.WriteTo(json);
        else json.WriteNullValue();
        json.WriteStartObject("properties");
        json.WriteString("name", thing.Name);
        json.WriteString("description", thing.Description);
        var used = new HashSet<string>(StringComparer.Ordinal) { "name", "description" };
        foreach (var datastream in thing.Datastreams) Write(json, datastream, Key(thing, datastream, used));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, LatestValue datastream, string key)
    {
        json.WritePropertyName(key);
        if (datastream.Value is { } value) value.WriteTo(json);
        else json.WriteNullValue();
        json.WriteString(key + "_name", datastream.Name);
        json.WriteString(key + "_unit", datastream.Unit);
        if (datastream.Time is { } time) json.WriteString(key + "_time", time.UtcDateTime);
        else json.WriteNull(key + "_time");
        json.WriteString(key + "_quality", datastream.Quality);
    }

    /// <summary>The field's name; the whole id where that is taken or the Datastream is not named after its Thing.</summary>
    static string Key(Thing thing, LatestValue datastream, HashSet<string> used)
    {
        var prefix = thing.Id + ".";
        var field = datastream.Id.StartsWith(prefix, StringComparison.Ordinal) ? datastream.Id[prefix.Length..] : datastream.Id;
        if (!used.Add(field)) used.Add(field = datastream.Id);
        return field;
    }
}
