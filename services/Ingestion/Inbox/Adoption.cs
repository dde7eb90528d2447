using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Inbox;

/// <summary>
/// Takes the kept uplinks of devices that were adopted, the way that they would have gone at the time. That a device is adopted is written with its
/// registration; so what a crash or a log that is away leaves undone is done later, and what is done twice has the same ids.
/// </summary>
sealed partial class Adoption(
    UnknownDeviceStore store, DeviceDirectory directory, UplinkDoor door, LastSeenWriter lastSeen, Municipalities municipalities, InboxOptions options, ILogger<Adoption> logger)
    : BackgroundService
{
    /// <summary>Takes what is left of one device, or of all; true when nothing is left.</summary>
    public async Task<bool> TakeAsync(string municipality, string? device, CancellationToken cancellation)
    {
        var all = true;
        foreach (var (id, kept) in await store.AdoptedAsync(municipality, device, cancellation))
        {
            if (await directory.FindAsync(municipality, new(DeviceNameKind.Id, id), cancellation) is { } known && !await TakeAsync(municipality, known, kept)) all = false;
            else await store.DoneAsync(municipality, kept.Name, cancellation);
        }
        return all;
    }

    async Task<bool> TakeAsync(string municipality, KnownDevice device, UnknownDevice kept)
    {
        foreach (var uplink in kept.Uplinks)
        {
            if (uplink.ToMessage(device) is not { } message) continue;
            var outcome = await door.TakeKeptAsync(municipality, device, message, uplink.ReceivedAt);
            Telemetry.CountUplink(municipality, "inbox", outcome.Name);
            // What could never be taken was refused for good; what may be taken later is kept.
            if (outcome.RetryAfter is not null) return false;
        }
        if (kept.Count > kept.Uplinks.Count) lastSeen.NoteHeard(municipality, device.Id, kept.LastSeen);
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.SweptEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await Parallel.ForEachAsync(municipalities.All.Select(one => one.Id), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken }, SweepAsync);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async ValueTask SweepAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            await TakeAsync(municipality, null, cancellation);
            await store.ForgetAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogNotSwept(municipality, fault.Message);
        }
    }

    [LoggerMessage(2061, LogLevel.Warning, "the inbox of {Municipality} cannot be looked through: {Reason}")]
    partial void LogNotSwept(string municipality, string reason);
}
