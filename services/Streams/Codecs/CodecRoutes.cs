using System.Security.Claims;
using System.Text;
using Allmende.Platform;
using Allmende.Platform.Security;
using Allmende.Streams.Layouts;
using Allmende.Streams.Library;
using Allmende.Streams.Profiles;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Streams.Codecs;

/// <summary><c>/{municipality}/codecs</c>: the texts.</summary>
static class CodecRoutes
{
    const int LargestText = 512 * 1024, MostFaults = 50;

    public static void MapCodecs(this IEndpointRouteBuilder routes)
    {
        var codecs = routes.MapGroup("/{municipality}/codecs").WithTags("Codecs");
        codecs.MapGet("/", ListAsync).RequireMember().WithSummary("The codecs that devices can use, with those that ship with the platform");
        codecs.MapGet("/{id}", GetAsync).RequireMember().WithSummary("A codec's JavaScript, or the JSON of its layout").Produces<string>(contentType: "text/javascript").ProducesProblem(404);
        codecs.MapPut("/{id}", PutAsync).RequireRole(StreamsModule.Editors).WithSummary("Keep a codec: JavaScript, or a binary layout as application/json")
            .Accepts<string>("text/javascript", "application/javascript", "application/json", "text/plain", "*/*").Produces(201).Produces(204).ProducesProblem(413).ProducesProblem(422);
        codecs.MapCodecVersions();
        codecs.MapGet("/{id}/examples", ExamplesAsync).RequireMember().WithSummary("Messages with what they mean, of a codec that ships with the platform").ProducesProblem(404);
        codecs.MapDelete("/{id}", DeleteAsync).RequireRole(StreamsModule.Editors).WithSummary("Remove a codec").Produces(204).ProducesProblem(404).ProducesProblem(409);
        codecs.MapCodecCalls();
        routes.MapInternalCodecCalls();
    }

    /// <summary>A codec in the list.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Origin"><c>library</c> or <c>municipality</c>.</param>
    /// <param name="Version">Counts the municipality's changes; null for the library's.</param>
    /// <param name="ChangedAt">When this version came; null for the library's.</param>
    /// <param name="QuarantinedUntil">It had to be stopped repeatedly and is not called until then.</param>
    /// <param name="Kind"><c>javascript</c> or <c>layout</c>.</param>
    public sealed record CodecInfo(string Id, string Origin, int? Version, DateTimeOffset? ChangedAt, DateTimeOffset? QuarantinedUntil, string Kind);

    static async Task<IEnumerable<CodecInfo>> ListAsync(string municipality, CodecStore store, CodecRunner runner, CancellationToken cancellation) =>
        (await store.ListAsync(municipality, cancellation)).Select(codec => codec.Municipality is null
            ? new CodecInfo(codec.Id, "library", null, null, runner.QuarantinedUntil(municipality, codec), codec.Kind)
            : new CodecInfo(codec.Id, "municipality", codec.Version, codec.ChangedAt, runner.QuarantinedUntil(municipality, codec), codec.Kind));

    static async Task<IResult> GetAsync(string municipality, string id, CodecStore store, HttpResponse response, CancellationToken cancellation)
    {
        if (await store.FindAsync(municipality, id, cancellation) is not { } codec) return PlatformErrors.NotFound.Problem($"There is no codec '{id}'.");
        response.Headers.ETag = $"\"{codec.Key}\"";
        return TypedResults.Text(codec.Text, CodecKinds.MediaType(codec.Kind));
    }

    static async Task<IResult> ExamplesAsync(string municipality, string id, CodecStore store, DeviceLibrary library, CancellationToken cancellation) =>
        await store.FindAsync(municipality, id, cancellation) is null
            ? PlatformErrors.NotFound.Problem($"There is no codec '{id}'.")
            : TypedResults.Json(library.Examples.GetValueOrDefault(id, []), LibraryJson.Default.CodecExampleArray);

    static async Task<IResult> PutAsync(
        string municipality, string id, HttpRequest request, ClaimsPrincipal caller, CodecStore store, CodecRunner runner, CancellationToken cancellation)
    {
        if (!Slug.Fits(id)) return StreamsErrors.IdInvalid.Problem(Slug.Rule, "id");
        if (await ReadTextAsync(request, cancellation) is not { } text) return StreamsErrors.CodecTooLarge.Problem($"A codec may have {LargestText / 1024} kB.");
        if (string.IsNullOrWhiteSpace(text)) return StreamsErrors.CodecEmpty.Problem("Send the JavaScript, or the layout, as the body.");
        if (text.Contains('\0')) return StreamsErrors.CodecSyntax.Problem("The text contains a NUL character.");
        var kind = request.HasJsonContentType() ? CodecKinds.Layout : CodecKinds.JavaScript;
        if (kind == CodecKinds.Layout)
        {
            var (_, faults) = LayoutReader.Read(text);
            if (faults.Count > 0) return LayoutProblem(faults);
        }
        else if (await runner.CheckAsync(municipality, new Codec(id, text, municipality), cancellation) is { } error) return SyntaxProblem(error);
        var (_, created) = await store.PutAsync(municipality, id, text, kind, caller.Name(), cancellation);
        return created ? TypedResults.Created($"/{municipality}/codecs/{id}") : TypedResults.NoContent();
    }

    /// <summary>All that is wrong by its path in the JSON, the first also as the field at fault.</summary>
    static ProblemHttpResult LayoutProblem(IReadOnlyList<(string Path, string Fault)> faults)
    {
        var problem = StreamsErrors.LayoutInvalid.Problem(faults.Take(MostFaults).Select(fault => (fault.Path, fault.Fault)));
        problem.ProblemDetails.Detail = $"{faults[0].Path}: {faults[0].Fault}";
        problem.ProblemDetails.Extensions["field"] = faults[0].Path;
        return problem;
    }

    static ProblemHttpResult SyntaxProblem(CodecSyntaxError error)
    {
        var problem = StreamsErrors.CodecSyntax.Problem($"{error.Message} at line {error.Line}, column {error.Column}.");
        problem.ProblemDetails.Extensions["line"] = error.Line;
        problem.ProblemDetails.Extensions["column"] = error.Column;
        return problem;
    }

    static async Task<IResult> DeleteAsync(string municipality, string id, CodecStore store, ProfileStore profiles, CancellationToken cancellation)
    {
        var users = (await profiles.ListAsync(municipality, cancellation)).Where(profile => profile.Codec == id).Select(profile => profile.Id).ToList();
        if (users.Count > 0 && !store.IsInLibrary(id)) return StreamsErrors.CodecInUse.Problem($"Change these device profiles first: {string.Join(", ", users)}.");
        return await store.RemoveAsync(municipality, id, cancellation) ? TypedResults.NoContent() : PlatformErrors.NotFound.Problem($"The municipality has no codec '{id}' of its own.");
    }

    /// <returns>Null if it is too large.</returns>
    static async Task<string?> ReadTextAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > LargestText) return null;
        using var bytes = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await request.Body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + read > LargestText) return null;
            bytes.Write(buffer, 0, read);
        }
        bytes.Position = 0;
        using var reader = new StreamReader(bytes, Encoding.UTF8);
        return await reader.ReadToEndAsync(cancellation);
    }
}
