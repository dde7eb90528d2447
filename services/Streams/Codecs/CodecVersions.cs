using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Streams.Codecs;

/// <summary><c>GET /{municipality}/codecs/{id}/versions</c>: what the municipality's codec was before. Putting such a text again makes it the newest.</summary>
static class CodecVersions
{
    const int PageSize = 100;

    public static void MapCodecVersions(this IEndpointRouteBuilder codecs)
    {
        codecs.MapGet("/{id}/versions", ListAsync).RequireMember()
            .WithSummary("The versions of the municipality's codec, the newest first, paged by the Link header; none where only the platform has one").ProducesProblem(404);
        codecs.MapGet("/{id}/versions/{version:int}", GetAsync).RequireMember().WithSummary("A version's text").Produces<string>(contentType: "text/javascript").ProducesProblem(404);
    }

    static async Task<IResult> ListAsync(string municipality, string id, CodecStore store, PlatformOptions options, HttpResponse response, CancellationToken cancellation, int before = int.MaxValue)
    {
        var page = await store.VersionsAsync(municipality, id, before, PageSize + 1, cancellation);
        if (page.Count == 0 && before == int.MaxValue && !store.IsInLibrary(id)) return PlatformErrors.NotFound.Problem($"There is no codec '{id}'.");
        if (page.Count > PageSize) response.Headers.Link = $"<{options.PublicUrl}/{municipality}/codecs/{id}/versions?before={page[PageSize - 1].Version}>; rel=\"next\"";
        return TypedResults.Ok(page.Take(PageSize));
    }

    static async Task<IResult> GetAsync(string municipality, string id, int version, CodecStore store, CancellationToken cancellation) =>
        await store.FindVersionAsync(municipality, id, version, cancellation) is { } codec
            ? TypedResults.Text(codec.Text, CodecKinds.MediaType(codec.Kind))
            : PlatformErrors.NotFound.Problem($"The municipality has no version {version} of a codec '{id}'.");
}
