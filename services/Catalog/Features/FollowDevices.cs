using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.Catalog.Features;

/// <summary>Every device belongs to a dataset; the first one makes it. So does whatever else is put into one.</summary>
sealed class FollowDevices(Municipalities municipalities, DatasetStore datasets, AnnounceDatasets announcements) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } = [EventTypes.DeviceRegistered, EventTypes.DeviceChanged, EventTypes.DeviceRemoved, EventTypes.DatasetNeeded];

    public async Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        // One that has left has no catalogue any more.
        if (await municipalities.FindUnlessLeftAsync(domainEvent.Municipality, cancellation) is not { } municipality) return;
        if (domainEvent.Type == EventTypes.DeviceRemoved)
        {
            await datasets.RemoveThingAsync(municipality, domainEvent.Subject, domainEvent.Time, cancellation);
            return;
        }
        if (domainEvent.Type == EventTypes.DatasetNeeded)
        {
            await datasets.PutAsync(municipality, domainEvent.DataAs(ContractsJson.Default.DatasetNeeded), cancellation);
            announcements.Wake(municipality.Id);
            return;
        }
        var device = domainEvent.DataAs(ContractsJson.Default.DeviceRegistered);
        if (await datasets.PutThingAsync(municipality, device, domainEvent.Time, cancellation)) announcements.Wake(municipality.Id);
    }
}
