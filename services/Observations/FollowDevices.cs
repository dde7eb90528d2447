using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.Observations;

/// <summary>Devices come, change and go; datasets get other terms: what is served follows.</summary>
public sealed class FollowDevices(DeviceStore devices, DatastreamDirectory datastreams, EntityChanges changes, Municipalities municipalities) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } =
        [EventTypes.DeviceRegistered, EventTypes.DeviceChanged, EventTypes.DeviceRemoved, EventTypes.DatasetChanged];

    public async Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        // A municipality that has left has no database to write to; its last events are of no use to anybody.
        if (await municipalities.FindUnlessLeftAsync(domainEvent.Municipality, cancellation) is not { } municipality) return;
        IReadOnlyList<EntityChange> changed = [];
        switch (domainEvent.Type)
        {
            case EventTypes.DeviceRegistered or EventTypes.DeviceChanged:
                changed = await devices.UpsertAsync(municipality.Id, domainEvent.DataAs(ContractsJson.Default.DeviceRegistered), municipality.DefaultAccess, cancellation);
                break;
            case EventTypes.DeviceRemoved:
                changed = await devices.RemoveAsync(municipality.Id, domainEvent.DataAs(ContractsJson.Default.Removed).Id, cancellation);
                break;
            case EventTypes.DatasetChanged:
                var dataset = domainEvent.DataAs(ContractsJson.Default.DatasetChanged);
                await devices.SetDatasetAsync(municipality.Id, dataset, cancellation);
                changed = [new(EntityChange.Datasets, dataset.Id, EntityChange.Updated)];
                break;
        }
        datastreams.Forget(municipality.Id);
        await changes.TellAsync(municipality.Id, changed, cancellation);
    }
}
