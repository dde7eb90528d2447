using System.Globalization;
using System.Text.Json;
using Allmende.OpenData.Formats;
using Allmende.OpenData.Upstream;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.OpenData.Ogc;

/// <summary>Which features of a collection are wanted: <c>bbox</c>, <c>datetime</c>, <c>limit</c> (OGC 17-069r4, clauses 7.15.2 to 7.15.4), and our <c>offset</c>.</summary>
sealed record ItemQuery(double[]? Bbox, DateTimeOffset? From, DateTimeOffset? To, int Limit, int Offset)
{
    const int DefaultLimit = 100, LargestLimit = 10_000;
    static readonly string[] Names = ["bbox", "datetime", "limit", "offset"];

    public static ItemQuery? Read(IQueryCollection query, out ProblemHttpResult? problem)
    {
        problem = Selection.Unknown(query, Names);
        double[]? bbox = null;
        DateTimeOffset? from = null, to = null;
        var (limit, offset) = (DefaultLimit, 0);
        if (problem is null && query.TryGetValue("bbox", out var box) && !TryBbox(box.ToString(), out bbox))
            problem = OpenDataErrors.InvalidParameter.Problem("must be west,south,east,north in degrees", "bbox");
        if (problem is null && query.TryGetValue("datetime", out var time) && !TryInterval(time.ToString(), out from, out to))
            problem = OpenDataErrors.InvalidParameter.Problem("must be a time, or an interval like 2026-11-20T00:00:00Z/..", "datetime");
        if (problem is null && query.TryGetValue("limit", out var limitText) && !(TryNumber(limitText.ToString(), out limit) && limit > 0))
            problem = OpenDataErrors.InvalidParameter.Problem($"must be 1 to {LargestLimit}", "limit");
        if (problem is null && query.TryGetValue("offset", out var offsetText) && !TryNumber(offsetText.ToString(), out offset))
            problem = OpenDataErrors.InvalidParameter.Problem("must be a whole number", "offset");
        return problem is null ? new ItemQuery(bbox, from, to, Math.Min(limit, LargestLimit), offset) : null;
    }

    /// <summary>True if the Thing is one of those.</summary>
    public bool Matches(Thing thing) =>
        thing.HasValueWithin(From, To) && (Bbox is null || (thing.Geometry is { } geometry && Envelope.Of(geometry) is { } place && place.Meets(Bbox)));

    /// <summary>The same query for the page after this one, as a query string.</summary>
    public string Next(IQueryCollection asked)
    {
        var parts = asked.Where(pair => pair.Key is not ("offset" or "limit")).Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value.ToString())}")
            .Append(string.Create(CultureInfo.InvariantCulture, $"limit={Limit}")).Append(string.Create(CultureInfo.InvariantCulture, $"offset={Offset + Limit}"));
        return "?" + string.Join('&', parts);
    }

    static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    static bool TryBbox(string text, out double[]? bbox)
    {
        var numbers = text.Split(',').Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN).ToArray();
        bbox = numbers switch
        {
            [var west, var south, var east, var north] => [west, south, east, north],
            [var west, var south, _, var east, var north, _] => [west, south, east, north],
            _ => null,
        };
        return bbox is not null && numbers.All(double.IsFinite) && bbox[1] <= bbox[3];
    }

    static bool TryInterval(string text, out DateTimeOffset? from, out DateTimeOffset? to)
    {
        (from, to) = (null, null);
        if (text.Split('/') is not [var start, var end])
        {
            if (!Selection.TryTime(text, out from)) return false;
            to = from!.Value.AddTicks(1);
            return true;
        }
        if (start is not ("" or "..") && !Selection.TryTime(start, out from)) return false;
        if (end is not ("" or "..") && !Selection.TryTime(end, out to)) return false;
        to = to?.AddTicks(1); // the end belongs to it
        return !(from >= to);
    }
}

/// <summary>The least box around a geometry.</summary>
readonly record struct Envelope(double West, double South, double East, double North)
{
    /// <summary>The box around a GeoJSON geometry; null where it has no coordinates.</summary>
    public static Envelope? Of(JsonElement geometry)
    {
        var box = new Envelope(double.PositiveInfinity, double.PositiveInfinity, double.NegativeInfinity, double.NegativeInfinity);
        if (geometry.TryGetProperty("geometries", out var parts) && parts.ValueKind == JsonValueKind.Array)
            foreach (var part in parts.EnumerateArray())
                if (Of(part) is { } other) box = box.Around(other.West, other.South).Around(other.East, other.North);
        if (geometry.TryGetProperty("coordinates", out var coordinates)) box = box.Around(coordinates);
        return box.West <= box.East ? box : null;
    }

    /// <summary>True if it touches west, south, east, north; the west lies east of the east where the box crosses the antimeridian.</summary>
    public bool Meets(double[] bbox)
    {
        if (North < bbox[1] || South > bbox[3]) return false;
        return bbox[0] <= bbox[2] ? East >= bbox[0] && West <= bbox[2] : East >= bbox[0] || West <= bbox[2];
    }

    Envelope Around(JsonElement coordinates)
    {
        if (coordinates.ValueKind != JsonValueKind.Array || coordinates.GetArrayLength() == 0) return this;
        if (coordinates[0].ValueKind == JsonValueKind.Number)
            return coordinates.GetArrayLength() >= 2 && coordinates[1].ValueKind == JsonValueKind.Number ? Around(coordinates[0].GetDouble(), coordinates[1].GetDouble()) : this;
        return coordinates.EnumerateArray().Aggregate(this, (box, part) => box.Around(part));
    }

    Envelope Around(double x, double y) => new(Math.Min(West, x), Math.Min(South, y), Math.Max(East, x), Math.Max(North, y));
}
