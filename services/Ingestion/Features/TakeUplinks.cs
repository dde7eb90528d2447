using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Uplinks;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/uplinks/{tts,chirpstack,json}</c>: the doors. An answer of 202 says that the uplink is on disk.</summary>
static class TakeUplinks
{
    public static void Map(RouteGroupBuilder uplinks, IngestionOptions options)
    {
        uplinks.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
            context.Resource is HttpContext http && DeviceKeys.MayWriteUplinks(context.User, (string)http.GetRouteValue("municipality")!)));
        uplinks.WithMetadata(new RequestSizeLimitAttribute(options.LargestUplink));

        uplinks.MapPost("/tts", (HttpContext context, HttpUplinks door) => door.HandleAsync(context, "tts", TheThingsStack.Read))
            .Describe("TakeUplinkOfTheThingsStack", "Take an uplink of The Things Stack", """
                The body is the webhook message of The Things Stack v3. The device is found by `end_device_ids.dev_eui`, else by `device_id`. Messages that
                are no uplink (join, acknowledgement, status) answer 204.
                """, UplinkExamples.TheThingsStack);
        uplinks.MapPost("/chirpstack", TakeChirpStackAsync)
            .Describe("TakeUplinkOfChirpStack", "Take an uplink of ChirpStack", """
                The body is the JSON of ChirpStack v4's HTTP integration, with its query parameter `event`. Events other than `up` answer 204.
                """, UplinkExamples.ChirpStack);
        uplinks.MapPost("/json", (HttpContext context, HttpUplinks door) => door.HandleAsync(context, "json", PlainJson.Read))
            .Describe("TakeUplink", "Take an uplink", """
                For devices and gateways of any kind: `bytes` (hexadecimal, or an array of numbers) for the profile's codec, or `data` as it is. `time` is RFC 3339;
                without it the arrival counts, and a message sent twice is two.
                """, UplinkExamples.Plain);
    }

    static Task TakeChirpStackAsync(HttpContext context, string? @event, HttpUplinks door)
    {
        if (@event is null or "" or "up") return door.HandleAsync(context, "chirpstack", ChirpStack.Read);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    static void Describe(this RouteHandlerBuilder route, string name, string summary, string description, string example) => route
        .Accepts<object>("application/json")
        .Produces<UplinkAccepted>(202)
        .Produces(204)
        .ProducesProblem(404)
        .ProducesProblem(413)
        .ProducesProblem(422)
        .ProducesProblem(429)
        .ProducesProblem(503)
        .WithName(name)
        .WithSummary(summary)
        .WithDescription(description)
        .WithExamples(example, ("202", UplinkExamples.Accepted));
}

/// <summary>The answer when an uplink is durable.</summary>
/// <param name="Uplink">Its id: the same message sent again has the same.</param>
public sealed record UplinkAccepted(string Uplink);
