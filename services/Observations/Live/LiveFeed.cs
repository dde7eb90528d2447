using System.Runtime.CompilerServices;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Log;

namespace Allmende.Observations.Live;

/// <summary>The reading of one municipality; begins with the first who listens and ends with the last.</summary>
sealed partial class LiveFeed(string municipality, ILog log, LiveDatastreams datastreams, StoredPositions stored, ILogger logger, CancellationToken stopping)
{
    /// <summary>Payload that is taken out of the log's batches at once: what waits in queues is counted in such pieces.</summary>
    const int PieceBytes = 64 * 1024;

    /// <summary>What is pushed can be read: it waits for the store, but not for ever, since a store that hangs must not silence the stream.</summary>
    static readonly TimeSpan WaitForStore = TimeSpan.FromSeconds(2);

    readonly SemaphoreSlim starting = new(1, 1);
    LiveAudience<LiveBatch>? audience;

    /// <summary>Listens from now on; null if the reading has ended.</summary>
    public async Task<LiveSubscription<LiveBatch>?> JoinAsync(long mostBytes, CancellationToken cancellation)
    {
        await starting.WaitAsync(cancellation);
        try
        {
            if (audience is null)
            {
                var from = LogPlace.Of(await log.EndAsync(municipality, Topics.Observations, cancellation), await log.EndAsync(municipality, Topics.Entities, cancellation));
                var reading = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                audience = new LiveAudience<LiveBatch>(from, reading.Cancel);
                _ = ReadAsync(from, reading);
            }
            return audience.Join(mostBytes);
        }
        finally
        {
            starting.Release();
        }
    }

    /// <summary>What lies in the log after <paramref name="from"/> and up to <paramref name="to"/>.</summary>
    public async IAsyncEnumerable<LiveBatch> CatchUpAsync(LogPlace from, LogPlace to, IReadOnlyList<string> topics, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Changes first: who resumes gets observations with the rights and places of today.
        await datastreams.RefreshAsync(cancellation);
        var place = from.Or(to);
        foreach (var topic in topics)
        {
            var kept = await log.KeptAfterAsync(municipality, topic, cancellation);
            if (kept.Any(position => place.In(topic).Any(own => own.Partition == position.Partition && own < position)))
            {
                var before = place;
                foreach (var position in kept.Where(position => before.In(topic).Any(own => own.Partition == position.Partition && own < position))) place = place.With(topic, position);
                yield return new LiveBatch(before, place) { AfterGap = true };
            }
            var missing = to.In(topic).Where(end => place.In(topic).Any(start => start.Partition == end.Partition && start < end)).ToDictionary(end => end.Partition);
            if (missing.Count == 0) continue;
            await foreach (var batch in log.TailAsync(municipality, topic, place.In(topic), cancellation))
            {
                if (!missing.TryGetValue(batch.Partition, out var end)) continue;
                var gap = await HasGapAsync(topic, batch, place, cancellation);
                foreach (var piece in Pieces(batch.Records.Where(record => record.Position <= end)))
                {
                    var (content, before) = (await ReadAsync(topic, place, piece, cancellation), place);
                    place = place.With(topic, piece[^1].Position);
                    yield return content.Batch(before, place, gap);
                    gap = false;
                }
                if (batch.Records[^1].Position >= end && missing.Remove(batch.Partition) && missing.Count == 0) break;
            }
        }
    }

    /// <summary>Records are trimmed while one reads: true if some between the place and the batch were gone before they were read.</summary>
    async Task<bool> HasGapAsync(string topic, LogBatch batch, LogPlace place, CancellationToken cancellation)
    {
        var kept = (await log.KeptAfterAsync(municipality, topic, cancellation)).FirstOrDefault(position => position.Partition == batch.Partition, LogPosition.BeforeFirst(batch.Partition));
        return batch.Records[0].Position > kept && place.In(topic).Any(own => own.Partition == batch.Partition && own < kept);
    }

