using System.Collections.Concurrent;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.Ingestion.Outbox;

/// <summary>
/// Publishes what has become of devices. An event says how the device is when it is told, so one that is told twice, or late, tells nothing wrong; one that cannot be told
/// keeps back those of its device only.
/// </summary>
sealed partial class OutboxPublisher(
    OutboxStore outbox, DeviceStore devices, DeviceProfiles profiles, IEventBus events, Municipalities municipalities,
    IngestionOptions options, ILogger<OutboxPublisher> logger) : Platform.Outbox(municipalities, options.OutboxSweptEvery, logger)
{
    const int ToldAtOnce = 200;

    protected override async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
    {
        await using var batch = await outbox.TakeAsync(municipality, ToldAtOnce, cancellation);
        if (batch.Entries.Count == 0) return false;

        // Read after the entries: a change that comes later has an entry of its own.
        var ids = batch.Entries.Select(entry => entry.Device).Distinct(StringComparer.Ordinal).ToList();
        var described = (await devices.FindAllAsync(municipality, ids, cancellation)).ToDictionary(device => device.Id, StringComparer.Ordinal);
        var asked = new ConcurrentDictionary<string, Lazy<Task<DeviceProfile?>>>(StringComparer.Ordinal);
        Task<DeviceProfile?> ProfileAsync(string id) =>
            asked.GetOrAdd(id, _ => new(() => profiles.FindAsync(municipality, id, cancellation))).Value;

        var outcomes = await Task.WhenAll(batch.Entries.GroupBy(entry => entry.Device)
            .Select(group => TellAsync(municipality, described.GetValueOrDefault(group.Key), group, ProfileAsync, cancellation)));
        var failed = outcomes.Where(outcome => outcome.Failed is not null).Select(outcome => outcome.Failed!).ToArray();
        var told = outcomes.SelectMany(outcome => outcome.Told).ToArray();
        await batch.CompleteAsync(told, failed, cancellation);
        Telemetry.CountPublished(municipality, told.Length);
        if (failed.Length > 0) WakeLater(municipality, cancellation);
        return batch.Entries.Count == ToldAtOnce;
    }

    /// <summary>Tells one device's entries in their order, up to the first that fails.</summary>
    async Task<(List<long> Told, string? Failed)> TellAsync(
        string municipality, Device? device, IEnumerable<OutboxEntry> entries, Func<string, Task<DeviceProfile?>> profileAsync, CancellationToken cancellation)
    {
        var told = new List<long>();
        foreach (var entry in entries)
        {
            try
            {
                if (await DescribeAsync(entry, device, profileAsync) is { } data)
                    await events.PublishAsync(new CloudEvent(
                        entry.EventId.ToString("N"), "/ingestion", entry.Type, entry.Device, entry.At, municipality, data, entry.Traceparent), cancellation);
                told.Add(entry.Id);
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                LogNotTold(municipality, fault);
                return (told, entry.Device);
            }
        }
        return (told, null);
    }

    /// <summary>The event's data; null for a device that is gone again, whose removal has an entry of its own.</summary>
    static async Task<JsonElement?> DescribeAsync(OutboxEntry entry, Device? device, Func<string, Task<DeviceProfile?>> profileAsync)
    {
        if (entry.Type == EventTypes.DeviceRemoved) return JsonSerializer.SerializeToElement(new Removed(entry.Device), ContractsJson.Default.Removed);
        // What was told to a device that is gone has failed all the same.
        if (entry.Type == EventTypes.TaskChanged) return JsonElement.Parse(entry.Data!);
        if (device is null) return null;
        return entry.Data is { } data
            ? JsonElement.Parse(data)
            : JsonSerializer.SerializeToElement(DeviceEvents.Describe(device, await profileAsync(device.Profile)), ContractsJson.Default.DeviceRegistered);
    }

    /// <summary>What has failed is due again in a moment; the sweep alone would let it wait for seconds.</summary>
    void WakeLater(string municipality, CancellationToken cancellation) =>
        _ = Task.Delay(TimeSpan.FromMilliseconds(250), cancellation).ContinueWith(_ => Wake(municipality), cancellation, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    [LoggerMessage(2010, LogLevel.Warning, "an event of {Municipality} could not be told; it is tried again")]
    partial void LogNotTold(string municipality, Exception fault);
}

/// <summary>When a profile changes, so do its devices' Datastreams.</summary>
sealed class DeviceProfileChanged(DeviceStore devices, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } = [EventTypes.DeviceProfileChanged];

    public async Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        var id = domainEvent.DataAs(ContractsJson.Default.Removed).Id;
        if (await profiles.FindAsync(domainEvent.Municipality, id, cancellation) is not { } profile) return; // removed again
        if (await devices.TouchDevicesOfAsync(domainEvent.Municipality, profile with { Id = id }, cancellation) == 0) return;
        directory.ForgetAll(domainEvent.Municipality);
        publisher.Wake(domainEvent.Municipality);
    }
}
