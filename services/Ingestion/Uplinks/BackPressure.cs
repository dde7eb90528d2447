using System.Collections.Concurrent;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Log;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// Knows which municipalities send faster than Streams decodes. Looked up in the background, since a door has no time for it:
/// the limit may be passed by what arrives within a second.
/// </summary>
sealed partial class BackPressure(ILog log, Municipalities municipalities, IngestionOptions options, ILogger<BackPressure> logger) : BackgroundService
{
    /// <summary>The group that decodes.</summary>
    const string Decoders = "streams";

    readonly ConcurrentDictionary<string, bool> pressed = new(StringComparer.Ordinal);

    /// <summary>True while the municipality's doors should ask to come back later.</summary>
    public bool IsOn(string municipality) => !pressed.IsEmpty && pressed.ContainsKey(municipality);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.WaitingUplinksEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                foreach (var municipality in municipalities.All) await LookUpAsync(municipality.Id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async Task LookUpAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            var waiting = await log.LagAsync(municipality, Topics.Uplinks, Decoders, cancellation);
            Telemetry.SetWaiting(municipality, waiting);
            if (waiting <= options.MostWaitingUplinks) pressed.TryRemove(municipality, out _);
            else if (pressed.TryAdd(municipality, true)) LogPressed(municipality, waiting);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            // A log that is away is told by the append itself; what was known of the lag stands.
            LogUnknown(municipality, fault.Message);
        }
    }

    [LoggerMessage(2020, LogLevel.Warning, "{Municipality} sends faster than is decoded: {Waiting} uplinks wait")]
    partial void LogPressed(string municipality, long waiting);

    [LoggerMessage(2021, LogLevel.Debug, "how many uplinks of {Municipality} wait is not known: {Reason}")]
    partial void LogUnknown(string municipality, string reason);
}
