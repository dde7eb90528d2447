using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform;
using Allmende.Platform.Log;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// The way of an uplink from the request to the log, alike for all doors: is there room, is it an uplink, whose, is its time possible; then one append, and
/// the answer when that is durable. No database is asked on the way of a device that is known.
/// </summary>
sealed class UplinkDoor(
    DeviceDirectory directory, RateLimits limits, BackPressure pressure, LastSeenWriter lastSeen, ILog log, IngestionOptions options)
{
    /// <summary>How long a sender should wait when too much is there already.</summary>
    static readonly TimeSpan OverloadedFor = TimeSpan.FromSeconds(5);

    /// <summary>How long a sender should wait when the log does not answer.</summary>
    static readonly TimeSpan LogAwayFor = TimeSpan.FromSeconds(2);

    /// <summary>Takes one message.</summary>
    public async Task HandleAsync(HttpContext context, string door, UplinkReader read)
    {
        var municipality = (string)context.GetRouteValue("municipality")!;
        var outcome = await TakeAsync(context, municipality, read);
        Telemetry.CountUplink(municipality, door, outcome.Name);
        if (outcome.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (outcome.Error is { } error) await error.Problem(outcome.Detail, outcome.Field).ExecuteAsync(context);
        else if (outcome.Uplink is { } uplink) await AcceptedAsync(context.Response, uplink);
        else context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    async ValueTask<Outcome> TakeAsync(HttpContext context, string municipality, UplinkReader read)
    {
        if (pressure.IsOn(municipality)) return Outcome.Refused(IngestionErrors.Overloaded, retryAfter: OverloadedFor);
        if (!limits.TryTake(municipality, out var wait)) return Outcome.Refused(IngestionErrors.TooManyUplinks, "of this municipality", retryAfter: wait);

        var (message, fault) = await ReadAsync(context.Request, read);
        if (fault is not null) return fault.Value;
        if (!message.IsUplink) return Outcome.Ignored;

        var device = await FindDeviceAsync(municipality, message, context.RequestAborted);
        // Whoever may not write a device's uplinks is not told that it exists.
        if (device is null || !DeviceKeys.MayWriteUplinksOf(context.User, device.Id))
            return Outcome.Refused(IngestionErrors.UnknownDevice, $"no device '{message.DevEui ?? message.DeviceId}' for this credential; register it first");
        if (!limits.TryTake(municipality, device.Id, out wait)) return Outcome.Refused(IngestionErrors.TooManyUplinks, "of this device", retryAfter: wait);

        var now = DateTimeOffset.UtcNow;
        var time = message.Time ?? now;
        if (time < options.EarliestTime || time > now + options.MostTimeAhead)
            return Outcome.Refused(IngestionErrors.InvalidUplink, $"lies before {options.EarliestTime:yyyy} or more than {options.MostTimeAhead.TotalHours:0.#} h ahead", message.TimeField);
        return await AppendAsync(municipality, device, message, time, now);
    }

    async ValueTask<Outcome> AppendAsync(string municipality, KnownDevice device, UplinkMessage message, DateTimeOffset time, DateTimeOffset now)
    {
        // A device without a codec is read by its network server; else the codec reads the bytes, whatever the network server makes of them.
        if (message.Bytes is not null && message.Data is not null)
        {
            if (device.DecodedBySender) message.Bytes = null;
            else message.Data = null;
        }
        var id = UplinkId.Of(device.Id, time, message);
        var uplink = new Uplink(id, device.Id, device.Profile, time, now, message.FPort, message.FCnt, message.Bytes, message.Data, message.Radio.ToMetadata());
        var since = Stopwatch.GetTimestamp();
        try
        {
            // Not cancelled when the client hangs up: it is as good as stored, and the client's next attempt has the same id.
            await log.AppendAsync(municipality, Topics.Uplinks, device.Id, JsonSerializer.SerializeToUtf8Bytes(uplink, ContractsJson.Default.Uplink), CancellationToken.None);
        }
        catch (LogUnavailableException)
        {
            return Outcome.Refused(IngestionErrors.NotDurable, retryAfter: LogAwayFor);
        }
        Telemetry.AppendTook(since);
        lastSeen.Note(municipality, device.Id, new LastSeen(now.UtcDateTime, message.FCnt, message.Radio.Rssi, message.Radio.Snr));
        return Outcome.Accepted(id);
    }

    /// <summary>By DevEUI if it has one, else by id; a device of that id with another DevEUI is not meant.</summary>
    async ValueTask<KnownDevice?> FindDeviceAsync(string municipality, UplinkMessage message, CancellationToken cancellation)
    {
        var devEui = message.DevEui is { } sent ? Device.NormalizeDevEui(sent) : null;
        if (devEui is not null && await directory.FindAsync(municipality, new(DeviceNameKind.DevEui, devEui), cancellation) is { } device) return device;
        if (message.DeviceId is not { } id || await directory.FindAsync(municipality, new(DeviceNameKind.Id, id), cancellation) is not { } byId) return null;
        return devEui is null || byId.DevEui is null ? byId : null;
    }

    static async ValueTask<(UplinkMessage Message, Outcome? Fault)> ReadAsync(HttpRequest request, UplinkReader read)
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
            var parsed = Parse(part.Buffer, read);
            body.AdvanceTo(part.Buffer.End);
            return parsed;
        }
    }

    static (UplinkMessage, Outcome?) Parse(in ReadOnlySequence<byte> body, UplinkReader read)
    {
        if (body.IsSingleSegment) return Parse(body.FirstSpan, read);
        var length = (int)body.Length;
        var whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(whole);
            return Parse(whole.AsSpan(0, length), read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    static (UplinkMessage, Outcome?) Parse(ReadOnlySpan<byte> body, UplinkReader read)
    {
        var message = default(UplinkMessage);
        if (!Utf8.IsValid(body)) return (message, Outcome.Refused(PlatformErrors.MalformedRequest, "no valid UTF-8"));
        var json = new JsonFields(body);
        try
        {
            if (json.EnterMessage()) read(ref json, ref message);
            json.LeaveMessage();
        }
        catch (JsonException fault)
        {
            return (message, Outcome.Refused(PlatformErrors.MalformedRequest, $"no valid JSON at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            // Utf8JsonReader's word for \ud800 and the like.
            return (message, Outcome.Refused(PlatformErrors.MalformedRequest, "a text is no valid Unicode"));
        }
        return (message, json.Fault is { } wrong ? Outcome.Refused(IngestionErrors.InvalidUplink, wrong.Fault, wrong.Field) : null);
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

    /// <summary>What became of a message.</summary>
    readonly record struct Outcome(string Name, string? Uplink, ApiError? Error, string? Detail, string? Field, TimeSpan? RetryAfter)
    {
        public static readonly Outcome Ignored = new("ignored", null, null, null, null, null);

        public static Outcome Accepted(string uplink) => new("accepted", uplink, null, null, null, null);

        public static Outcome Refused(ApiError error, string? detail = null, string? field = null, TimeSpan? retryAfter = null) =>
            new(error.Name, null, error, detail, field, retryAfter);
    }
}
