using Allmende.Contracts;
using Allmende.OpenData.Formats;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.OpenData.Ogc;

/// <summary>A collection for each dataset that the caller may read; its features are the dataset's Things.</summary>
static class Collections
{
    public static void Map(RouteGroupBuilder ogc)
    {
        ogc.MapGet("/collections", ListAsync).WithName("OgcCollections").WithSummary("OGC API Features: collections");
        ogc.MapGet("/collections/{dataset}", ReadAsync).WithName("OgcCollection").WithSummary("OGC API Features: one collection");
    }

    /// <summary>Address of a collection.</summary>
    public static string AddressOf(PlatformOptions options, string municipality, string dataset) =>
        $"{options.PublicUrl.TrimEnd('/')}/{municipality}/ogc/collections/{Uri.EscapeDataString(dataset)}";

    static async Task<JsonHttpResult<CollectionsView>> ListAsync(string municipality, HttpContext context, DatasetStore datasets, PlatformOptions options, CancellationToken cancellation)
    {
        var found = await datasets.ListAsync(municipality, context.VisibleAccess(), cancellation);
        var self = new Link($"{options.PublicUrl.TrimEnd('/')}/{municipality}/ogc/collections", "self", "application/json", "This page");
        return TypedResults.Json(new CollectionsView([self], [.. found.Select(dataset => View(options, municipality, dataset))]), OgcJson.Default.CollectionsView);
    }

    static async Task<Results<JsonHttpResult<CollectionView>, ProblemHttpResult>> ReadAsync(
        string municipality, string dataset, HttpContext context, DatasetStore datasets, PlatformOptions options, CancellationToken cancellation)
    {
        var found = (await datasets.ListAsync(municipality, context.VisibleAccess(), cancellation)).Find(known => known.Id == dataset);
        return found is null ? PlatformErrors.NotFound.Problem() : TypedResults.Json(View(options, municipality, found), OgcJson.Default.CollectionView);
    }

    static CollectionView View(PlatformOptions options, string municipality, DatasetChanged dataset)
    {
        var address = AddressOf(options, municipality, dataset.Id);
        var links = new List<Link>
        {
            new(address, "self", "application/json", dataset.Title),
            new(address + "/items", "items", FeatureJson.MediaType, dataset.Title),
        };
        if (dataset.Licence is { } licence) links.Add(new(licence, "license", "text/html", "Licence"));
        return new CollectionView(dataset.Id, dataset.Title, "feature", ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"], links);
    }
}
