using System.Collections.Concurrent;
using Allmende.Ingestion.Outbox;
using Allmende.Ingestion.Watch;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// When and how each device was last heard of, kept in memory and written every few seconds: one row a device and interval, however much it sends. What one
/// uplink after the other says of its condition is put together when it is written, since another instance may have heard the uplinks between.
/// A crash, or a database that is away, loses those seconds of it; the uplinks themselves are in the log.
/// </summary>
sealed partial class LastSeenWriter(DeviceSignStore devices, OutboxPublisher publisher, WatchOptions limits, IngestionOptions options, ILogger<LastSeenWriter> logger)
    : BackgroundService
{
    ConcurrentDictionary<(string Municipality, string Device), News> news = new();

    /// <summary>An uplink was taken.</summary>
    public void Note(string municipality, string device, in UplinkSign sign) => NewsOf(municipality, device).Add(sign);

    /// <summary>A device, or its network server, has said what its battery has left, in percent.</summary>
    public void NoteBattery(string municipality, string device, double percent, DateTime at) =>
        NewsOf(municipality, device).AddBattery(percent, at < DateTime.UtcNow ? at : DateTime.UtcNow);

    /// <summary>A device was heard by uplinks that nobody kept: its counter has gone on, nobody knows how far.</summary>
    public void NoteHeard(string municipality, string device, DateTime at) => NewsOf(municipality, device).AddHeard(at);

    News NewsOf(string municipality, string device) => Volatile.Read(ref news).GetOrAdd((municipality, device), static _ => new News());

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
        if (news.IsEmpty) return;
        var taken = Interlocked.Exchange(ref news, new());
        foreach (var town in taken.GroupBy(one => one.Key.Municipality))
        {
            try
            {
                var told = town.ToDictionary(one => one.Key.Device, one => one.Value, StringComparer.Ordinal);
                if (await devices.UpdateAsync(town.Key, [.. told.Keys], (device, signs) => told[device].After(signs, limits), cancellation)) publisher.Wake(town.Key);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogNotWritten(town.Key, fault.Message);
            }
        }
    }

    [LoggerMessage(2030, LogLevel.Warning, "when devices of {Municipality} were last seen cannot be written: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);

    /// <summary>What one device has said since the last writing.</summary>
    sealed class News
    {
        /// <summary>Of a device that sends more within an interval, the last sign stands for several.</summary>
        const int MostSigns = 64;

        readonly List<UplinkSign> signs = new(1);
        (double Percent, DateTime At)? battery;
        DateTime? heard;

        public void Add(in UplinkSign sign)
        {
            lock (signs)
            {
                if (signs.Count == 0) signs.Add(sign);
                else if (sign is { FCnt: null, Rssi: null } && signs[^1] is { FCnt: null, Rssi: null }) signs[^1] = sign; // says nothing but that it is there
                else if (signs.Count < MostSigns) signs.Add(sign);
                else signs[^1] = sign with { Frames = signs[^1].Frames + 1 };
            }
        }

        public void AddBattery(double percent, DateTime at)
        {
            lock (signs) battery = (percent, at);
        }

        public void AddHeard(DateTime at)
        {
            lock (signs) heard = at;
        }

        public DeviceSigns After(DeviceSigns known, WatchOptions limits)
        {
            lock (signs)
            {
                var now = signs.Aggregate(known, (before, sign) => before.After(sign, limits));
                if (heard is { } at && at > now.At) now = now with { At = at, FCnt = null, Uplink = null, SentAt = null };
                if (battery is not { } told) return now;
                return now with { Battery = told.Percent, BatteryAt = told.At, At = told.At > now.At ? told.At : now.At };
            }
        }
    }
}
