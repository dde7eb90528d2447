using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Events;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>Ingestion tells what has become of commands: their Tasks have it as <c>status</c>, and those who follow Tasks are told.</summary>
public sealed class FollowTasks(MunicipalDatabases databases, EntityChanges changes, Municipalities municipalities) : IEventHandler
{
    public IReadOnlyList<string> Types { get; } = [EventTypes.TaskChanged];

    public async Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        if (await municipalities.FindUnlessLeftAsync(domainEvent.Municipality, cancellation) is not { } municipality) return;
        var change = domainEvent.DataAs(ContractsJson.Default.TaskChanged);
        if (await TaskCommands.KeepAsync(databases.Of(municipality.Id), change, cancellation) is { } task)
            await changes.TellAsync(municipality.Id, [new EntityChange(Model.Tasks.Name, task, EntityChange.Updated)], cancellation);
    }
}
