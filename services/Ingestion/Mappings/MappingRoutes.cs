using System.Text.Json;
using System.Text.RegularExpressions;
using Allmende.Contracts;
using Allmende.Ingestion.Features;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform.Security;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Mappings;

/// <summary><c>/{m}/uplink-mappings</c>: how JSON messages of any form become uplinks.</summary>
static partial class MappingRoutes
{
    const int LargestBody = 128 * 1024;

    const string Example = """
        {
          "name": "Wetterstationen der Stadtwerke", "device": "wetter-{$.station}", "items": "$.readings[*]", "time": "@.ts", "timeFormat": "unix",
          "data": { "temperature": "@.values.t", "humidity": "@.values.rh", "voltage": "$.battery[0]" }
        }
        """;

    const string TryExample = """{ "station": "rathaus", "battery": [3.6], "readings": [{ "ts": 1772446805, "values": { "t": 7.5, "rh": 81 } }] }""";

    const string TriedExample = """
        { "readings": [{ "index": 0, "device": "wetter-rathaus", "registered": true, "time": "2026-03-02T10:20:05Z", "data": { "temperature": 7.5, "humidity": 81, "voltage": 3.6 } }] }
        """;

    const string Description = """
        `device` says whose a message is: a path (`$.id`), a text, or a text with paths in braces (`wetter-{$.station}`); over MQTT also with levels of the topic
        (`{topic.2}`). It is written as device ids are (lower case, dashes for what they cannot have); 16 hexadecimal digits are looked up as DevEUI, too. `time` is a path,
        in `timeFormat` `rfc3339`, `unix` or `unix_ms`; without it the arrival counts, and a message sent twice is two. `data` has a path for each field; what is not in a
        message is left out. `items` is the path of a list, ending with `[*]`: each of it is a reading, and paths that begin with `@` go into that. Paths know `.name`,
        `['name']` and `[0]`. For devices whose profile has a codec, `bytes` is the path of the payload, written as `bytesFormat` says (`hex` or `base64`, or a list of numbers),
        and `port` the path of its port; `data` may be left out then.
        """;

    public static void Map(RouteGroupBuilder mappings)
    {
        mappings.MapGet("", ListAsync).RequireRole(DeviceReaders.Roles).Produces<MappingList>()
            .WithName("ListUplinkMappings").WithSummary("List the mappings of JSON messages").WithDescription("In the order of their ids.");
        mappings.MapGet("/{id}", FindAsync).RequireRole(DeviceReaders.Roles).Produces<MappingAnswer>().ProducesProblem(404)
            .WithName("ShowUplinkMapping").WithSummary("Show a mapping");
        mappings.MapPut("/{id}", PutAsync).RequireRole(Roles.OfDevices).Accepts<UplinkMapping>("application/json").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Produces(201).Produces(204).ProducesProblem(409).ProducesProblem(422)
            .WithName("PutUplinkMapping").WithSummary("Keep a mapping of JSON messages").WithDescription(Description).WithExamples(request: Example);
        mappings.MapDelete("/{id}", RemoveAsync).RequireRole(Roles.OfDevices).Produces(204).ProducesProblem(404)
            .WithName("RemoveUplinkMapping").WithSummary("Remove a mapping").WithDescription("Messages that still come by it are refused from then on.");
        mappings.MapPost("/{id}/try", TryAsync).RequireRole(DeviceReaders.Roles).Accepts<object>("application/json").Produces<Tried>().ProducesProblem(404).ProducesProblem(422)
            .WithName("TryUplinkMapping").WithSummary("Show what a message would become").WithDescription("Nothing is stored. `topic` is the topic that the message would come by over MQTT.")
            .WithExamples(TryExample, ("200", TriedExample));
    }

    /// <summary>True for what may be a mapping's id.</summary>
    public static bool IsId(string text) => IdPattern().IsMatch(text);

    static async Task<MappingList> ListAsync(string municipality, MappingStore store, CancellationToken cancellation) =>
        new([.. (await store.ListAsync(municipality, cancellation)).Select(MappingAnswer.Of)]);

    static async Task<IResult> FindAsync(string municipality, string id, MappingStore store, CancellationToken cancellation) =>
        IsId(id) && await store.FindAsync(municipality, id, cancellation) is { } row ? TypedResults.Ok(MappingAnswer.Of(row)) : Unknown(id);