    async Task ReadAsync(LogPlace from, CancellationTokenSource reading)
    {
        try
        {
            var first = await Task.WhenAny(FollowAsync(Topics.Observations, from, reading.Token), FollowAsync(Topics.Entities, from, reading.Token));
            await first;
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
        catch (Exception fault)
        {
            LogBrokenOff(municipality, fault);
        }
        finally
        {
            await reading.CancelAsync();
            audience!.End();
        }
    }

    async Task FollowAsync(string topic, LogPlace from, CancellationToken cancellation)
    {
        await foreach (var batch in log.TailAsync(municipality, topic, from.In(topic), cancellation))
        {
            // What was trimmed before it was read here is for each subscriber to notice, from its own place.
            if (topic == Topics.Observations && await HasGapAsync(topic, batch, audience!.Place, cancellation)) return;
            foreach (var piece in Pieces(batch.Records))
            {
                var content = await ReadAsync(topic, audience!.Place, piece, cancellation);
                var letGo = audience.HandOut(place => place.With(topic, piece[^1].Position), (before, after) => (content.Batch(before, after, false), content.Bytes));
                if (letGo > 0) Telemetry.Dropped(municipality, letGo);
            }
        }
    }

    static IEnumerable<List<LogRecord>> Pieces(IEnumerable<LogRecord> records)
    {
        var piece = new List<LogRecord>();
        var bytes = 0;
        foreach (var record in records)
        {
            piece.Add(record);
            bytes += record.Payload.Length;
            if (bytes < PieceBytes) continue;
            yield return piece;
            piece = [];
            bytes = 0;
        }
        if (piece.Count > 0) yield return piece;
    }

    /// <param name="topic">What is read.</param>
    /// <param name="place">Where it is read, for the places of records; only this topic's partitions count.</param>
    /// <param name="records">Of one partition.</param>
    /// <param name="cancellation">Stops it.</param>
    async Task<Content> ReadAsync(string topic, LogPlace place, List<LogRecord> records, CancellationToken cancellation)
    {
        if (topic == Topics.Observations) return await ReadObservationsAsync(place, records, cancellation);
        var changes = records.Select(ChangeOf).OfType<EntityChange>().ToList();
        await datastreams.RefreshAsync(cancellation);
        return new Content([], changes, 256L * changes.Count);
    }

    static EntityChange? ChangeOf(LogRecord record)
    {
        try { return JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.EntityChange); }
        catch (JsonException) { return null; } // nobody but us writes it; what cannot be read tells nobody anything
    }

    async Task<Content> ReadObservationsAsync(LogPlace place, List<LogRecord> records, CancellationToken cancellation)
    {
        await stored.WaitAsync(municipality, records[^1].Position, WaitForStore, cancellation);
        var decoded = new List<(LogRecord Record, long Received, List<Observation> Observations)>(records.Count);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            var observations = new List<Observation>();
            try { decoded.Add((record, ObservationBatch.Read(record.Payload.Span, observations), observations)); }
            catch (FormatException) { continue; } // the store dead-letters it
            foreach (var observation in observations) ids.Add(observation.Datastream);
        }
        var known = await datastreams.FindAsync(ids, cancellation);
        var read = new List<LiveObservation>(decoded.Sum(one => one.Observations.Count));
        long bytes = 0;
        foreach (var (record, received, observations) in decoded)
        {
            place = place.With(Topics.Observations, record.Position);
            bytes += record.Payload.Length;
            var last = observations.FindLastIndex(observation => known.ContainsKey(observation.Datastream));
            for (var i = 0; i <= last; i++)
                if (known.TryGetValue(observations[i].Datastream, out var datastream))
                    read.Add(new LiveObservation(datastream, await BoxAsync(datastream, observations[i], cancellation), observations[i], received, i == last ? place : null));
        }
        // The text of an observation, its members, and what it was decoded to.
        return new Content(read, [], 4 * bytes + 400L * read.Count);
    }

    async ValueTask<double[]?> BoxAsync(LiveDatastream datastream, Observation observation, CancellationToken cancellation) =>
        observation.Extra is { } extra && ObservationRows.SplitFeature(extra).Feature is { } feature ? await datastreams.BoxOfFeatureAsync(feature, cancellation) : datastream.Box;

    sealed record Content(List<LiveObservation> Observations, List<EntityChange> Changes, long Bytes)
    {
        public LiveBatch Batch(LogPlace before, LogPlace after, bool afterGap) =>
            new(before, after) { Observations = Observations, Changes = Changes, Bytes = Bytes, AfterGap = afterGap };
    }

    [LoggerMessage(200, LogLevel.Warning, "the live feed of {Municipality} broke off; its subscribers resume")]
    partial void LogBrokenOff(string municipality, Exception fault);
}
