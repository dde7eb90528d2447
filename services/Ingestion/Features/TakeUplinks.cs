using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary><c>POST /{m}/uplinks/{tts,chirpstack,actility,mioty,sensor-community,mapped/{mapping},json}</c>: the doors. An answer of 202 says that the uplink is on disk.</summary>
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
                are no uplink answer 204: what join_accept, downlink_queued, downlink_sent, downlink_ack, downlink_nack, downlink_failed, location_solved and
                service_data tell of a device is shown by `GET /{m}/devices/{id}/signals`. `decoded_payload`, else `normalized_payload`, counts for profiles
                without a codec; of several normalised measurements all are kept, and found by the paths `0.…`, `1.…`.
                """, UplinkExamples.TheThingsStack);
        uplinks.MapPost("/chirpstack", TakeChirpStackAsync)
            .Describe("TakeUplinkOfChirpStack", "Take an uplink of ChirpStack", """
                The body is the JSON of ChirpStack v4's HTTP integration, with its query parameter `event`. Events other than `up` answer 204: what `join`, `status`,
                `ack`, `txack`, `log`, `location` and `integration` tell of a device is shown by `GET /{m}/devices/{id}/signals`.
                """, UplinkExamples.ChirpStack);
        uplinks.MapPost("/actility", (HttpContext context, HttpUplinks door) => door.HandleAsync(context, "actility", Actility.Read))
            .Describe("TakeUplinkOfThingPark", "Take an uplink of Actility ThingPark", """
                The body is the JSON of ThingPark's HTTP connection. `DevEUI_uplink` is an uplink; `payload`, what ThingPark decoded, counts for profiles without
                a codec. `DevEUI_downlink_Sent`, `DevEUI_location` and `DevEUI_notification` answer 204, and are shown by `GET /{m}/devices/{id}/signals`; so do
                other documents, which say nothing of use.
                """, UplinkExamples.Actility);
        uplinks.MapPost("/mioty", (HttpContext context, string? device, HttpUplinks door) => door.HandleAsync(context, "mioty", Mioty.Read, device))
            .Describe("TakeUplinkOfMioty", "Take an uplink of a mioty network", """
                The body is JSON as mioty's application centres and service centres write it: Fraunhofer's (`baseStations`, `cnt`, `data` as numbers, `format`,
                `components`), the mioty Alliance's (`epEui`, `packetCnt`, `userData`, `rxTime`), or KiloCenter's (`data` in base64). The end point is found by
                `epEui` or `devEui`, else by the query parameter `device`, for forms that have it in the topic alone. `format` is the port that the codec sees;
                `components` or `decodedPayload` count for profiles without a codec. Attachments and what became of downlinks answer 204.
                """, UplinkExamples.Mioty);
        uplinks.MapPost("/sensor-community", (HttpContext context, HttpUplinks door) => door.HandleAsync(context, "sensor-community", SensorCommunity.Read, NamedDevice(context)))
            .AcceptBasic()
            .Describe("TakeUplinkOfSensorCommunity", "Take the values of an airRohr of Sensor.Community", """
                For the firmware's "send data to a custom API". It can show a credential by basic authentication alone: the password is the device's key, or an API
                key with scope `uplinks:write`; the user name is the device's id, or the municipality. The device is the key's own, else the user name's, else
                `esp8266-` and the chip's number. Values become `data` by their `value_type`; profile `sensor-community-airrohr` has those of the usual sensors.
                """, UplinkExamples.SensorCommunity);
        uplinks.MapPost("/mapped/{mapping}", (HttpContext context, string mapping, HttpUplinks door) => door.HandleMappedAsync(context, mapping))
            .Describe("TakeMappedUplinks", "Take a JSON message of any form", """
                What it means says the mapping (`PUT /{m}/uplink-mappings/{id}`). One whose mapping has `items` answers `{"uplinks":[…]}` when all readings that can be
                taken are durable, and tells the others in `refused`: `[{"index":3,"type":"unknown_device","detail":"…","field":"$.id"}]`; if there is none that can be
                taken, the first one's error is the answer.
                """, UplinkExamples.Mapped);
        uplinks.MapPost("/json", (HttpContext context, HttpUplinks door) => door.HandleAsync(context, "json", PlainJson.Read))
            .Describe("TakeUplink", "Take an uplink", """
                For devices and gateways of any kind: `bytes` (hexadecimal, or an array of numbers) for the profile's codec, or `data` as it is. `time` is RFC 3339;
                without it the arrival counts, and a message sent twice is two.
                """, UplinkExamples.Plain);
    }

    static Task TakeChirpStackAsync(HttpContext context, string? @event, HttpUplinks door)
    {
        if (ChirpStackEvents.ReaderOf(string.IsNullOrEmpty(@event) ? "up" : @event) is { } reader) return door.HandleAsync(context, "chirpstack", reader);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>A device of its own key, or as the user name has it.</summary>
    static string? NamedDevice(HttpContext context) =>
        DeviceKeys.OwnDevice(context.User) ?? (context.BasicUser() is { } user && user != (string)context.GetRouteValue("municipality")! ? user : null);

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
