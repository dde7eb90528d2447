using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Features;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Downlinks;

/// <summary><c>/{m}/downlink-ways</c>: how downlinks get to devices.</summary>
static class WayRoutes
{
    const int LargestBody = 512 * 1024;

    const string Example = """
        { "name": "The Things Stack", "kind": "tts", "url": "https://eu1.cloud.thethings.network", "application": "musterstadt", "secret": "NNSXS.…", "devices": ["ventil-7"] }
        """;

    const string AnswerExample = """
        {
          "id": "ttn", "name": "The Things Stack", "kind": "tts", "url": "https://eu1.cloud.thethings.network", "application": "musterstadt", "hasSecret": true,
          "devices": ["ventil-7"], "changedAt": "2026-03-01T08:00:00Z"
        }
        """;

    const string Description = """
        | `kind` | what it needs | the device there |
        |---|---|---|
        | `tts` | The Things Stack v3: `url`, `application`, `secret` (an API key that may write downlink traffic) | `externalIds` under this way's id or `tts`, else the device's id |
        | `chirpstack` | ChirpStack v4's REST interface: `url`, `secret` (an API key) | its DevEUI |
        | `mqtt` | nothing: topic `{m}/devices/{device}/down` of our own broker; also for devices that no way is for | |

        `devices` are those whose way it is; left out, it is the way of all that have no other, and there can be one such. A device has one way. The secret is never shown; left
        out, the one that is kept stays, unless `kind`, `url` or `application` change. Private addresses are for the operator to allow. For the roles admin and developer.
        """;

    public static void Map(RouteGroupBuilder ways)
    {
        ways.RequireRole(Roles.OfActuators);
        ways.MapGet("", ListAsync).Produces<WayList>().WithName("ListDownlinkWays").WithSummary("List how downlinks get to devices").WithDescription("In the order of their ids.");
        ways.MapGet("/{id}", FindAsync).Produces<WayAnswer>().ProducesProblem(404)
            .WithName("ShowDownlinkWay").WithSummary("Show how downlinks get to devices").WithExamples(responses: ("200", AnswerExample));
        ways.MapPut("/{id}", PutAsync).Accepts<DownlinkWay>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces(201).Produces(204).ProducesProblem(409).ProducesProblem(422)
            .WithName("PutDownlinkWay").WithSummary("Say how downlinks get to devices").WithDescription(Description).WithExamples(request: Example);
        ways.MapDelete("/{id}", RemoveAsync).Produces(204).ProducesProblem(404)
            .WithName("RemoveDownlinkWay").WithSummary("Remove a way of downlinks").WithDescription("What waits goes the way that is left: that of all devices, else our own broker.");
    }

    static async Task<WayList> ListAsync(string municipality, WayStore store, CancellationToken cancellation) =>
        new([.. (await store.ListAsync(municipality, cancellation)).Select(WayAnswer.Of)]);

    static async Task<IResult> FindAsync(string municipality, string id, WayStore store, CancellationToken cancellation) =>
        Device.IsId(id) && await store.FindAsync(municipality, id, cancellation) is { } row ? TypedResults.Ok(WayAnswer.Of(row)) : Unknown(id);

    static async Task<IResult> PutAsync(
        string municipality, string id, DownlinkWay body, WayStore store, DownlinkSender sender, DownlinkOptions options, CancellationToken cancellation)
    {
        var faults = body.Faults(options.AllowPrivateAddresses).ToList();
        if (!Device.IsId(id)) faults.Add(("id", "must consist of lower-case letters, digits and dashes, at most 64, and not of digits alone"));
        else if (body.Kind != DownlinkWay.Mqtt && string.IsNullOrEmpty(body.Secret))
        {
            var before = await store.FindAsync(municipality, id, cancellation);
            if (body.Secret is not null || before?.Secret is null) faults.Add(("secret", "is missing; it is the API key that the network server knows us by"));
            else if (before.Way.Kind != body.Kind || before.Way.Url != body.Url || before.Way.Application != body.Application)
                faults.Add(("secret", "must be sent again with another kind, url or application: it was given for the ones before"));
        }
        if (faults.Count > 0) return IngestionErrors.InvalidWay.Problem(faults);

        // Our own broker is shown no secret, so none is kept for it.
        var put = await store.PutAsync(municipality, id, body.Kind == DownlinkWay.Mqtt ? body with { Secret = "" } : body, options.MostWays, cancellation);
        if (put.Faults.Count > 0) return IngestionErrors.InvalidWay.Problem(put.Faults);
        sender.Wake(municipality);
        return put.IsNew switch
        {
            null => IngestionErrors.TooManyWays.Problem($"{options.MostWays}; remove one that is not needed"),
            true => TypedResults.Created($"/{municipality}/downlink-ways/{id}"),
            false => TypedResults.NoContent(),
        };
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, WayStore store, DownlinkSender sender, CancellationToken cancellation)
    {
        if (!Device.IsId(id) || !await store.RemoveAsync(municipality, id, cancellation)) return Unknown(id);
        sender.Wake(municipality);
        return TypedResults.NoContent();
    }

    static IResult Unknown(string id) => IngestionErrors.UnknownWay.Problem($"there is no way '{id}'");
}

/// <summary>The ways of a municipality.</summary>
/// <param name="Items">In the order of their ids.</param>
public sealed record WayList(IReadOnlyList<WayAnswer> Items);

/// <summary>A way as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Kind"><c>tts</c>, <c>chirpstack</c> or <c>mqtt</c>.</param>
/// <param name="Url">Where the network server is.</param>
/// <param name="Application">The application's id there.</param>
/// <param name="HasSecret">Whether we show a secret.</param>
/// <param name="Devices">Whose way it is; missing: of all that have no other.</param>
/// <param name="ChangedAt">When it was put last.</param>
public sealed record WayAnswer(string Id, string? Name, string? Kind, string? Url, string? Application, bool HasSecret, IReadOnlyList<string>? Devices, DateTime ChangedAt)
{
    internal static WayAnswer Of(WayRow row) => new(row.Id, row.Way.Name, row.Way.Kind, row.Way.Url, row.Way.Application, row.Secret is not null, row.Devices, row.ChangedAt);
}
