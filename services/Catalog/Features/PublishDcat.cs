using Allmende.Catalog.Feed;
using Allmende.Platform;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Catalog.Features;

/// <summary>
/// <c>GET /{municipality}/catalog/catalog.ttl</c>, <c>.rdf</c>, <c>.jsonld</c>: the catalogue for other portals to harvest. Long ones come in pages; the next
/// is told by hydra in the document and by a <c>Link</c> header.
/// </summary>
static class PublishDcat
{
    static readonly (string Extension, string MediaType, Func<Graph, byte[]> Write)[] Formats =
    [
        ("ttl", TurtleWriter.MediaType + "; charset=utf-8", TurtleWriter.Write),
        ("rdf", RdfXmlWriter.MediaType, RdfXmlWriter.Write),
        ("jsonld", JsonLdWriter.MediaType, JsonLdWriter.Write),
    ];

    public static void Map(RouteGroupBuilder catalog)
    {
        foreach (var (extension, mediaType, write) in Formats)
            catalog.MapMethods($"/catalog.{extension}", [HttpMethods.Get, HttpMethods.Head],
                    (string municipality, HttpContext context, DatasetStore datasets, Municipalities municipalities, PlatformOptions platform, CatalogOptions options, CancellationToken cancellation, string? after = null) =>
                        HandleAsync(municipality, after, (extension, mediaType, write), context, datasets, municipalities, platform, options, cancellation))
                .WithName("PublishDcat-" + extension).WithSummary($"The catalogue in DCAT-AP.de ({extension})");
    }

    static async Task<Results<FileContentHttpResult, ProblemHttpResult>> HandleAsync(
        string municipality, string? after, (string Extension, string MediaType, Func<Graph, byte[]> Write) format, HttpContext context,
        DatasetStore datasets, Municipalities municipalities, PlatformOptions platform, CatalogOptions options, CancellationToken cancellation)
    {
        if (municipalities.Find(municipality) is not { } known) return PlatformErrors.NotFound.Problem();
        var addresses = new Addresses(platform.PublicUrl, municipality);
        var found = await datasets.ListAsync(municipality, MetadataAccess.VisibleTo(context.User, municipality), after, options.PageSize + 1, cancellation);
        var page = found.Take(options.PageSize).ToList();

        var first = $"{addresses.Catalog}/catalog.{format.Extension}";
        string At(string? id) => id is null ? first : $"{first}?after={Uri.EscapeDataString(id)}";
        var next = found.Count > page.Count ? At(page[^1].Id) : null;
        if (next is not null) context.Response.Headers.Link = $"<{next}>; rel=\"next\"";
        Caching.Allow(context);
        return TypedResults.Bytes(format.Write(new DcatDescription(known, addresses, options).Describe(page, (At(after), first, next))), format.MediaType);
    }
}
