using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Log;

namespace Allmende.Observations;

/// <summary>
/// Topic <c>observations</c> into the store: read a batch, split good from broken, write idempotently, then it is done. An observation of a Datastream that
/// is not there yet (its device was registered a moment ago) is waited for shortly, then dead-lettered; at once where it comes from a replay, so that what is live
/// does not wait behind a device that is gone.
/// </summary>
public sealed class StoreObservations(DatastreamDirectory datastreams, ObservationStore store, StoredPositions stored, KeepAggregates aggregates, ILog log) : ILogConsumer
{
    static readonly TimeSpan WaitForDatastream = TimeSpan.FromSeconds(3);

    public static string Topic => Topics.Observations;
    public static string Group => "observations";

    public async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        var observations = new List<Observation>(batch.Records.Count * 4);
        var origin = new List<int>(observations.Capacity);
        for (var i = 0; i < batch.Records.Count; i++)
        {
            try
            {
                ObservationBatch.Read(batch.Records[i].Payload.Span, observations);
                while (origin.Count < observations.Count) origin.Add(i);
            }
            catch (FormatException fault)
            {
                await DeadLetterAsync(batch, batch.Records[i], "unreadable_record", fault.Message, cancellation);
            }
        }

        var known = await ResolveAsync(batch.Municipality, observations, cancellation);
        var rows = new ObservationRows(observations.Count);
        var broken = new HashSet<int>();
        for (var i = 0; i < observations.Count; i++)
        {
            if (known.TryGetValue(observations[i].Datastream, out var datastream)) rows.Add(datastream.Key, observations[i]);
            else if (broken.Add(origin[i]))
                await DeadLetterAsync(batch, batch.Records[origin[i]], "unknown_datastream", $"there is no Datastream '{observations[i].Datastream}'", cancellation);
        }
        var until = batch.Records[^1].Position;
        if (rows.Count > 0)
        {
            var added = await store.StoreAsync(batch.Municipality, rows, until, cancellation);
            Telemetry.Stored(batch.Municipality, added, rows.Count - added);
            aggregates.Touched(batch.Municipality);
        }
        stored.Advance(batch.Municipality, until);
    }

    async Task<Dictionary<string, DatastreamInfo>> ResolveAsync(string municipality, List<Observation> observations, CancellationToken cancellation)
    {
        var (ids, waited) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var observation in observations)
        {
            ids.Add(observation.Datastream);
            if (observation.Replay is null) waited.Add(observation.Datastream);
        }
        var giveUp = DateTimeOffset.UtcNow + WaitForDatastream;
        while (true)
        {
            var known = await datastreams.FindAsync(municipality, ids, cancellation);
            if (known.Count == ids.Count || waited.All(known.ContainsKey) || DateTimeOffset.UtcNow > giveUp) return known;
            await Task.Delay(50, cancellation);
        }
    }

    Task DeadLetterAsync(LogBatch batch, LogRecord record, string type, string reason, CancellationToken cancellation) =>
        log.AppendAsync(batch.Municipality, new DeadLetter(
            $"observations.{record.Position.Partition}.{record.Position.Major}-{record.Position.Minor}", Topics.Observations, record.Key, record.Key,
            type, reason, DateTimeOffset.UtcNow, record.Payload.ToArray()), cancellation);
}
