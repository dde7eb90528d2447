using Allmende.Platform;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Catalog.Features;

/// <summary><c>GET /{municipality}/catalog/datasets/{id}</c>: one that the caller may not see does not exist for them.</summary>
static class ReadDataset
{
    public static void Map(RouteGroupBuilder catalog) =>
        catalog.MapGet("/datasets/{id}", HandleAsync).WithName("ReadDataset").WithSummary("One dataset")
            .Produces<DatasetView>().ProducesProblem(404);

    static async Task<Results<JsonHttpResult<DatasetView>, ProblemHttpResult>> HandleAsync(
        string municipality, string id, HttpContext context, DatasetStore datasets, PlatformOptions options, CancellationToken cancellation)
    {
        var dataset = await datasets.FindAsync(municipality, MetadataAccess.VisibleTo(context.User, municipality), id, cancellation);
        if (dataset is null) return PlatformErrors.NotFound.Problem();
        Caching.Allow(context);
        context.Response.Headers.ETag = EntityTag.Of(dataset);
        return TypedResults.Json(DatasetView.Of(dataset, new Addresses(options.PublicUrl, municipality)), CatalogJson.Default.DatasetView);
    }
}

/// <summary>Entity tags of datasets, for <c>If-Match</c>.</summary>
static class EntityTag
{
    public static string Of(Dataset dataset) => $"\"{dataset.Revision}\"";

    /// <summary>True if the client asked for no particular state, or for this one.</summary>
    public static bool Matches(HttpRequest request, Dataset dataset) =>
        request.Headers.IfMatch is not [_, ..] asked || asked.Any(tags => tags!.Split(',', StringSplitOptions.TrimEntries).Any(tag => tag == "*" || tag == Of(dataset)));
}
