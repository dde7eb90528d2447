using Allmende.Platform;

namespace Allmende.OpenData.Ogc;

/// <summary>OGC API Features, Part 1: Core 1.0.1 (OGC 17-069r4): landing page and conformance.</summary>
static class LandingPage
{
    public static readonly string[] ConformsTo =
    [
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    ];

    public static void Map(RouteGroupBuilder ogc)
    {
        ogc.MapGet("", (string municipality, Municipalities municipalities, PlatformOptions options) =>
        {
            var home = $"{options.PublicUrl.TrimEnd('/')}/{municipality}/ogc";
            var name = municipalities.Find(municipality)?.Name ?? municipality;
            return TypedResults.Json(new LandingPageView(name, $"Sensordaten: {name}",
            [
                new(home, "self", "application/json", "This page"),
                new(options.PublicUrl.TrimEnd('/') + "/openapi", "service-desc", "application/vnd.oai.openapi+json;version=3.1", "API definition"),
                new(home + "/conformance", "conformance", "application/json", "What it conforms to"),
                new(home + "/collections", "data", "application/json", "Collections"),
            ]), OgcJson.Default.LandingPageView);
        }).WithName("OgcLandingPage").WithSummary("OGC API Features: landing page");

        ogc.MapGet("/conformance", () => TypedResults.Json(new ConformanceView(ConformsTo), OgcJson.Default.ConformanceView))
            .WithName("OgcConformance").WithSummary("OGC API Features: conformance");
    }
}
