using System.Buffers;
using System.Text.Json;
using Allmende.OpenData.Formats;
using Allmende.OpenData.Upstream;

namespace Allmende.OpenData.Features;

/// <summary><c>GET /{municipality}/export/{dataset}.geojson</c>: the Things of a dataset with their latest values; with a time, those that have a latest value in it.</summary>
static class ExportGeoJson
{
    public static void Map(RouteGroupBuilder exports) =>
        exports.MapMethods("/{dataset}.geojson", [HttpMethods.Get, HttpMethods.Head], HandleAsync).WithName("ExportGeoJson")
            .WithSummary("Things of a dataset with their latest values as GeoJSON; from, to, thing, limit")
            .Produces<string>(200, FeatureJson.MediaType).ProducesProblem(400).ProducesProblem(404).ProducesProblem(429);

    static async Task<IResult> HandleAsync(string municipality, string dataset, HttpContext context, ObservationsClient observations, DatasetStore datasets)
    {
        var cancellation = context.RequestAborted;
        if (Selection.Read(context.Request.Query, out var problem) is not { } selection) return problem!;
        if (await context.RefuseAsync(municipality, dataset, datasets) is { } refusal) return refusal;
        var answer = await observations.ThingsAsync(municipality, dataset, context.Request, cancellation);
        if (answer.Lines is not { } lines) return answer.Error!.Problem();
        using (lines)
        {
            if (!context.Begin(lines, FeatureJson.MediaType, dataset + ".geojson", isPast: false)) return Results.Empty;
            await context.WriteAsync("geojson", token => WriteAsync(context, lines, selection, token));
        }
        return Results.Empty;
    }

    static async Task WriteAsync(HttpContext context, Lines lines, Selection selection, CancellationToken cancellation)
    {
        var body = context.Response.BodyWriter;
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("type", "FeatureCollection");
        json.WriteStartArray("features");
        var (count, limit) = (0L, selection.Limit ?? long.MaxValue);
        await lines.ReadAsync(
            (in ReadOnlySequence<byte> line) =>
            {
                var thing = Thing.Parse(line);
                if ((selection.Thing is { } only && only != thing.Id) || !thing.HasValueWithin(selection.From, selection.To)) return true;
                FeatureJson.Write(json, thing);
                return ++count < limit;
            },
            async token =>
            {
                await json.FlushAsync(token);
                await body.FlushAsync(token);
            }, cancellation);
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellation);
        Telemetry.Rows.Add(count, new KeyValuePair<string, object?>("format", "geojson"));
    }
}
