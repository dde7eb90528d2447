using System.Security.Cryptography;
using Allmende.Contracts;
using Allmende.Ingestion.Features;
using Allmende.Ingestion.Mappings;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Sources;

/// <summary><c>/{m}/mqtt-sources</c>: brokers that uplinks are taken from.</summary>
static class SourceRoutes
{
    const int LargestBody = 256 * 1024;

    const string Example = """
        {
          "name": "Sensoren im Netz The Things Stack", "address": "mqtts://eu1.cloud.thethings.network:8883", "username": "musterstadt@ttn", "password": "NNSXS.…",
          "topics": ["v3/musterstadt@ttn/devices/#"], "kind": "tts"
        }
        """;

    const string AnswerExample = """
        {
          "id": "ttn", "name": "Sensoren im Netz The Things Stack", "address": "mqtts://eu1.cloud.thethings.network:8883", "username": "musterstadt@ttn", "hasPassword": true,
          "topics": ["v3/musterstadt@ttn/devices/#"], "kind": "tts", "enabled": true, "clientId": "allmende-3f9a0c7b12de", "changedAt": "2026-03-01T08:00:00Z",
          "state": { "state": "connected", "since": "2026-03-01T08:00:01.2Z", "lastMessageAt": "2026-03-02T10:20:05.1Z", "taken": 18344, "refused": 2,
            "lastError": "v3/musterstadt@ttn/devices/alt/up: There is no such device: no device 'alt' for this credential; register it first", "lastErrorAt": "2026-03-02T09:00:12.5Z" }
        }
        """;

    const string Description = """
        The platform connects to the broker as a client with a session of its own (`clientId`), takes messages with QoS 1, and acknowledges each when it is durable: what
        comes while the platform is away is kept by the broker as long as it keeps sessions. `kind` says what the messages are:

        | `kind` | `topics`, for example |
        |---|---|
        | `tts` | The Things Stack: `v3/{application}@{tenant}/devices/#` |
        | `chirpstack` | ChirpStack v4 (JSON): `application/{id}/device/+/event/+` |
        | `actility` | ThingPark: as it is set up there |
        | `mioty` | `mioty/+/+/uplink`, `mioty/{organisation}/device/+/event/+`, `ep/+/ul` |
        | `json` | the body of `/uplinks/json`; the device in it, or in a topic `…/devices/{device}/up` |
        | `mapped` | any JSON, by the mapping that `mapping` names |

        `mqtts` needs a certificate that everybody knows, or one of `certificateAuthority` (PEM). The password is never shown; left out, the one that is kept stays, unless
        `address`, `username` or `certificateAuthority` change. Private addresses are for the operator to allow.
        """;

    public static void Map(RouteGroupBuilder sources)
    {
        sources.RequireRole(Roles.OfDevices);
        sources.MapGet("", ListAsync).Produces<SourceList>().WithName("ListMqttSources").WithSummary("List the brokers that uplinks are taken from").WithDescription("In the order of their ids.");
        sources.MapGet("/{id}", FindAsync).Produces<SourceAnswer>().ProducesProblem(404)
            .WithName("ShowMqttSource").WithSummary("Show a broker that uplinks are taken from, and how it stands").WithExamples(responses: ("200", AnswerExample));
        sources.MapPut("/{id}", PutAsync).Accepts<MqttSource>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces(201).Produces(204).ProducesProblem(409).ProducesProblem(422)
            .WithName("PutMqttSource").WithSummary("Take uplinks from a broker").WithDescription(Description).WithExamples(request: Example);
        sources.MapDelete("/{id}", RemoveAsync).Produces(204).ProducesProblem(404)
            .WithName("RemoveMqttSource").WithSummary("Take no more uplinks from a broker").WithDescription("If it can be reached, it is told to keep nothing for us any more.");
    }

    static async Task<SourceList> ListAsync(string municipality, SourceStore store, CancellationToken cancellation) =>
        new([.. (await store.ListAsync(municipality, cancellation)).Select(SourceAnswer.Of)]);

