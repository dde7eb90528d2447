using System.Buffers;
using System.Diagnostics;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Unicode;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Inbox;
using Allmende.Ingestion.Signals;
using Allmende.Ingestion.Watch;
using Allmende.Platform;
using Allmende.Platform.Log;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// The way of an uplink to the log, alike for all doors and protocols: is there room, is it an uplink, whose, is its time possible; then one append, and
/// the answer when that is durable. No database is asked on the way of a device that is known.
/// </summary>
sealed class UplinkDoor(
    DeviceDirectory directory, RateLimits limits, BackPressure pressure, LastSeenWriter lastSeen, DeviceSignals signals, UnknownDevices unknown, ILog log,
    IngestionOptions options)
{
    /// <summary>How long a sender should wait when too much is there already.</summary>
    static readonly TimeSpan OverloadedFor = TimeSpan.FromSeconds(5);

    const string DeviceIsMeant = "of this device";

    /// <summary>How long a sender should wait when the log does not answer.</summary>
    static readonly TimeSpan LogAwayFor = TimeSpan.FromSeconds(2);

    /// <summary>Whether the doors are shut for now: the municipality sends more than is decoded, or it or the device more than they may. Asked before a message is read.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device, where it is known already.</param>
    /// <param name="credit">How far ahead its sender may live, who can be made to rest for it.</param>
    public UplinkOutcome? TurnedAway(string municipality, string? device = null, TimeSpan credit = default)
    {
        if (pressure.IsOn(municipality)) return UplinkOutcome.Refused(IngestionErrors.Overloaded, retryAfter: OverloadedFor);
        if (device is not null && limits.WaitOf(municipality, device) is var wait && wait > credit) return TooManyOf(DeviceIsMeant, wait);
        return limits.TryTake(municipality, out var due, credit) ? null : TooManyOf("of this municipality", due);
    }

    /// <summary>Takes one message; <see cref="TurnedAway"/> was asked before. What becomes of it when the client is gone is up to the message's id.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="caller">Who sends it; may write uplinks of the municipality (<see cref="DeviceKeys.MayWriteUplinks"/>).</param>
    /// <param name="message">What was read of it.</param>
    /// <param name="cancellation">Gives up before the append, never during it.</param>
    public async ValueTask<UplinkOutcome> TakeAsync(string municipality, ClaimsPrincipal caller, UplinkMessage message, CancellationToken cancellation)
    {
        if (!message.IsUplink) return await NoteAsync(municipality, caller, message, cancellation);
        var device = await FindDeviceAsync(municipality, message, cancellation);
        // Whoever may not write a device's uplinks is not told that it exists.
        if (device is null or { Retired: true } || !DeviceKeys.MayWriteUplinksOf(caller, device.Id))
        {
            if (device is null && DeviceKeys.MayWriteAll(caller)) unknown.Note(municipality, message, DateTimeOffset.UtcNow);
            return UplinkOutcome.Refused(IngestionErrors.UnknownDevice, $"no device '{message.DevEui ?? message.DeviceId}' for this credential; register it first");
        }
        if (!limits.TryTake(municipality, device.Id, out var wait, message.Credit)) return TooManyOfDevice(municipality, wait);

        return await TakeAsync(municipality, device, message, DateTimeOffset.UtcNow);
    }

    /// <summary>Takes a message that was kept while its device was unknown, with the id that it would have had then.</summary>
    public ValueTask<UplinkOutcome> TakeKeptAsync(string municipality, KnownDevice device, UplinkMessage message, DateTimeOffset arrivedAt) =>
        TakeAsync(municipality, device, message, arrivedAt);

    async ValueTask<UplinkOutcome> TakeAsync(string municipality, KnownDevice device, UplinkMessage message, DateTimeOffset now)
    {
        var time = message.Time ?? now;
        if (time < options.EarliestTime || time > now + options.MostTimeAhead)
            return UplinkOutcome.Refused(IngestionErrors.InvalidUplink, $"lies before {options.EarliestTime:yyyy} or more than {options.MostTimeAhead.TotalHours:0.#} h ahead", message.TimeField);
        var outcome = await AppendAsync(municipality, device, message, time, now);
        if (outcome.Uplink is not null && message.Signal is { } signal) await signals.NoteAsync(municipality, signal with { Device = device.Id });
        return outcome;
    }

    /// <summary>One device's flood is no reason to refuse its fellows.</summary>
    UplinkOutcome TooManyOfDevice(string municipality, TimeSpan wait)
    {
        limits.GiveBack(municipality);
        return TooManyOf(DeviceIsMeant, wait);
    }

    static UplinkOutcome TooManyOf(string whose, TimeSpan wait) => UplinkOutcome.Refused(IngestionErrors.TooManyUplinks, whose, retryAfter: wait);

    /// <summary>What is no uplink. Of an unknown device it is let pass, since the network server could do nothing about it.</summary>
    async ValueTask<UplinkOutcome> NoteAsync(string municipality, ClaimsPrincipal caller, UplinkMessage message, CancellationToken cancellation)
    {
        if (message.Signal is not { } signal) return UplinkOutcome.Ignored;
        var device = await FindDeviceAsync(municipality, message, cancellation);
        if (device is null or { Retired: true } || !DeviceKeys.MayWriteUplinksOf(caller, device.Id)) return UplinkOutcome.Ignored;
        if (!limits.TryTake(municipality, device.Id, out var wait)) return TooManyOfDevice(municipality, wait);
        var now = DateTimeOffset.UtcNow;
        var at = message.Time is { } time && time >= options.EarliestTime && time <= now ? time : now;
        await signals.NoteAsync(municipality, signal with { Device = device.Id, At = at });
        return UplinkOutcome.Noted;
    }

    async ValueTask<UplinkOutcome> AppendAsync(string municipality, KnownDevice device, UplinkMessage message, DateTimeOffset time, DateTimeOffset now)
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
            return UplinkOutcome.Refused(IngestionErrors.NotDurable, retryAfter: LogAwayFor);
        }
        Telemetry.AppendTook(since);
        lastSeen.Note(municipality, device.Id, new UplinkSign(
            now.UtcDateTime, id, time.UtcDateTime, message.FCnt, message.Radio.Rssi, message.Radio.Snr, message.Radio.SpreadingFactor, message.Radio.Gateways));
        return UplinkOutcome.Accepted(id);
    }

    /// <summary>By DevEUI if it has one, else by id; a device of that id with another DevEUI is not meant.</summary>
    public async ValueTask<KnownDevice?> FindDeviceAsync(string municipality, UplinkMessage message, CancellationToken cancellation)
    {
        var devEui = message.DevEui is { } sent ? Device.NormalizeDevEui(sent) : null;
        if (devEui is not null && await directory.FindAsync(municipality, new(DeviceNameKind.DevEui, devEui), cancellation) is { } device) return device;
        if (message.DeviceId is not { } id || await directory.FindAsync(municipality, new(DeviceNameKind.Id, id), cancellation) is not { } byId) return null;
        return devEui is null || byId.DevEui is null ? byId : null;
    }

    /// <summary>Reads a message.</summary>
    /// <param name="body">The whole of it.</param>
    /// <param name="read">Reads this door's form.</param>
    /// <param name="device">The device, where the door's address says it.</param>
    public static (UplinkMessage Message, UplinkOutcome? Fault) Parse(in ReadOnlySequence<byte> body, UplinkReader read, string? device = null)
    {
        if (body.IsSingleSegment) return Parse(body.FirstSpan, read, device);
        var length = (int)body.Length;
        var whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(whole);
            return Parse(whole.AsSpan(0, length), read, device);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <inheritdoc cref="Parse(in ReadOnlySequence{byte}, UplinkReader, string?)"/>
    public static (UplinkMessage Message, UplinkOutcome? Fault) Parse(ReadOnlySpan<byte> body, UplinkReader read, string? device = null)
    {
        var message = new UplinkMessage { DeviceId = device };
        if (!Utf8.IsValid(body)) return (message, UplinkOutcome.Refused(PlatformErrors.MalformedRequest, "no valid UTF-8"));
        var json = new JsonFields(body);
        try
        {
            if (json.EnterMessage()) read(ref json, ref message);
            json.LeaveMessage();
        }
        catch (JsonException fault)
        {
            return (message, UplinkOutcome.Refused(PlatformErrors.MalformedRequest, $"no valid JSON at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            // Utf8JsonReader's word for \ud800 and the like.
            return (message, UplinkOutcome.Refused(PlatformErrors.MalformedRequest, "a text is no valid Unicode"));
        }
        return (message, json.Fault is { } wrong ? UplinkOutcome.Refused(IngestionErrors.InvalidUplink, wrong.Fault, wrong.Field) : null);
    }
}
