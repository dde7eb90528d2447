using System.Buffers;
using Allmende.OpenData.Formats;
using Allmende.OpenData.Upstream;

namespace Allmende.OpenData.Features;

/// <summary><c>GET /{municipality}/export/{dataset}.csv</c>: all observations of a dataset, streamed in constant memory.</summary>
static class ExportCsv
{
    public static void Map(RouteGroupBuilder exports) =>
        exports.MapMethods("/{dataset}.csv", [HttpMethods.Get, HttpMethods.Head], HandleAsync).WithName("ExportCsv")
            .WithSummary("Observations of a dataset as CSV; from, to, thing, limit")
            .Produces<string>(200, "text/csv").ProducesProblem(400).ProducesProblem(404).ProducesProblem(429);

    static async Task<IResult> HandleAsync(string municipality, string dataset, HttpContext context, ObservationsClient observations, DatasetStore datasets)
    {
        var cancellation = context.RequestAborted;
        if (Selection.Read(context.Request.Query, out var problem) is not { } selection) return problem!;
        if (await context.RefuseAsync(municipality, dataset, datasets) is { } refusal) return refusal;
        var answer = await observations.ObservationsAsync(municipality, dataset, selection, context.Request, cancellation);
        if (answer.Lines is not { } lines) return answer.Error!.Problem();
        using (lines)
        {
            if (!context.Begin(lines, "text/csv; charset=utf-8; header=present", dataset + ".csv", isPast: selection.To < DateTimeOffset.UtcNow.AddDays(-1))) return Results.Empty;
            await context.WriteAsync("csv", token => WriteAsync(context, lines, selection.Limit ?? long.MaxValue, token));
        }
        return Results.Empty;
    }

    static async Task WriteAsync(HttpContext context, Lines lines, long limit, CancellationToken cancellation)
    {
        var body = context.Response.BodyWriter;
        body.Write(CsvRows.Header);
        var rows = new CsvRows(body);
        var count = 0L;
        await lines.ReadAsync(
            (in ReadOnlySequence<byte> line) =>
            {
                rows.Write(line);
                return ++count < limit;
            },
            async token => await body.FlushAsync(token), cancellation);
        Telemetry.Rows.Add(count, new KeyValuePair<string, object?>("format", "csv"));
    }
}
