namespace Allmende.Ingestion.Uplinks;

/// <summary>Where network servers say a device is, in degrees and metres.</summary>
static class GeoPoint
{
    /// <summary>An object with <c>latitude</c>, <c>longitude</c>, <c>altitude</c>, each left out where it is 0: longitude first; null if it is left out or empty.</summary>
    public static double[]? Read(ref JsonFields json, string field)
    {
        if (!json.Object(field)) return null;
        double? latitude = null, longitude = null, altitude = null;
        while (json.NextField())
        {
            if (json.Is("latitude"u8)) latitude = json.Double(field + ".latitude");
            else if (json.Is("longitude"u8)) longitude = json.Double(field + ".longitude");
            else if (json.Is("altitude"u8)) altitude = json.Double(field + ".altitude");
            else json.Skip();
        }
        return Of(ref json, field + ".", ("latitude", latitude), ("longitude", longitude), altitude);
    }

    /// <summary>Longitude, latitude and height; null if there is neither. What is on no map is a fault.</summary>
    public static double[]? Of(ref JsonFields json, string prefix, (string Field, double? Degrees) latitude, (string Field, double? Degrees) longitude, double? altitude)
    {
        if (latitude.Degrees is < -90 or > 90) json.Fail(prefix + latitude.Field, "must be -90 to 90");
        if (longitude.Degrees is < -180 or > 180) json.Fail(prefix + longitude.Field, "must be -180 to 180");
        if (latitude.Degrees is null && longitude.Degrees is null) return null;
        var (x, y) = (longitude.Degrees ?? 0, latitude.Degrees ?? 0);
        return altitude is { } height ? [x, y, height] : [x, y];
    }
}
