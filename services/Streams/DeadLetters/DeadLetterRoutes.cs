using System.Globalization;
using System.Text;
using Allmende.Platform;
using Allmende.Platform.Log;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.WebUtilities;

namespace Allmende.Streams.DeadLetters;

/// <summary><c>/{municipality}/dead-letters</c>.</summary>
static class DeadLetterRoutes
{
    const int PageSize = 100, LargestPage = 1000;

    public static void MapDeadLetters(this IEndpointRouteBuilder routes)
    {
        var letters = routes.MapGroup("/{municipality}/dead-letters").WithTags("Dead letters");
        letters.MapGet("/", ListAsync).RequireMember().WithSummary("What could not be processed, and why; the newest first, paged by the Link header");
        letters.MapPost("/{id}/replay", ReplayAsync).RequireRole(StreamsModule.Editors).WithSummary("Process it again").Produces(202).ProducesProblem(404);
    }

    /// <summary>A record that could not be processed.</summary>
    /// <param name="Id">Names it for the replay.</param>
    /// <param name="Uplink">The uplink's id, as the door answered it; null where the record is no uplink.</param>
    /// <param name="Device">The device, where known.</param>
    /// <param name="Type">Stable name of the reason.</param>
    /// <param name="Reason">The reason.</param>
    /// <param name="At">When it was given up.</param>
    /// <param name="Topic">The topic it is from, and goes back to.</param>
    /// <param name="Replay">Where to post to process it again.</param>
    public sealed record Listed(string Id, string? Uplink, string? Device, string Type, string Reason, DateTime At, string Topic, string Replay);

    static async Task<IResult> ListAsync(
        string municipality, DeadLetterStore store, PlatformOptions options, HttpResponse response, CancellationToken cancellation,
        string? device = null, string? after = null, int limit = PageSize)
    {
        limit = Math.Clamp(limit, 1, LargestPage);
        (DateTime, string)? place = null;
        if (after is not null && (place = Place(after)) is null) return PlatformErrors.MalformedRequest.Problem("Follow the link to the next page as it was given.", "after");
        var page = await store.ListAsync(municipality, device, place, limit + 1, cancellation);
        var entries = page.Take(limit).Select(entry => new Listed(
            entry.Id, entry.Topic == Contracts.Topics.Uplinks ? entry.Id : null, entry.Device, entry.Type, entry.Reason, entry.At, entry.Topic,
            $"{options.PublicUrl}/{municipality}/dead-letters/{Uri.EscapeDataString(entry.Id)}/replay")).ToList();
        if (page.Count > limit)
        {
            var query = $"?limit={limit}&after={Place(page[limit - 1])}" + (device is null ? "" : $"&device={Uri.EscapeDataString(device)}");
            response.Headers.Link = $"<{options.PublicUrl}/{municipality}/dead-letters{query}>; rel=\"next\"";
        }
        return TypedResults.Ok(entries);
    }

    static async Task<IResult> ReplayAsync(string municipality, string id, DeadLetterStore store, ILog log, TimeProvider clock, CancellationToken cancellation)
    {
        if (await store.FindAsync(municipality, id, cancellation) is not var (topic, key, payload)) return PlatformErrors.NotFound.Problem($"There is no dead letter '{id}' that waits.");
        var now = clock.GetUtcNow();
        // First the record, then the note: a death in between shows the letter still, and replaying it again does no harm.
        await log.AppendAsync(municipality, topic, key, payload, cancellation);
        await store.ReplayedAsync(municipality, id, now, cancellation);
        return TypedResults.Accepted((string?)null);
    }

    static string Place(DeadLetterStore.Entry entry) => WebEncoders.Base64UrlEncode(Encoding.UTF8.GetBytes($"{entry.At.Ticks}/{entry.Id}"));

    static (DateTime At, string Id)? Place(string after)
    {
        try
        {
            var text = Encoding.UTF8.GetString(WebEncoders.Base64UrlDecode(after));
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            return slash > 0 && long.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTime.MaxValue.Ticks
                ? (new DateTime(ticks, DateTimeKind.Utc), text[(slash + 1)..])
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
