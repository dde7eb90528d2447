using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Catalog.Features;

/// <summary>
/// <c>PATCH /{municipality}/catalog/datasets/{id}</c>: title, description, keywords, access and licence, as JSON merge patch. With <c>If-Match</c> only
/// if nobody else has changed it. The new terms are published as <c>dataset.changed</c>.
/// </summary>
static class ChangeDataset
{
    public static void Map(RouteGroupBuilder catalog) =>
        catalog.MapPatch("/datasets/{id}", HandleAsync).WithName("ChangeDataset").WithSummary("Change a dataset's description or terms")
            .RequireRole(Roles.Admin, Roles.DataOwner, Roles.DataSteward)
            .Produces<DatasetView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(412).ProducesProblem(422);

    static async Task<Results<JsonHttpResult<DatasetView>, ProblemHttpResult>> HandleAsync(
        string municipality, string id, JsonElement body, HttpContext context, DatasetStore datasets, AnnounceDatasets announcements, PlatformOptions options, CancellationToken cancellation)
    {
        var faults = new List<(string Field, string Fault)>();
        var patch = DatasetPatch.Parse(body, faults);
        if (faults.Count > 0) return CatalogErrors.InvalidDataset.Problem(faults);

        ProblemHttpResult? refusal = null;
        var changed = await datasets.ChangeAsync(municipality, MetadataAccess.VisibleTo(context.User, municipality), id, patch,
            (before, after) => (refusal = Refuse(context.Request, before, after)) is null, cancellation);
        if (changed is null) return refusal ?? PlatformErrors.NotFound.Problem();

        announcements.Wake(municipality);
        context.Response.Headers.ETag = EntityTag.Of(changed);
        return TypedResults.Json(DatasetView.Of(changed, new Addresses(options.PublicUrl, municipality)), CatalogJson.Default.DatasetView);
    }

    static ProblemHttpResult? Refuse(HttpRequest request, Dataset before, Dataset after)
    {
        if (!EntityTag.Matches(request, before)) return CatalogErrors.ChangedMeanwhile.Problem("read it again and repeat your change");
        return after is { Access: Access.Open, Licence: null }
            ? CatalogErrors.LicenceMissing.Problem($"send a licence too, e.g. {Dataset.DefaultLicence}", "licence")
            : null;
    }
}
