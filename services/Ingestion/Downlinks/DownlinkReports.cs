using System.Threading.Channels;
using Allmende.Platform;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// What others tell of downlinks, on its way to the database: the door that heard it does not wait. A crash, or a database that is away for long, loses it; the
/// downlink is sent all the same, only less is known of it.
/// </summary>
sealed partial class DownlinkReports(DownlinkStore store, Municipalities municipalities, ILogger<DownlinkReports> logger) : BackgroundService
{
    const int MostOnTheWay = 10_000, AtOnce = 8, Attempts = 5;
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly Channel<Report> reports = Channel.CreateBounded<Report>(new BoundedChannelOptions(MostOnTheWay) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Takes a report; see <see cref="DownlinkStore.ToldAsync"/>. It is not on disk when this returns.</summary>
    public void Note(string municipality, string device, string correlation, DownlinkReport kind, DateTimeOffset at, string by, string? reason) =>
        reports.Writer.TryWrite(new(municipality, device, correlation, kind, at, by, reason));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Parallel.ForEachAsync(
                reports.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken }, WriteAsync);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async ValueTask WriteAsync(Report report, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await store.ToldAsync(report.Municipality, report.Device, report.Correlation, report.Kind, report.At, report.By, report.Reason, cancellation))
                    Telemetry.CountDownlink(report.Municipality, DownlinkState.After(report.Kind).To);
                return;
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                if (attempt == Attempts || !Infrastructure.IsAtFault(fault) || municipalities.Find(report.Municipality) is null)
                {
                    LogNotWritten(report.Municipality, fault.Message);
                    return;
                }
            }
            await Task.Delay(Pause * attempt, cancellation);
        }
    }

    sealed record Report(string Municipality, string Device, string Correlation, DownlinkReport Kind, DateTimeOffset At, string By, string? Reason);

    [LoggerMessage(2091, LogLevel.Warning, "what was told of a downlink of {Municipality} cannot be written: {Reason}")]
    partial void LogNotWritten(string municipality, string reason);
}
