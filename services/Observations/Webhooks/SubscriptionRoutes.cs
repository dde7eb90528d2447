using System.Security.Cryptography;
using Allmende.Contracts;
using Allmende.Observations.Live;
using Allmende.Platform;
using Allmende.Platform.Log;
using Allmende.Platform.Security;

namespace Allmende.Observations.Webhooks;

/// <summary><c>/{municipality}/subscriptions</c>: observations pushed to an address of one's own, signed.</summary>
static class SubscriptionRoutes
{
    const int PageSize = 100, LargestPage = 1_000;

    public static void MapSubscriptions(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/{municipality}/subscriptions").WithTags("Webhooks").RequireRole(Roles.Admin, Roles.DataSteward, Roles.Developer);
        group.MapPost("/", CreateAsync).WithName("CreateSubscription").WithSummary("Subscribes an address to observations; the answer shows the secret, once")
            .WithDescription("""
                Each delivery is a POST with a JSON array of observations: `{"datastream","thing","type","unit","id","phenomenonTime","resultTime","result","resultQuality"}`; a 2xx within
                15 s says that it was taken. It is signed as the Standard Webhooks convention has it: `Webhook-Id`, `Webhook-Timestamp` (seconds since 1970) and `Webhook-Signature:
                v1,<base64>`, the HMAC-SHA256 of `{id}.{timestamp}.{body}` with the secret's bytes (what follows `whsec_`, base64). Against replay, refuse timestamps more than five minutes away and a Webhook-Id that you
                have taken. Nothing is lost while the receiver is away as long as the log keeps (a day by default): the same delivery comes again with growing pauses, `Retry-After` is heeded, 410 ends the
                subscription. After a crash on our side observations may come again in another delivery: `id` (with `resultTime` where it was corrected) tells.
                """)
            .Produces<CreatedSubscription>(201).ProducesProblem(409).ProducesProblem(422);
        group.MapGet("/", ListAsync).WithName("ListSubscriptions").WithSummary("The subscriptions, the oldest first, with how far they are").Produces<SubscriptionList>();
        group.MapGet("/{id}", FindAsync).WithName("ReadSubscription").WithSummary("One subscription").Produces<SubscriptionInfo>().ProducesProblem(404);
        group.MapPatch("/{id}", ChangeAsync).WithName("ChangeSubscription")
            .WithSummary("Changes what the body names; state paused or active. Sent to another address it keeps no access class that the caller does not have")
            .Produces<SubscriptionInfo>().ProducesProblem(404).ProducesProblem(422);
        group.MapDelete("/{id}", RemoveAsync).WithName("RemoveSubscription").WithSummary("Ends a subscription").Produces(204).ProducesProblem(404);
        group.MapGet("/{id}/deliveries", DeliveriesAsync).WithName("ListDeliveries")
            .WithSummary("What became of the attempts, and gaps, the newest first, paged by the Link header").Produces<DeliveryList>().ProducesProblem(404);
    }

    static async Task<IResult> CreateAsync(
        string municipality, SubscriptionBody body, HttpContext context, SubscriptionStore store, ILog log, DeliverWebhooks deliver, WebhookOptions options, CancellationToken cancellation)
    {
        var faults = body.Faults(isNew: true, options.AllowPrivateAddresses).ToList();
        if (faults.Count > 0) return ObservationsErrors.InvalidSubscription.Problem(faults);
        var secret = RandomNumberGenerator.GetBytes(32);
        var place = LogPlace.Of(await log.EndAsync(municipality, Topics.Observations, cancellation), []);
        if (await store.AddAsync(municipality, body, secret, context.VisibleAccess(), context.User.Name(), place.ObservationsText, options.MostSubscriptions, cancellation) is not { } made)
            return ObservationsErrors.TooManySubscriptions.Problem($"A municipality has {options.MostSubscriptions} at the most; remove one.");
        deliver.LookNow(municipality);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/{municipality}/subscriptions/{made.Id}", new CreatedSubscription("whsec_" + Convert.ToBase64String(secret), made.Info(isBehind: false)));
    }

    static async Task<IResult> ListAsync(string municipality, SubscriptionStore store, ILog log, CancellationToken cancellation)
    {
        var rows = await store.ListAsync(municipality, cancellation);
        var end = await EndAsync(municipality, log, cancellation);
        return TypedResults.Ok(new SubscriptionList(rows.ConvertAll(row => Shown(row, end))));
    }

    static async Task<IResult> FindAsync(string municipality, string id, SubscriptionStore store, ILog log, CancellationToken cancellation) =>
        await store.FindAsync(municipality, id, cancellation) is { } row ? TypedResults.Ok(Shown(row, await EndAsync(municipality, log, cancellation))) : PlatformErrors.NotFound.Problem();

    static async Task<IResult> ChangeAsync(
        string municipality, string id, SubscriptionBody body, HttpContext context, SubscriptionStore store, ILog log, DeliverWebhooks deliver, WebhookOptions options, CancellationToken cancellation)
    {
        var faults = body.Faults(isNew: false, options.AllowPrivateAddresses).ToList();
        if (faults.Count > 0) return ObservationsErrors.InvalidSubscription.Problem(faults);
        if (await store.ChangeAsync(municipality, id, body, context.VisibleAccess(), cancellation) is not { } row) return PlatformErrors.NotFound.Problem();
        deliver.LookNow(municipality);
        return TypedResults.Ok(Shown(row, await EndAsync(municipality, log, cancellation)));
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, SubscriptionStore store, DeliverWebhooks deliver, CancellationToken cancellation)
    {
        if (!await store.RemoveAsync(municipality, id, cancellation)) return PlatformErrors.NotFound.Problem();
        deliver.LookNow(municipality);
        return TypedResults.NoContent();
    }

    static async Task<IResult> DeliveriesAsync(
        string municipality, string id, HttpResponse response, SubscriptionStore store, PlatformOptions platform, CancellationToken cancellation, long? before = null, int limit = PageSize)
    {
        limit = Math.Clamp(limit, 1, LargestPage);
        if (await store.FindAsync(municipality, id, cancellation) is null) return PlatformErrors.NotFound.Problem();
        var page = await store.DeliveriesAsync(municipality, id, before, limit + 1, cancellation);
        if (page.Count > limit)
            response.Headers.Link = $"<{platform.PublicUrl}/{municipality}/subscriptions/{id}/deliveries?limit={limit}&before={page[limit - 1].Key}>; rel=\"next\"";
        return TypedResults.Ok(new DeliveryList([.. page.Take(limit).Select(one => one.Delivery)]));
    }

    static async Task<LogPlace> EndAsync(string municipality, ILog log, CancellationToken cancellation) => LogPlace.Of(await log.EndAsync(municipality, Topics.Observations, cancellation), []);

    static SubscriptionInfo Shown(SubscriptionRow row, LogPlace end) => row.Info(LogPlace.Parse(row.Place)!.IsBefore(end));
}
