using System.Buffers;
using System.Text.Json;
using Allmende.OpenData.Features;
using Allmende.OpenData.Formats;
using Allmende.OpenData.Upstream;
using Allmende.Platform;

namespace Allmende.OpenData.Ogc;

/// <summary>Features of a collection, streamed page by page, and one by its id.</summary>
static class Items
{
    public static void Map(RouteGroupBuilder ogc)
    {
        ogc.MapGet("/collections/{dataset}/items", ListAsync).WithName("OgcItems").WithSummary("OGC API Features: Things of a dataset; bbox, datetime, limit, offset");
        ogc.MapGet("/collections/{dataset}/items/{thing}", ReadAsync).WithName("OgcItem").WithSummary("OGC API Features: one Thing");
    }

    static async Task<IResult> ListAsync(
        string municipality, string dataset, HttpContext context, ObservationsClient observations, DatasetStore datasets, PlatformOptions options)
    {
        if (ItemQuery.Read(context.Request.Query, out var problem) is not { } query) return problem!;
        if (await context.RefuseAsync(municipality, dataset, datasets) is { } refusal) return refusal;
        var answer = await observations.ThingsAsync(municipality, dataset, context.Request, context.RequestAborted);
        if (answer.Lines is not { } lines) return answer.Error!.Problem();
        using (lines)
        {
            if (!context.Begin(lines, FeatureJson.MediaType, null, isPast: false)) return Results.Empty;
            var address = Collections.AddressOf(options, municipality, dataset) + "/items";
            await context.WriteAsync("ogc", token => WriteAsync(context, lines, query, address, token));
        }
        return Results.Empty;
    }

    static async Task WriteAsync(HttpContext context, Lines lines, ItemQuery query, string address, CancellationToken cancellation)
    {
        var body = context.Response.BodyWriter;
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("type", "FeatureCollection");
        json.WriteStartArray("features");
        var (seen, more) = (0L, false);
        await lines.ReadAsync(
            (in ReadOnlySequence<byte> line) =>
            {
                var thing = Thing.Parse(line);
                if (!query.Matches(thing) || seen++ < query.Offset) return true;
                // One more than the page holds tells that there is a next page.
                more = seen > (long)query.Offset + query.Limit;
                if (!more) FeatureJson.Write(json, thing);
                return !more;
            },
            async token =>
            {
                await json.FlushAsync(token);
                await body.FlushAsync(token);
            }, cancellation);
        json.WriteEndArray();
        json.WriteNumber("numberReturned", Math.Clamp(seen - query.Offset, 0, query.Limit));
        json.WriteStartArray("links");
        WriteLink(json, address + context.Request.QueryString, "self");
        if (more) WriteLink(json, address + query.Next(context.Request.Query), "next");
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellation);
    }

    static void WriteLink(Utf8JsonWriter json, string href, string rel)
    {
        json.WriteStartObject();
        json.WriteString("href", href);
        json.WriteString("rel", rel);
        json.WriteString("type", FeatureJson.MediaType);
        json.WriteEndObject();
    }

    static async Task<IResult> ReadAsync(string municipality, string dataset, string thing, HttpContext context, ObservationsClient observations, DatasetStore datasets)
    {
        if (await context.RefuseAsync(municipality, dataset, datasets) is { } refusal) return refusal;
        var answer = await observations.ThingsAsync(municipality, dataset, context.Request, context.RequestAborted);
        if (answer.Lines is not { } lines) return answer.Error!.Problem();
        using (lines)
        {
            Thing? found = null;
            await lines.ReadAsync(
                (in ReadOnlySequence<byte> line) =>
                {
                    var next = Thing.Parse(line);
                    if (next.Id == thing) found = next;
                    return found is null;
                },
                _ => Task.CompletedTask, context.RequestAborted);
            if (found is null) return PlatformErrors.NotFound.Problem();
            if (!context.Begin(lines, FeatureJson.MediaType, null, isPast: false)) return Results.Empty;
            await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
            FeatureJson.Write(json, found);
        }
        return Results.Empty;
    }
}
