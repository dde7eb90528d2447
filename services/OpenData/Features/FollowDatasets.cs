using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.OpenData.Features;

/// <summary>Keeps the terms under which datasets may be published.</summary>
sealed class FollowDatasets(Municipalities municipalities, DatasetStore datasets) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } = [EventTypes.DatasetChanged];

    public async Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        // One that has left publishes nothing any more.
        if (await municipalities.FindUnlessLeftAsync(domainEvent.Municipality, cancellation) is null) return;
        await datasets.PutAsync(domainEvent.Municipality, domainEvent.DataAs(ContractsJson.Default.DatasetChanged), domainEvent.Time, cancellation);
    }
}
