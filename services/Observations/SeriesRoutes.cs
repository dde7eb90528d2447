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
            .WithSummary("Time, mean, lowest, highest value, count and increase of a counter per step of time; steps without values are left out");

    /// <summary>Points of one answer where the client says the step.</summary>
    const int MostSteps = 10_000;

    static async Task<IResult> ReadAsync(
        string municipality, string datastream, HttpContext context, SeriesStore store, DateTimeOffset? from, DateTimeOffset? to, int? points, string? step)
    {
        var end = (to ?? DateTimeOffset.UtcNow).UtcDateTime;
        var start = (from ?? new DateTimeOffset(end.AddDays(-1))).UtcDateTime;
        if (start >= end) return ObservationsErrors.BadRange.Problem("'from' must lie before 'to'", "from");
        if (points is < 1 or > MostPoints) return ObservationsErrors.BadRange.Problem($"'points' must be 1 to {MostPoints}", "points");
        var width = step is null ? StepFor((end - start) / (points ?? 400)) : ParseStep(step);
        if (width is not { } bucket) return ObservationsErrors.BadRange.Problem("'step' must be an ISO 8601 duration from PT1S on without months and years, e.g. PT1H or P1D", "step");
        if ((end - start) / bucket > MostSteps) return ObservationsErrors.BadRange.Problem($"these are more than {MostSteps} steps", "step");
        (start, end) = SeriesStore.Aligned(start, end, bucket);
        var series = await store.ReadAsync(municipality, context.VisibleAccess(), datastream, start, end, bucket, context.RequestAborted);
        return series is null ? PlatformErrors.NotFound.Problem() : TypedResults.Bytes(Write(series, bucket), "application/json");
    }

    /// <summary>At least a second; from an hour on whole hours, from a day on whole days: those are kept as aggregates.</summary>
    static TimeSpan StepFor(TimeSpan width) => width > TimeSpan.FromHours(24) ? TimeSpan.FromDays(Math.Ceiling(width.TotalDays))
        : width > TimeSpan.FromHours(1) ? TimeSpan.FromHours(Math.Ceiling(width.TotalHours))
        : TimeSpan.FromSeconds(Math.Max(1, Math.Ceiling(width.TotalSeconds)));

    static TimeSpan? ParseStep(string text)
    {
        // Months and years have no length of their own.
        if (text.Length > 20 || text.StartsWith('-') || text.Split('T')[0].AsSpan().ContainsAny('M', 'Y')) return null;
        try { return System.Xml.XmlConvert.ToTimeSpan(text) is var step && step >= TimeSpan.FromSeconds(1) && step.Ticks % TimeSpan.TicksPerSecond == 0 ? step : null; }
        catch (FormatException) { return null; }
        catch (OverflowException) { return null; }
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
            json.Raw(","u8);
            json.Number(point.Increase);
            json.Raw("],"u8);
        }
        if (series.Points.Count > 0) json.Back();
        json.Raw("]}"u8);
        return json.Slice(0, json.Length).ToArray();
    }
}
