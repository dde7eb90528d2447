using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mappings;

namespace Allmende.Ingestion.Uplinks;

/// <summary>Uplinks that come by HTTP: 202 with the uplink's id when it is durable, 204 for what is none, else the problem.</summary>
sealed class HttpUplinks(UplinkDoor door, MappedUplinks mapped, RateLimits limits)
{
    /// <summary>Takes one message.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kind">The door's name, for the counters.</param>
    /// <param name="read">Reads this door's form.</param>
    /// <param name="device">The device, where the address or the credential says it.</param>
    public async Task HandleAsync(HttpContext context, string kind, UplinkReader read, string? device = null)
    {
        var municipality = (string)context.GetRouteValue("municipality")!;
        var outcome = door.TurnedAway(municipality, DeviceKeys.OwnDevice(context.User)) ?? await TakeAsync(context, municipality, kind, read, device);
        Telemetry.CountUplink(municipality, kind, outcome.Name);
        await AnswerAsync(context, municipality, outcome);
    }

    /// <summary>Takes the readings of one message, by a mapping of the municipality.</summary>
    public async Task HandleMappedAsync(HttpContext context, string mapping)
    {
        var municipality = (string)context.GetRouteValue("municipality")!;
        if (door.TurnedAway(municipality, DeviceKeys.OwnDevice(context.User)) is { } away)
        {
            Telemetry.CountUplink(municipality, "mapped", away.Name);
            await AnswerAsync(context, municipality, away);
        }
        else if (await mapped.FindAsync(municipality, mapping, context.RequestAborted) is not { } ready)
            await IngestionErrors.UnknownMapping.Problem($"there is no mapping '{mapping}'; PUT /{municipality}/uplink-mappings/{mapping} makes it").ExecuteAsync(context);
        else
        {
            var outcome = await WholeAsync(context.Request, body => mapped.TakeAsync(municipality, context.User, ready, body, topic: null, context.RequestAborted));
            foreach (var reading in outcome.Readings) Telemetry.CountUplink(municipality, "mapped", reading.Name);
            if (outcome.Readings.Count == 0) Telemetry.CountUplink(municipality, "mapped", outcome.Whole.Name);
            if (ready.HasItems && outcome.Whole.Uplink is not null) await AnswerAsync(context, outcome.Readings);
            else await AnswerAsync(context, municipality, outcome.Whole);
        }
    }

    async Task AnswerAsync(HttpContext context, string municipality, UplinkOutcome outcome)
    {
        // The body is not read, or was read already: nothing is kept for it meanwhile but the connection.
        if (outcome.IsTooMuch) await Task.Delay(limits.HoldOf(municipality), context.RequestAborted);
        if (outcome.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (outcome.Error is { } error) await error.Problem(outcome.Detail, outcome.Field).ExecuteAsync(context);
        else if (outcome.Uplink is { } uplink) await AcceptedAsync(context.Response, uplink);
        else context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    static Task AnswerAsync(HttpContext context, IReadOnlyList<UplinkOutcome> readings)
    {
        var refused = readings.Index().Where(one => one.Item.Error is not null)
            .Select(one => new RefusedReading(one.Index, one.Item.Name, one.Item.Detail ?? one.Item.Error!.Title, one.Item.Field)).ToList();
        var accepted = new ReadingsAccepted([.. readings.Select(one => one.Uplink).OfType<string>()], refused.Count == 0 ? null : refused);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return context.Response.WriteAsJsonAsync(accepted, ReadingsJson.Default.ReadingsAccepted);
    }

    async ValueTask<UplinkOutcome> TakeAsync(HttpContext context, string municipality, string kind, UplinkReader read, string? device)
    {
        var (message, fault) = await ReadAsync(context.Request, read, device);
        message.Door = kind;
        return fault ?? await door.TakeAsync(municipality, context.User, message, context.RequestAborted);
    }

    static ValueTask<(UplinkMessage Message, UplinkOutcome? Fault)> ReadAsync(HttpRequest request, UplinkReader read, string? device) =>
        WholeAsync(request, body => ValueTask.FromResult(UplinkDoor.Parse(body, read, device)));

    /// <summary>Reads the whole body, and what <paramref name="read"/> makes of it while it is there.</summary>
    static async ValueTask<T> WholeAsync<T>(HttpRequest request, Func<ReadOnlySequence<byte>, ValueTask<T>> read)
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
            var result = await read(part.Buffer);
            body.AdvanceTo(part.Buffer.End);
            return result;
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