    static async Task<IResult> FindAsync(string municipality, string id, SourceStore store, CancellationToken cancellation) =>
        MappingRoutes.IsId(id) && await store.FindAsync(municipality, id, cancellation) is { } row ? TypedResults.Ok(SourceAnswer.Of(row)) : Unknown(id);

    static async Task<IResult> PutAsync(
        string municipality, string id, MqttSource body, SourceStore store, KnownMappings mappings, MqttSources sources, SourceOptions options, CancellationToken cancellation)
    {
        var faults = body.Faults(options.AllowPrivateAddresses).ToList();
        if (!MappingRoutes.IsId(id)) faults.Add(("id", "must consist of lower-case letters, digits and dashes, at most 64"));
        else if (await store.FindAsync(municipality, id, cancellation) is { Password: not null } before && body.Password is null && IsElsewhere(before.Source, body))
            faults.Add(("password", "must be sent again with another address, username or certificateAuthority: it was given for the ones before"));
        if (body is { Kind: "mapped", Mapping: { Length: > 0 } mapping } && await mappings.FindAsync(municipality, mapping, cancellation) is null)
            faults.Add(("mapping", $"there is no mapping '{mapping}'; PUT /{municipality}/uplink-mappings/{mapping} makes it"));
        if (faults.Count > 0) return IngestionErrors.InvalidSource.Problem(faults);

        // 23 characters are what every broker must take (MQTT 3.1.1, 3.1.3.1).
        var clientId = "allmende-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var isNew = await store.PutAsync(municipality, id, body, clientId, options.MostSources, cancellation);
        sources.Wake(municipality);
        return isNew switch
        {
            null => IngestionErrors.TooManySources.Problem($"{options.MostSources}; remove one that is not needed"),
            true => TypedResults.Created($"/{municipality}/mqtt-sources/{id}"),
            false => TypedResults.NoContent(),
        };
    }

    /// <summary>Whether a password that was given for one would be shown to somebody else.</summary>
    static bool IsElsewhere(MqttSource before, MqttSource now) =>
        before.Address != now.Address || before.UserName != now.UserName || before.CertificateAuthority != now.CertificateAuthority;

    static async Task<IResult> RemoveAsync(string municipality, string id, SourceStore store, MqttSources sources, CancellationToken cancellation)
    {
        if (!MappingRoutes.IsId(id) || !await store.RemoveAsync(municipality, id, cancellation)) return Unknown(id);
        sources.Wake(municipality);
        return TypedResults.NoContent();
    }

    static IResult Unknown(string id) => IngestionErrors.UnknownSource.Problem($"there is no MQTT source '{id}'");
}

/// <summary>The sources of a municipality.</summary>
/// <param name="Items">In the order of their ids.</param>
public sealed record SourceList(IReadOnlyList<SourceAnswer> Items);

/// <summary>A source as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Address">Where the broker is.</param>
/// <param name="Username">What we show to the broker.</param>
/// <param name="HasPassword">Whether we show a password, too.</param>
/// <param name="Topics">Topic filters.</param>
/// <param name="Kind">What the messages are.</param>
/// <param name="Mapping">For <c>mapped</c>: the mapping.</param>
/// <param name="CertificateAuthority">Whose certificates are accepted, PEM.</param>
/// <param name="Enabled">Whether it is to be connected.</param>
/// <param name="ClientId">Names our session at the broker.</param>
/// <param name="ChangedAt">When it was put last.</param>
/// <param name="State">How it stands.</param>
public sealed record SourceAnswer(
    string Id, string? Name, string? Address, string? Username, bool HasPassword, IReadOnlyList<string?>? Topics, string? Kind, string? Mapping, string? CertificateAuthority, bool Enabled,
    string ClientId, DateTime ChangedAt, SourceState State)
{
    internal static SourceAnswer Of(SourceRow row)
    {
        var state = row.State ?? new SourceState("disconnected", row.ChangedAt, null, null, null, 0, 0);
        var source = row.Source;
        return new(row.Id, source.Name, source.Address, source.UserName, row.Password is not null, source.Topics, source.Kind, source.Mapping, source.CertificateAuthority, source.Enabled,
            row.ClientId, row.ChangedAt, source.Enabled ? state : state with { State = "disabled" });
    }
}
