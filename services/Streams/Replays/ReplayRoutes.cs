using System.Security.Claims;
using Allmende.Platform;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Streams.Replays;

/// <summary><c>/{municipality}/replays</c>: kept uplinks decoded again. The list is the audit of who did it, when, and with what.</summary>
static class ReplayRoutes
{
    const int PageSize = 100, LargestBody = 8 * 1024;

    public static void MapReplays(this IEndpointRouteBuilder routes)
    {
        var replays = routes.MapGroup("/{municipality}/replays").WithTags("Replays");
        replays.MapPost("/", (string municipality, StartReplay.ReplayBody body, StartReplay start, HttpRequest caller, CancellationToken cancellation, bool dryRun = false) =>
                start.HandleAsync(municipality, body, dryRun, caller, cancellation))
            .RequireRole(StreamsModule.Editors).WithSummary("Decode a device's or a profile's kept uplinks again and correct what is stored; dryRun=true shows what would come of it")
            .Produces<ReplayInfo>(202).Produces<StartReplay.DryRun>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422).ProducesProblem(503)
            .WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        replays.MapGet("/", ListAsync).RequireMember().WithSummary("The replays, the newest first, paged by the Link header").Produces<List<ReplayInfo>>();
        replays.MapGet("/{id}", GetAsync).RequireMember().WithSummary("How far a replay is, and what came of it").Produces<ReplayInfo>().ProducesProblem(404);
        replays.MapDelete("/{id}", CancelAsync).RequireRole(StreamsModule.Editors).WithSummary("Cancel a replay; what it has corrected stays so").Produces(204).ProducesProblem(404).ProducesProblem(409);
    }

    /// <summary>A replay.</summary>
    /// <param name="Id">Its id; also <c>replay</c> of the corrections that it made.</param>
    /// <param name="Device">Whose uplinks; null where it is about all that were sent with the profile.</param>
    /// <param name="Profile">What they are decoded with.</param>
    /// <param name="Codec">The profile's codec when the replay was accepted.</param>
    /// <param name="CodecVersion">Its version; null for the library's.</param>
    /// <param name="From">Uplinks that arrived from then on.</param>
    /// <param name="To">Uplinks that arrived before then.</param>
    /// <param name="State"><c>waiting</c>, <c>running</c>, <c>done</c>, <c>failed</c> or <c>cancelled</c>.</param>
    /// <param name="Reason">Why it failed.</param>
    /// <param name="Progress">0 to 1.</param>
    /// <param name="Total">How many uplinks there were when it was accepted.</param>
    /// <param name="Uplinks">How many are done.</param>
    /// <param name="Observations">Observations handed on; those that say what is stored already change nothing.</param>
    /// <param name="Failures">Uplinks that gave nothing; what was stored of them stays.</param>
    /// <param name="FirstFailure">Why the first of them gave nothing.</param>
    /// <param name="AcceptedAt">When it was accepted; the resultTime of what it corrects.</param>
    /// <param name="AcceptedBy">Who asked for it: a client's id.</param>
    /// <param name="StartedAt">When it began.</param>
    /// <param name="EndedAt">When it was over.</param>
    /// <param name="CancelledBy">Who cancelled it.</param>
    public sealed record ReplayInfo(
        string Id, string? Device, string Profile, string? Codec, int? CodecVersion, DateTime From, DateTime To, string State, string? Reason, double Progress, long Total, long Uplinks,
        long Observations, long Failures, string? FirstFailure, DateTime AcceptedAt, string AcceptedBy, DateTime? StartedAt, DateTime? EndedAt, string? CancelledBy)
    {
        internal static ReplayInfo Of(Replay replay) => new(
            replay.Id, replay.Device, replay.Profile, replay.Codec, replay.CodecVersion, replay.FromTime, replay.ToTime, replay.State, replay.Reason,
            replay.State == ReplayStates.Done ? 1 : Math.Round(Math.Min(1, replay.Uplinks / (double)Math.Max(1, replay.Total)), 4), replay.Total, replay.Uplinks,
            replay.Observations, replay.Failures, replay.FirstFailure, replay.AcceptedAt, replay.AcceptedBy, replay.StartedAt, replay.EndedAt, replay.CancelledBy);
    }

    static async Task<IResult> ListAsync(
        string municipality, ReplayStore store, PlatformOptions options, HttpResponse response, CancellationToken cancellation, string? after = null, int limit = PageSize)
    {
        limit = Math.Clamp(limit, 1, PageSize);
        if (after?.Contains('\0') == true) return PlatformErrors.MalformedRequest.Problem("Follow the link to the next page as it was given.", "after");
        var page = await store.ListAsync(municipality, after, limit + 1, cancellation);
        if (page.Count > limit) response.Headers.Link = $"<{options.PublicUrl}/{municipality}/replays?limit={limit}&after={page[limit - 1].Id}>; rel=\"next\"";
        return TypedResults.Ok(page.Take(limit).Select(ReplayInfo.Of).ToList());
    }

    static async Task<IResult> GetAsync(string municipality, string id, ReplayStore store, CancellationToken cancellation) =>
        !id.Contains('\0') && await store.FindAsync(municipality, id, cancellation) is { } replay ? TypedResults.Ok(ReplayInfo.Of(replay)) : Missing(id);

    static async Task<IResult> CancelAsync(string municipality, string id, ClaimsPrincipal caller, ReplayStore store, CancellationToken cancellation)
    {
        if (id.Contains('\0')) return Missing(id);
        if (await store.CancelAsync(municipality, id, caller.Name(), cancellation)) return TypedResults.NoContent();
        return await store.FindAsync(municipality, id, cancellation) is { } replay ? StreamsErrors.ReplayOver.Problem($"It is {replay.State}.") : Missing(id);
    }

    static IResult Missing(string id) => PlatformErrors.NotFound.Problem($"There is no replay '{id}'.");
}
