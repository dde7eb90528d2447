using System.Text.Encodings.Web;
using System.Text.Json;

namespace Allmende.Simulator.Mapping;

/// <summary>
/// The town's map as GeoJSON (RFC 7946), as the portal draws it: features with <c>kind</c> (district, park, water, building, road), with
/// <c>name</c> where they have one and with <c>main</c> for roads that lead through the town.
/// </summary>
static class BasemapFile
{
    /// <summary>Writes the map of the town that these options describe; whoever reads the file sees all of it or nothing.</summary>
    public static async Task WriteAsync(SimulatorOptions options, string file, CancellationToken stop)
    {
        var (plan, world, _) = Simulation.Build(options);
        var path = Path.GetFullPath(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path + ".part", Write(TownMap.Of(plan, world.Noise.Of("map")), options.Centre), stop);
        File.Move(path + ".part", path, overwrite: true);
    }

    /// <summary>The features as GeoJSON.</summary>
    public static byte[] Write(IReadOnlyList<Shape> shapes, (double Longitude, double Latitude) centre)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("type", "FeatureCollection");
            json.WriteStartArray("features");
            foreach (var shape in shapes)
                Write(json, shape, centre);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    static void Write(Utf8JsonWriter json, Shape shape, (double Longitude, double Latitude) centre)
    {
        var area = shape.Kind != Kind.Road;
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WriteStartObject("properties");
        json.WriteString("kind", shape.Kind.ToString().ToLowerInvariant());
        if (shape.Name is { } name) json.WriteString("name", name);
        if (shape.Main) json.WriteBoolean("main", true);
        json.WriteEndObject();
        json.WriteStartObject("geometry");
        json.WriteString("type", area ? "Polygon" : "LineString");
        json.WriteStartArray("coordinates");
        if (area) json.WriteStartArray();
        foreach (var spot in shape.Spots)
        {
            var (longitude, latitude) = spot.On(centre.Longitude, centre.Latitude);
            json.WriteStartArray();
            json.WriteNumberValue(longitude);
            json.WriteNumberValue(latitude);
            json.WriteEndArray();
        }
        if (area) json.WriteEndArray();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
