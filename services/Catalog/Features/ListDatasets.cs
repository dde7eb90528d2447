using Allmende.Platform;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Catalog.Features;

/// <summary><c>GET /{municipality}/catalog/datasets</c>: what the caller may see, by id, in pages.</summary>
static class ListDatasets
{
    const int DefaultLimit = 100, LargestLimit = 1000;

    public static void Map(RouteGroupBuilder catalog) =>
        catalog.MapGet("/datasets", HandleAsync).WithName("ListDatasets").WithSummary("Datasets that the caller may see")
            .Produces<DatasetPage>().ProducesProblem(400).ProducesProblem(404);

    static async Task<Results<JsonHttpResult<DatasetPage>, ProblemHttpResult>> HandleAsync(
        string municipality, HttpContext context, DatasetStore datasets, PlatformOptions options, CancellationToken cancellation, int limit = DefaultLimit, string? after = null)
    {
        if (limit is < 1 or > LargestLimit) return CatalogErrors.InvalidParameter.Problem($"must be 1 to {LargestLimit}", "limit");
        var addresses = new Addresses(options.PublicUrl, municipality);
        // One more than asked for tells whether there is a next page.
        var found = await datasets.ListAsync(municipality, MetadataAccess.VisibleTo(context.User, municipality), after, limit + 1, cancellation);
        var page = found.Take(limit).Select(dataset => DatasetView.Of(dataset, addresses)).ToList();
        Caching.Allow(context);
        return TypedResults.Json(new DatasetPage(page, found.Count > limit ? addresses.Datasets(limit, page[^1].Id) : null), CatalogJson.Default.DatasetPage);
    }
}
