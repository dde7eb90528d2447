using System.Text;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Observations;

/// <summary>What other services ask: Ingestion whether a Thing is there, OpenData for a dataset's content with the caller's own rights.</summary>
static class InternalRoutes
{
    public static void MapInternal(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/internal/{municipality}").ExcludeFromDescription();
        group.MapGet("/things/{id}", async Task<IResult> (string municipality, string id, DeviceStore devices, CancellationToken cancellation) =>
            await devices.ThingExistsAsync(municipality, id, cancellation) ? TypedResults.NoContent() : PlatformErrors.NotFound.Problem());
        group.MapGet("/datasets/{dataset}/observations", (string municipality, string dataset, HttpContext context, SeriesStore store, DateTimeOffset? from, DateTimeOffset? to, string? thing) =>
            StreamAsync(municipality, dataset, context, store, access =>
                store.ObservationsOfDatasetAsync(municipality, access, dataset, from?.UtcDateTime, to?.UtcDateTime, thing, context.RequestAborted)));
        group.MapGet("/datasets/{dataset}/things", (string municipality, string dataset, HttpContext context, SeriesStore store, string? thing) =>
            StreamAsync(municipality, dataset, context, store, access => store.ThingsOfDatasetAsync(municipality, access, dataset, thing, context.RequestAborted)));
    }

    static async Task StreamAsync(string municipality, string dataset, HttpContext context, SeriesStore store, Func<string[], IAsyncEnumerable<string>> lines)
    {
        var cancellation = context.RequestAborted;
        var access = context.VisibleAccess();
        if (!await store.SeesDatasetAsync(municipality, access, dataset, cancellation))
        {
            await PlatformErrors.NotFound.Problem().ExecuteAsync(context);
            return;
        }
        context.Response.ContentType = "application/x-ndjson";
        var output = context.Response.BodyWriter;
        var unflushed = 0;
        await foreach (var line in lines(access).WithCancellation(cancellation))
        {
            unflushed += WriteLine(output, line);
            if (unflushed < 64 * 1024) continue;
            await output.FlushAsync(cancellation);
            unflushed = 0;
        }
        await output.FlushAsync(cancellation);
    }

    static int WriteLine(System.IO.Pipelines.PipeWriter output, string line)
    {
        var span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(line.Length) + 1);
        var written = Encoding.UTF8.GetBytes(line, span);
        span[written] = (byte)'\n';
        output.Advance(written + 1);
        return written + 1;
    }
}
