using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Log;

namespace Allmende.Observations;

/// <summary>
/// Topic <c>entities</c>: what another instance has changed is not remembered longer than need be. Those who listen follow the topic themselves; a group that
/// is done with it lets Redis remove what is older than its retention.
/// </summary>
public sealed class FollowEntities(DatastreamDirectory datastreams) : ILogConsumer
{
    public static string Topic => Topics.Entities;
    public static string Group => "observations";

    public Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        // What becomes of Tasks is told often, and is no Datastream's business.
        if (!batch.Records.All(record => record.Key.StartsWith("Tasks(", StringComparison.Ordinal))) datastreams.Forget(batch.Municipality);
        return Task.CompletedTask;
    }
}
