using System.Collections.Concurrent;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// When each device was last heard of, kept in memory and written every few seconds: at most one row a device and interval, however much it sends.
/// A crash, or a database that is away, loses those seconds of it; the uplinks themselves are in the log.
/// </summary>
sealed partial class LastSeenWriter(DeviceStore devices, IngestionOptions options, ILogger<LastSeenWriter> logger) : BackgroundService
{
    ConcurrentDictionary<(string Municipality, string Device), LastSeen> news = new();

    public void Note(string municipality, string device, LastSeen seen) => Volatile.Read(ref news)[(municipality, device)] = seen;

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
                await devices.SeenAsync(town.Key, [.. town.Select(one => KeyValuePair.Create(one.Key.Device, one.Value))], cancellation);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogNotWritten(town.Key, fault.Message);
            }
        }
    }

    [LoggerMessage(2030, LogLevel.Warning, "when devices of {Municipality} were last seen cannot be written: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);
}
