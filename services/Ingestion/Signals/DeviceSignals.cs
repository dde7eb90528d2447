using System.Collections.Concurrent;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Signals;

/// <summary>
/// Takes what network servers tell of devices beside their uplinks. The newest of each kind and device is kept: in memory at first, and written every few
/// seconds, so that a device costs at most a row a kind and interval, however much is told of it. A database that is away is tried again; a crash loses those
/// seconds.
/// </summary>
sealed partial class DeviceSignals(
    SignalStore store, LastSeenWriter lastSeen, DownlinkReports downlinks, Municipalities municipalities, IngestionOptions options, ILogger<DeviceSignals> logger) : BackgroundService
{
    /// <summary>Most that wait to be written, of all municipalities. Beyond, new ones are let go: the database is away for long then.</summary>
    const int MostWaiting = 100_000;

    readonly ConcurrentDictionary<(string Municipality, string Device, SignalKind Kind), DeviceSignal> news = new();
    int waiting;

    /// <summary>Takes a signal. It is not on disk when this returns, and need not be: the network server is not asked to send it again.</summary>
    /// <param name="municipality">Whose device it is.</param>
    /// <param name="signal">The signal; its device must exist.</param>
    public ValueTask NoteAsync(string municipality, DeviceSignal signal)
    {
        signal = signal with { Level = DeviceSignal.Clean(signal.Level), Text = DeviceSignal.Clean(signal.Text), Downlink = DeviceSignal.Clean(signal.Downlink) };
        Note(municipality, signal);
        // One that we sent gets into another state; others' are known to nobody there.
        if (signal.Downlink is { } downlink && ReportOf(signal.Kind) is { } report)
            downlinks.Note(municipality, signal.Device, downlink, report, signal.At, "network-server", signal.Text);
        // The watch over the devices wants to know it, too.
        if (signal.BatteryLevel is { } percent) lastSeen.NoteBattery(municipality, signal.Device, percent, signal.At.UtcDateTime);
        return ValueTask.CompletedTask;
    }

    static DownlinkReport? ReportOf(SignalKind kind) => kind switch
    {
        SignalKind.DownlinkQueued => DownlinkReport.Taken,
        SignalKind.DownlinkSent => DownlinkReport.Sent,
        SignalKind.DownlinkAcknowledged => DownlinkReport.Acknowledged,
        SignalKind.DownlinkUnacknowledged => DownlinkReport.Unacknowledged,
        SignalKind.DownlinkFailed => DownlinkReport.Failed,
        _ => null,
    };

    void Note(string municipality, DeviceSignal signal)
    {
        var key = (municipality, signal.Device, signal.Kind);
        while (true)
        {
            if (news.TryGetValue(key, out var known))
            {
                if (known.At > signal.At || news.TryUpdate(key, signal, known)) return;
                continue;
            }
            if (Interlocked.Increment(ref waiting) <= MostWaiting && news.TryAdd(key, signal)) return;
            if (Interlocked.Decrement(ref waiting) < MostWaiting) continue;
            Telemetry.CountLostSignal(municipality);
            return;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.LastSeenWrittenEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await WriteAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await WriteAsync(CancellationToken.None);
        }
    }

    async Task WriteAsync(CancellationToken cancellation)
    {
        foreach (var town in news.Keys.GroupBy(key => key.Municipality).ToList())
        {
            var taken = new List<DeviceSignal>();
            foreach (var key in town)
            {
                if (!news.TryRemove(key, out var signal)) continue;
                Interlocked.Decrement(ref waiting);
                taken.Add(signal);
            }
            try
            {
                await store.KeepAsync(town.Key, taken, cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogNotWritten(town.Key, fault.Message);
                // A municipality that has left has no database any more.
                if (!Infrastructure.IsAtFault(fault) || municipalities.Find(town.Key) is null) continue;
                foreach (var signal in taken) Note(town.Key, signal);
            }
        }
    }

    [LoggerMessage(2087, LogLevel.Warning, "signals of devices of {Municipality} cannot be written: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);
}
