using Allmende.Platform;

namespace Allmende.Streams.Replays;

/// <summary>Drops the days of kept uplinks that are over.</summary>
sealed partial class TrimUplinks(UplinkStore uplinks, Municipalities municipalities, ILogger<TrimUplinks> logger) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromMinutes(20);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                foreach (var municipality in municipalities.All.ToList()) await TryAsync(municipality.Id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async Task TryAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            await uplinks.TrimAsync(municipality, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(municipality, fault.Message);
        }
    }

    [LoggerMessage(3012, LogLevel.Warning, "{Municipality}: old uplinks could not be dropped; it is tried again: {Reason}")]
    partial void LogFailed(string municipality, string reason);
}
