using Allmende.Observations.SensorThings;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Observations;

/// <summary><c>GET /{municipality}/series/{datastream}</c>: a chart's worth of points.</summary>
static class SeriesRoutes
{
    const int MostPoints = 2_000;

    public static void MapSeries(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/{municipality}/series/{datastream}", ReadAsync).WithTags("Series").WithName("Series")
            .WithSummary("Mean, lowest, highest value and count per step of time; steps without values are left out");

    static async Task<IResult> ReadAsync(
        string municipality, string datastream, HttpContext context, SeriesStore store, DateTimeOffset? from, DateTimeOffset? to, int? points)
    {
        var end = (to ?? DateTimeOffset.UtcNow).UtcDateTime;
        var start = (from ?? new DateTimeOffset(end.AddDays(-1))).UtcDateTime;
        if (start >= end) return ObservationsErrors.BadRange.Problem("'from' must lie before 'to'", "from");
        if (points is < 1 or > MostPoints) return ObservationsErrors.BadRange.Problem($"'points' must be 1 to {MostPoints}", "points");
        var step = TimeSpan.FromSeconds(Math.Max(1, Math.Ceiling((end - start).TotalSeconds / (points ?? 400))));
        var series = await store.ReadAsync(municipality, context.VisibleAccess(), datastream, start, end, step, context.RequestAborted);
        return series is null ? PlatformErrors.NotFound.Problem() : TypedResults.Bytes(Write(series, step), "application/json");
    }

    static byte[] Write(Series series, TimeSpan step)
    {
        using var json = new JsonBuffer();
        json.Raw("{\"datastream\":"u8);
        json.Text(series.Datastream);
        json.Raw(",\"unit\":"u8);
        json.Text(series.Unit);
        json.Raw(",\"step\":"u8);
        json.Text(System.Xml.XmlConvert.ToString(step));
        json.Raw(",\"interval\":"u8);
        if (series.ExpectedInterval is { } interval) json.Number((long)interval); else json.Raw("null"u8);
        json.Raw(",\"points\":["u8);
        foreach (var point in series.Points)
        {
            json.Raw("["u8);
            json.Time(point.Time);
            foreach (var number in (ReadOnlySpan<double>)[point.Mean, point.Min, point.Max])
            {
                json.Raw(","u8);
                json.Number(number);
            }
            json.Raw(","u8);
            json.Number(point.Count);
            json.Raw("],"u8);
        }
        if (series.Points.Count > 0) json.Back();
        json.Raw("]}"u8);
        return json.Slice(0, json.Length).ToArray();
    }
}
