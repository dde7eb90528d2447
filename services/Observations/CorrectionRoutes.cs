using System.Globalization;
using Allmende.Contracts;
using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Observations;

/// <summary>
/// <c>GET /{municipality}/corrections?datastream=&amp;replay=&amp;from=&amp;to=</c>: what observations were before they were corrected or deleted, for those who answer for
/// the data. from and to bound the phenomenonTime. Answer: <c>{"value":[{"datastream","phenomenonTime","result","resultTime","resultQuality","replacedAt",
/// "replacedBy","replay"}],"next"}</c>; replay, the id, only where one replaced it.
/// </summary>
static class CorrectionRoutes
{
    const int Page = 1_000;
    const int FurthestSkip = 1_000_000;

    public static void MapCorrections(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/{municipality}/corrections", ReadAsync).WithTags("Corrections").WithName("Corrections")
            .WithSummary("What observations were before they were corrected or deleted").RequireRole(Roles.Admin, Roles.DataOwner, Roles.DataSteward);

    static async Task<IResult> ReadAsync(
        string municipality, HttpContext context, CorrectionStore store, PlatformOptions options, string? datastream, string? replay, DateTimeOffset? from, DateTimeOffset? to, int? skip)
    {
        if (from >= to) return ObservationsErrors.BadRange.Problem("'from' must lie before 'to'", "from");
        if (skip is < 0 or > FurthestSkip) return ObservationsErrors.BadRange.Problem($"'skip' must be 0 to {FurthestSkip}", "skip");
        if (datastream?.Contains('\0', StringComparison.Ordinal) == true) return ObservationsErrors.BadRange.Problem("there is no such id", "datastream");
        if (replay?.Contains('\0', StringComparison.Ordinal) == true) return ObservationsErrors.BadRange.Problem("there is no such id", "replay");
        var replaced = await store.ReadAsync(municipality, context.VisibleAccess(), datastream, replay, from?.UtcDateTime, to?.UtcDateTime, Page + 1, skip ?? 0, context.RequestAborted);
        var next = replaced.Count <= Page ? null : Next(options.PublicUrl, municipality, datastream, replay, from, to, (skip ?? 0) + Page);
        return TypedResults.Bytes(Write(replaced.Take(Page), next), "application/json");
    }

    static string Next(string root, string municipality, string? datastream, string? replay, DateTimeOffset? from, DateTimeOffset? to, int skip)
    {
        var query = new List<string>();
        if (datastream is not null) query.Add("datastream=" + Uri.EscapeDataString(datastream));
        if (replay is not null) query.Add("replay=" + Uri.EscapeDataString(replay));
        if (from is { } begin) query.Add("from=" + Uri.EscapeDataString(begin.ToString("O", CultureInfo.InvariantCulture)));
        if (to is { } end) query.Add("to=" + Uri.EscapeDataString(end.ToString("O", CultureInfo.InvariantCulture)));
        query.Add(string.Create(CultureInfo.InvariantCulture, $"skip={skip}"));
        return $"{root}/{municipality}/corrections?{string.Join('&', query)}";
    }

    static byte[] Write(IEnumerable<Replaced> replaced, string? next)
    {
        using var json = new JsonBuffer();
        json.Raw("{\"value\":["u8);
        var first = true;
        foreach (var one in replaced)
        {
            if (!first) json.Raw(","u8);
            first = false;
            json.Raw("{\"datastream\":"u8);
            json.Text(one.Datastream);
            json.Raw(",\"phenomenonTime\":"u8);
            json.Interval(one.Time, one.End);
            json.Raw(",\"result\":"u8);
            if (one.Value is { } number) json.Number(number); else json.Raw(one.Json ?? "null");
            json.Raw(",\"resultTime\":"u8);
            if (one.ResultTime is { } at) json.Time(at); else json.Raw("null"u8);
            json.Raw(",\"resultQuality\":"u8);
            QualityJson.Write(json, (Quality)one.Quality);
            json.Raw(",\"replacedAt\":"u8);
            json.Time(one.ReplacedAt);
            json.Raw(",\"replacedBy\":"u8);
            json.Text(one.ReplacedBy);
            if (one.Replay is { } by)
            {
                json.Raw(",\"replay\":"u8);
                json.Text(by);
            }
            json.Raw("}"u8);
        }
        json.Raw("],\"next\":"u8);
        if (next is null) json.Raw("null"u8); else json.Text(next);
        json.Raw("}"u8);
        return json.Slice(0, json.Length).ToArray();
    }
}
