using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Inbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary><c>GET /{m}/device-counts</c>: how many devices there are, by state, by what is wrong and by what they can be told apart; and what who asks may do with them.</summary>
static class CountDevices
{
    const int MostValues = 200;

    public static void Map(WebApplication app) => app.MapGet("/{municipality}/device-counts", HandleAsync)
        .RequireRole(DeviceReaders.Roles)
        .Produces<DeviceCounts>()
        .ProducesProblem(422)
        .WithTags("Devices")
        .WithName("CountDevices")
        .WithSummary("Count devices")
        .WithDescription($"""
            The filters of GET /devices. `total` is how many these find; `states` counts whatever `state` they ask for, `conditions` whatever `condition`, so that both can be
            shown beside a list and chosen from. Profiles, groups, departments and tags are those of all devices, the most frequent first, at most {MostValues} of each.
            `unknown` is how many senders wait in the inbox, for who may adopt them. `may` is what who asks may do: `manage` devices, `send` them something.
            """)
        .WithExamples(responses: ("200", DeviceExamples.Counts));

    static async Task<IResult> HandleAsync(
        string municipality, [AsParameters] DeviceQuery query, ClaimsPrincipal caller, DeviceStore store, UnknownDeviceStore inbox, CancellationToken cancellation)
    {
        var (filter, field, fault) = query.Read();
        if (fault is not null) return IngestionErrors.InvalidPage.Problem(fault, field);
        var counts = await store.CountAsync(municipality, filter, MostValues, cancellation);
        var roles = Roles.Of(caller, municipality);
        var manages = roles.Overlaps(Roles.OfDevices);
        return TypedResults.Ok(new DeviceCounts(
            counts.Single(count => count.By == DeviceCount.Total).Devices,
            DeviceState.All.ToDictionary(state => state, state => counts.Where(count => count.By == DeviceCount.State && count.Value == state).Sum(count => count.Devices)),
            counts.Where(count => count.By == DeviceCount.Condition).ToDictionary(count => count.Value, count => count.Devices),
            Of(DeviceCount.Profile), Of(DeviceCount.Group), Of(DeviceCount.Department), Of(DeviceCount.Tag),
            manages ? await inbox.CountAsync(municipality, cancellation) : null,
            [.. new[] { manages ? "manage" : null, roles.Overlaps(Roles.OfActuators) ? "send" : null }.OfType<string>()]));

        List<DevicesOf> Of(string by) => [.. counts.Where(count => count.By == by).Select(count => new DevicesOf(count.Value, count.Devices))];
    }
}

/// <summary>How many devices there are.</summary>
/// <param name="Total">That the filters find.</param>
/// <param name="States">By state; all states are there.</param>
/// <param name="Conditions">By what is wrong; <c>any</c>: those that are silent, faulty or have a condition.</param>
/// <param name="Profiles">Profiles of all devices.</param>
/// <param name="Groups">Groups of all devices.</param>
/// <param name="Departments">Departments of all devices.</param>
/// <param name="Tags">Tags of all devices.</param>
/// <param name="Unknown">How many senders wait in the inbox; missing for who may not adopt them.</param>
/// <param name="May">What who asks may do: <c>manage</c>, <c>send</c>.</param>
public sealed record DeviceCounts(
    long Total, IReadOnlyDictionary<string, long> States, IReadOnlyDictionary<string, long> Conditions, IReadOnlyList<DevicesOf> Profiles, IReadOnlyList<DevicesOf> Groups,
    IReadOnlyList<DevicesOf> Departments, IReadOnlyList<DevicesOf> Tags, long? Unknown, IReadOnlyList<string> May);

/// <summary>How many devices have a value.</summary>
/// <param name="Value">The value.</param>
/// <param name="Devices">How many.</param>
public sealed record DevicesOf(string Value, long Devices);
