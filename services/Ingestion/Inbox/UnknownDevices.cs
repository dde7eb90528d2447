using System.Collections.Concurrent;
using Allmende.Ingestion.Uplinks;

namespace Allmende.Ingestion.Inbox;

/// <summary>
/// Notes uplinks that are nobody's, in memory, and writes them every few seconds. Each municipality has room for as many names as are kept at all; what comes
/// on top within those seconds is let go, so a sender of invented names costs neither memory nor its neighbours' time. A crash loses those seconds.
/// </summary>
sealed partial class UnknownDevices(UnknownDeviceStore store, InboxOptions options, ILogger<UnknownDevices> logger) : BackgroundService
{
    readonly ConcurrentDictionary<string, ConcurrentDictionary<string, Sender>> towns = new(StringComparer.Ordinal);

    /// <summary>An uplink whose device is unknown; its sender may write uplinks of the whole municipality.</summary>
    public void Note(string municipality, in UplinkMessage message, DateTimeOffset now)
    {
        if (UnknownDevice.NameOf(message) is not { } name) return;
        var senders = towns.GetOrAdd(municipality, static _ => new(StringComparer.Ordinal));
        if (!senders.TryGetValue(name, out var sender))
        {
            if (senders.Count >= options.MostNames) return;
            sender = senders.GetOrAdd(name, new Sender());
        }
        sender.Add(message, now, options);
    }

    /// <summary>Writes what one municipality's doors have noted.</summary>
    public async Task WriteAsync(string municipality, CancellationToken cancellation)
    {
        if (!towns.TryRemove(municipality, out var senders)) return;
        await store.WriteAsync(municipality, [.. senders.Select(sender => sender.Value.ToDevice(sender.Key))], cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.WrittenEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await WriteAllAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await WriteAllAsync(CancellationToken.None);
        }
    }

    Task WriteAllAsync(CancellationToken cancellation) => Task.WhenAll(towns.Keys.Select(async municipality =>
    {
        try
        {
            await WriteAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogNotWritten(municipality, fault.Message);
        }
    }));

    [LoggerMessage(2064, LogLevel.Warning, "unknown devices of {Municipality} cannot be written: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);

    /// <summary>What one name sent since the last writing.</summary>
    sealed class Sender
    {
        readonly List<KeptUplink> uplinks = [];
        string? deviceId;
        string door = "";
        DateTimeOffset first, last;
        long count;

        public void Add(in UplinkMessage message, DateTimeOffset now, InboxOptions options)
        {
            lock (uplinks)
            {
                if (count++ == 0) first = now;
                last = now;
                deviceId = message.DevEui is null ? null : message.DeviceId;
                door = message.Door ?? "other";
                if (uplinks.Count < options.UplinksKept) uplinks.Add(KeptUplink.Of(message, now, options.LargestKept));
            }
        }

        public UnknownDevice ToDevice(string name)
        {
            lock (uplinks) return new(name, deviceId, door, first.UtcDateTime, last.UtcDateTime, count, [.. uplinks], null);
        }
    }
}
