using System.Net.Http.Headers;
using Allmende.Observations.SensorThings.Writes;
using Allmende.Platform;
using Allmende.Platform.Data;

namespace Allmende.Observations.SensorThings.Batch;

/// <summary><c>POST /{municipality}/sta/v1.1/$batch</c> (OGC 18-088 section 11): many requests in one, each with the caller's rights.</summary>
static class BatchRoutes
{
    public static void MapBatch(this RouteGroupBuilder group) =>
        group.MapPost("/$batch", HandleAsync).WithName("SensorThingsBatch").WithSummary("Many requests in one, as multipart/mixed or JSON; change sets are atomic");

    static async Task HandleAsync(
        string municipality, HttpContext context, EntityDoor door, ObservationDoor observations, MunicipalDatabases databases, PlatformOptions options, ObservationsOptions limits,
        ILogger<BatchRun> logger)
    {
        var cancellation = context.RequestAborted;
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)) throw new SensorThingsException(415, "a batch is multipart/mixed or application/json");
        var isJson = type.MediaType!.EndsWith("json", StringComparison.OrdinalIgnoreCase);
        if (!isJson && !type.MediaType.Equals("multipart/mixed", StringComparison.OrdinalIgnoreCase)) throw new SensorThingsException(415, "a batch is multipart/mixed or application/json");
        var rights = WriteRoutes.RightsOf(context, municipality);
        var most = rights.MayWrite ? BatchLimits.MostParts : BatchLimits.MostPartsOfReaders;
        var body = await WriteRoutes.ReadBodyAsync(context);
        var groups = isJson ? JsonBatch.Read(body, most) : MultipartBatch.Read(body, context.Request.ContentType!, most);

        IBatchWriter writer = isJson ? new JsonBatchWriter(context.Response) : new MultipartBatchWriter(context.Response);
        context.Response.ContentType = writer.ContentType;
        await writer.BeginAsync(cancellation);
        var run = new BatchRun(door, observations, databases, options, limits, logger, municipality, context, rights);
        foreach (var group in groups)
        {
            var answers = await run.DoAsync(group, cancellation);
            await writer.WriteAsync(group, answers, cancellation);
            await context.Response.BodyWriter.FlushAsync(cancellation);
        }
        await writer.EndAsync(cancellation);
    }
}
