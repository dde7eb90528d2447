using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform;

namespace Allmende.Ingestion.Watch;

/// <summary>Looks at the devices of each municipality from time to time: who is silent, whose battery or signal is weak, who counts or tells the time wrongly.</summary>
sealed partial class DeviceWatch(
    ConditionStore conditions, DeviceProfiles profiles, OutboxPublisher publisher, Municipalities municipalities, WatchOptions options, ILogger<DeviceWatch> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Every);
        try
        {
            // Some at a time: a database that hangs holds up its own municipality, and the others by little.
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await Parallel.ForEachAsync(municipalities.All.Select(one => one.Id), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken }, LookAsync);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async ValueTask LookAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            await AskForIntervalsAsync(municipality, cancellation);
            if (await conditions.LookAsync(municipality, cancellation)) publisher.Wake(municipality);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogNotLooked(municipality, fault.Message);
        }
    }

    /// <summary>Devices that were registered before intervals were noted. Without Streams they are watched later, the others now.</summary>
    async Task AskForIntervalsAsync(string municipality, CancellationToken cancellation)
    {
        foreach (var profile in await conditions.UnaskedProfilesAsync(municipality, cancellation))
        {
            try
            {
                await conditions.NoteIntervalAsync(municipality, profile, (await profiles.FindAsync(municipality, profile, cancellation))?.ExpectedInterval, cancellation);
            }
            catch (HttpRequestException fault)
            {
                LogNotAsked(municipality, fault.Message);
                return;
            }
        }
    }

    [LoggerMessage(2070, LogLevel.Warning, "devices of {Municipality} cannot be looked at: {Reason}")]
    partial void LogNotLooked(string municipality, string reason);

    [LoggerMessage(2071, LogLevel.Warning, "how often devices of {Municipality} should send is not known: {Reason}")]
    partial void LogNotAsked(string municipality, string reason);
}