    static async Task<IResult> PutAsync(
        string municipality, string id, UplinkMapping body, MappingStore store, KnownMappings known, IngestionOptions options, CancellationToken cancellation)
    {
        var faults = new List<(string Field, string Fault)>();
        if (!IsId(id)) faults.Add(("id", "must consist of lower-case letters, digits and dashes, at most 64"));
        body.Ready(id, faults);
        if (faults.Count > 0) return IngestionErrors.InvalidMapping.Problem(faults);
        var isNew = await store.PutAsync(municipality, id, body, options.MostMappings, cancellation);
        known.Forget(municipality, id);
        return isNew switch
        {
            null => IngestionErrors.TooManyMappings.Problem($"{options.MostMappings}; remove one that is not needed"),
            true => TypedResults.Created($"/{municipality}/uplink-mappings/{id}"),
            false => TypedResults.NoContent(),
        };
    }

    static async Task<IResult> RemoveAsync(string municipality, string id, MappingStore store, KnownMappings known, CancellationToken cancellation)
    {
        if (!IsId(id) || !await store.RemoveAsync(municipality, id, cancellation)) return Unknown(id);
        known.Forget(municipality, id);
        return TypedResults.NoContent();
    }

    static async Task<IResult> TryAsync(
        string municipality, string id, string? topic, HttpRequest request, KnownMappings known, UplinkDoor door, IngestionOptions options, CancellationToken cancellation)
    {
        if (await known.FindAsync(municipality, id, cancellation) is not { } mapping) return Unknown(id);
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellation);
        var (readings, fault) = mapping.Read(new(body.GetBuffer().AsMemory(0, (int)body.Length)), topic, options.MostReadings);
        if (fault is { } whole) return whole.Error!.Problem(whole.Detail, whole.Field);
        var tried = new List<TriedReading>(readings.Count);
        foreach (var (index, message, wrong) in readings)
        {
            var device = await door.FindDeviceAsync(municipality, message, cancellation);
            tried.Add(new(index, device?.Id ?? message.DeviceId, device is not null, message.Time, message.Data,
                message.Bytes is { } bytes ? Convert.ToHexStringLower(bytes) : null, message.Bytes is null ? null : message.FPort, wrong?.Field, wrong?.Detail));
        }
        return TypedResults.Ok(new Tried(tried));
    }

    static IResult Unknown(string id) => IngestionErrors.UnknownMapping.Problem($"there is no mapping '{id}'");

    [GeneratedRegex("^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex IdPattern();
}

/// <summary>The mappings of a municipality.</summary>
/// <param name="Items">In the order of their ids.</param>
public sealed record MappingList(IReadOnlyList<MappingAnswer> Items);

/// <summary>A mapping as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Device">Whose a message is.</param>
/// <param name="Time">Path of the time.</param>
/// <param name="TimeFormat">How the time is written.</param>
/// <param name="Data">Path of each field.</param>
/// <param name="Items">Path of the list of readings.</param>
/// <param name="Bytes">Path of the payload.</param>
/// <param name="BytesFormat">How the payload is written.</param>
/// <param name="Port">Path of the payload's port.</param>
/// <param name="ChangedAt">When it was put last.</param>
public sealed record MappingAnswer(
    string Id, string? Name, string? Device, string? Time, string? TimeFormat, IReadOnlyDictionary<string, string?>? Data, string? Items, string? Bytes, string? BytesFormat, string? Port,
    DateTime ChangedAt)
{
    internal static MappingAnswer Of((string Id, UplinkMapping Mapping, DateTime ChangedAt) row) =>
        new(row.Id, row.Mapping.Name, row.Mapping.Device, row.Mapping.Time, row.Mapping.TimeFormat, row.Mapping.Data, row.Mapping.Items, row.Mapping.Bytes,
            row.Mapping.BytesFormat, row.Mapping.Port, row.ChangedAt);
}

/// <summary>What a message would become.</summary>
/// <param name="Readings">One for each uplink that there would be.</param>
public sealed record Tried(IReadOnlyList<TriedReading> Readings);

/// <summary>A reading that was tried.</summary>
/// <param name="Index">Its place in the list.</param>
/// <param name="Device">The device's id.</param>
/// <param name="Registered">Whether there is such a device.</param>
/// <param name="Time">Its time; missing where the arrival would count.</param>
/// <param name="Data">Its fields.</param>
/// <param name="Bytes">Its payload, hexadecimal.</param>
/// <param name="Port">The payload's port.</param>
/// <param name="Field">The path at fault.</param>
/// <param name="Fault">Why it would be refused; missing if it would not.</param>
public sealed record TriedReading(int Index, string? Device, bool Registered, DateTimeOffset? Time, JsonElement? Data, string? Bytes, int? Port, string? Field, string? Fault);
