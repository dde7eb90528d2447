using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Allmende.Ingestion.Uplinks;

/// <summary>Uplinks that come by HTTP: 202 with the uplink's id when it is durable, 204 for what is none, else the problem.</summary>
sealed class HttpUplinks(UplinkDoor door)
{
    /// <summary>Takes one message.</summary>
    public async Task HandleAsync(HttpContext context, string kind, UplinkReader read)
    {
        var municipality = (string)context.GetRouteValue("municipality")!;
        var outcome = door.TurnedAway(municipality) ?? await TakeAsync(context, municipality, kind, read);
        Telemetry.CountUplink(municipality, kind, outcome.Name);
        if (outcome.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (outcome.Error is { } error) await error.Problem(outcome.Detail, outcome.Field).ExecuteAsync(context);
        else if (outcome.Uplink is { } uplink) await AcceptedAsync(context.Response, uplink);
        else context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    async ValueTask<UplinkOutcome> TakeAsync(HttpContext context, string municipality, string kind, UplinkReader read)
    {
        var (message, fault) = await ReadAsync(context.Request, read);
        message.Door = kind;
        return fault ?? await door.TakeAsync(municipality, context.User, message, context.RequestAborted);
    }

    static async ValueTask<(UplinkMessage Message, UplinkOutcome? Fault)> ReadAsync(HttpRequest request, UplinkReader read)
    {
        var body = request.BodyReader;
        while (true)
        {
            var part = await body.ReadAsync(request.HttpContext.RequestAborted);
            if (!part.IsCompleted)
            {
                body.AdvanceTo(part.Buffer.Start, part.Buffer.End);
                continue;
            }
            var parsed = UplinkDoor.Parse(part.Buffer, read);
            body.AdvanceTo(part.Buffer.End);
            return parsed;
        }
    }

    static async ValueTask AcceptedAsync(HttpResponse response, string uplink)
    {
        response.StatusCode = StatusCodes.Status202Accepted;
        response.ContentType = "application/json";
        response.ContentLength = 13 + uplink.Length;
        Write(response.BodyWriter, uplink);
        await response.BodyWriter.FlushAsync();
    }

    static void Write(PipeWriter writer, string uplink)
    {
        writer.Write("{\"uplink\":\""u8);
        Encoding.ASCII.GetBytes(uplink.AsSpan(), writer);
        writer.Write("\"}"u8);
    }
}
