using System.Text.Json.Serialization;
using Allmende.Contracts;

namespace Allmende.Dashboards.Pages;

/// <summary>What the page learns about its municipality; <c>/{municipality}/portal.json</c>.</summary>
/// <param name="Municipality">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Center">Longitude and latitude.</param>
/// <param name="Bbox">West, south, east, north: the map shows the stations inside of it.</param>
/// <param name="Map">The map.</param>
/// <param name="Links">The pages that a public body has to offer.</param>
sealed record PortalConfiguration(string Municipality, string Name, double[] Center, double[] Bbox, PortalMap Map, PortalLinks Links)
{
    // Half the edge of the map around a municipality that told its centre alone: a small town's 6 km.
    const double HalfHeight = 0.027;

    public static PortalConfiguration Of(Portal portal)
    {
        var (municipality, options) = (portal.Municipality, portal.Options);
        return new PortalConfiguration(municipality.Id, municipality.Name, municipality.Center, Bounds(municipality),
            new PortalMap(options.MapStyle, portal.BaseMap is { } map ? $"/{municipality.Id}/basemap.geojson?v={map.Version}" : null), new PortalLinks(options.Imprint, options.Privacy, options.Accessibility));
    }

    static double[] Bounds(Municipality municipality)
    {
        if (municipality.Bbox is [var west, var south, var east, var north] && west < east && south < north) return municipality.Bbox;
        var (longitude, latitude) = (municipality.Center[0], municipality.Center[1]);
        var halfWidth = HalfHeight / Math.Cos(latitude * Math.PI / 180);
        return [longitude - halfWidth, latitude - HalfHeight, longitude + halfWidth, latitude + HalfHeight];
    }
}

/// <param name="Style">Address of a MapLibre style, null for our own.</param>
/// <param name="Basemap">Address of the base map that our own style draws, null for plain squares.</param>
sealed record PortalMap(string? Style, string? Basemap);

/// <param name="Imprint">Legal notice.</param>
/// <param name="Privacy">Privacy statement.</param>
/// <param name="Accessibility">Accessibility statement.</param>
sealed record PortalLinks(string? Imprint, string? Privacy, string? Accessibility);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PortalConfiguration))]
sealed partial class PagesJson : JsonSerializerContext;
