using Allmende.Platform.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform.Log;

/// <summary>Measures now and then how far behind the groups of this process are, for each municipality.</summary>
sealed partial class LagMeasurement(InstrumentedLog log, Municipalities municipalities, ILogger<LagMeasurement> logger) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully && tick.Result, TaskScheduler.Default))
        {
            try
            {
                await MeasureAsync(stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(fault.Message);
            }
        }
    }

    internal async Task MeasureAsync(CancellationToken cancellation)
    {
        foreach (var (topic, group) in log.Consumers)
            foreach (var municipality in municipalities.All)
                Instruments.Lag.Record(await log.LagAsync(municipality.Id, topic, group, cancellation),
                    new("topic", topic), new("group", group), new("municipality", municipality.Id));
    }

    [LoggerMessage(103, LogLevel.Warning, "the lag could not be measured: {Reason}")]
    partial void LogFailed(string reason);
}
