using System.Text.Json;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>Geometries of RFC 7946 as clients write them, checked before PostGIS sees them.</summary>
static class GeoJson
{
    const int DeepestCollection = 8;

    /// <summary>True if a Location of this <c>encodingType</c> must be GeoJSON.</summary>
    public static bool IsMeantBy(string? encodingType) => encodingType is not null && encodingType.Contains("geo+json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The geometry: itself, or a Feature's; null if it is none.</summary>
    public static JsonElement? GeometryOf(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        if (Type(json) == "Feature") return json.TryGetProperty("geometry", out var geometry) && geometry.ValueKind == JsonValueKind.Object ? geometry : null;
        return json;
    }

    /// <summary>What is wrong with it, or null.</summary>
    public static string? FaultIn(JsonElement json) =>
        GeometryOf(json) is { } geometry ? FaultInGeometry(geometry, 0) : "must be a GeoJSON geometry or a Feature with one";

    static string? FaultInGeometry(JsonElement geometry, int depth)
    {
        if (geometry.ValueKind != JsonValueKind.Object) return "must be a GeoJSON geometry";
        var type = Type(geometry);
        if (type == "GeometryCollection")
        {
            if (depth >= DeepestCollection) return $"nests collections deeper than {DeepestCollection} levels";
            if (!geometry.TryGetProperty("geometries", out var geometries) || geometries.ValueKind != JsonValueKind.Array) return "is a GeometryCollection without 'geometries'";
            return geometries.EnumerateArray().Select(one => FaultInGeometry(one, depth + 1)).FirstOrDefault(fault => fault is not null);
        }
        if (!geometry.TryGetProperty("coordinates", out var coordinates)) return $"is a {type ?? "geometry"} without 'coordinates'";
        return type switch
        {
            "Point" => FaultInPosition(coordinates),
            "MultiPoint" => FaultInEach(coordinates, FaultInPosition),
            "LineString" => FaultInLine(coordinates, 2),
            "MultiLineString" => FaultInEach(coordinates, line => FaultInLine(line, 2)),
            "Polygon" => FaultInPolygon(coordinates),
            "MultiPolygon" => FaultInEach(coordinates, FaultInPolygon),
            _ => "has no type of GeoJSON (Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon, GeometryCollection)",
        };
    }

    static string? Type(JsonElement json) => json.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null;

    static string? FaultInPolygon(JsonElement rings) =>
        rings.ValueKind == JsonValueKind.Array && rings.GetArrayLength() == 0 ? "is a polygon without rings" : FaultInEach(rings, FaultInRing);

    static string? FaultInRing(JsonElement ring)
    {
        if (FaultInLine(ring, 4) is { } fault) return fault;
        return JsonElement.DeepEquals(ring[0], ring[ring.GetArrayLength() - 1]) ? null : "has a ring that does not end where it begins";
    }

    static string? FaultInLine(JsonElement positions, int fewest)
    {
        if (FaultInEach(positions, FaultInPosition) is { } fault) return fault;
        return positions.GetArrayLength() < fewest ? $"has a line of fewer than {fewest} positions" : null;
    }

    static string? FaultInEach(JsonElement list, Func<JsonElement, string?> faultIn)
    {
        if (list.ValueKind != JsonValueKind.Array) return "has coordinates that are no array";
        return list.EnumerateArray().Select(faultIn).FirstOrDefault(fault => fault is not null);
    }

    static string? FaultInPosition(JsonElement position)
    {
        if (position.ValueKind != JsonValueKind.Array || position.GetArrayLength() is < 2 or > 4) return "has a position that is not [longitude, latitude] or [longitude, latitude, height]";
        foreach (var number in position.EnumerateArray())
            if (number.ValueKind != JsonValueKind.Number || !double.IsFinite(number.GetDouble())) return "has a coordinate that is no number";
        return Math.Abs(position[0].GetDouble()) > 360 || Math.Abs(position[1].GetDouble()) > 90
            ? "has a position outside of the earth: longitude comes first, then latitude, in degrees"
            : null;
    }
}
