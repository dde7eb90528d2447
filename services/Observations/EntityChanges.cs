using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;

namespace Allmende.Observations;

/// <summary>Tells topic <c>entities</c> what has become of entities, after it was committed: whoever follows them asks the store then.</summary>
public sealed class EntityChanges(ILog log)
{
    /// <summary>Completes when all are durable.</summary>
    public Task TellAsync(string municipality, IReadOnlyList<EntityChange> changes, CancellationToken cancellation) => Task.WhenAll(changes.Select(change =>
        log.AppendAsync(municipality, Topics.Entities, change.Key, JsonSerializer.SerializeToUtf8Bytes(change, ContractsJson.Default.EntityChange), cancellation)));
}
