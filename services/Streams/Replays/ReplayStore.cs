using Allmende.Platform.Data;
using Dapper;
using Npgsql;

namespace Allmende.Streams.Replays;

/// <summary>A municipality's replays.</summary>
sealed class ReplayStore(MunicipalDatabases databases)
{
    const string Columns = """
        id, device, profile, definition::text AS Definition, codec, codec_version AS CodecVersion, from_time AS FromTime, to_time AS ToTime, state, reason, total, uplinks,
        observations, failures, first_failure AS FirstFailure, place_time AS PlaceTime, place_id AS PlaceId, accepted_at AS AcceptedAt, accepted_by AS AcceptedBy,
        started_at AS StartedAt, ended_at AS EndedAt, cancelled_by AS CancelledBy
        """;

    /// <summary>Accepts a replay.</summary>
    /// <returns>The replay as it is kept; null if as many as may wait do.</returns>
    public async Task<Replay?> AddAsync(string municipality, Replay replay, int mostWaiting, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("SELECT pg_advisory_xact_lock(hashtext('replays accepted'))", transaction: transaction, cancellationToken: cancellation));
        // The time is the corrections' resultTime: two replays never have the same.
        var added = await connection.QuerySingleOrDefaultAsync<Replay>(new CommandDefinition($"""
            INSERT INTO streams.replay (id, device, profile, definition, codec, codec_version, from_time, to_time, state, total, place_time, accepted_at, accepted_by)
            SELECT @Id, @Device, @Profile, @Definition::jsonb, @Codec, @CodecVersion, @FromTime, @ToTime, 'waiting', @Total, @FromTime,
              greatest(clock_timestamp(), (SELECT max(accepted_at) + interval '1 microsecond' FROM streams.replay)), @AcceptedBy
            WHERE (SELECT count(*) FROM streams.replay WHERE state IN ('waiting', 'running')) < @mostWaiting
            RETURNING {Columns}
            """, Parameters(replay, mostWaiting), transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return added;
    }

    static object Parameters(Replay replay, int mostWaiting) =>
        new { replay.Id, replay.Device, replay.Profile, replay.Definition, replay.Codec, replay.CodecVersion, replay.FromTime, replay.ToTime, replay.Total, replay.AcceptedBy, mostWaiting };

    /// <summary>A replay; null if there is none of this id.</summary>
    public async Task<Replay?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<Replay>(new CommandDefinition(
            $"SELECT {Columns} FROM streams.replay WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Replays, the newest first, from behind <paramref name="after"/> on.</summary>
    public async Task<IReadOnlyList<Replay>> ListAsync(string municipality, string? after, int limit, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        return (await connection.QueryAsync<Replay>(new CommandDefinition($"""
            SELECT {Columns} FROM streams.replay
            WHERE @after::text IS NULL OR accepted_at < (SELECT accepted_at FROM streams.replay WHERE id = @after)
            ORDER BY accepted_at DESC, id DESC LIMIT @limit
            """, new { after, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Whether there is one that is not over.</summary>
    public async Task<bool> AnyWaitsAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT FROM streams.replay WHERE state IN ('waiting', 'running'))", cancellationToken: cancellation));
    }

    /// <summary>Cancels a replay that is not over.</summary>
    /// <returns>False if it is over, or there is none.</returns>
    public async Task<bool> CancelAsync(string municipality, string id, string by, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE streams.replay SET state = 'cancelled', ended_at = clock_timestamp(), cancelled_by = @by WHERE id = @id AND state IN ('waiting', 'running')",
            new { id, by }, cancellationToken: cancellation)) > 0;
    }

    /// <summary>
    /// The turn of the municipality's oldest replay that is not over; null if there is none, or another process has the turn. The turn is a transaction: it ends with
    /// the process.
    /// </summary>
    public async Task<Turn?> TakeTurnAsync(string municipality, TimeSpan settle, CancellationToken cancellation)
    {
        var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellation);
            var replay = await connection.QuerySingleOrDefaultAsync<Replay>(new CommandDefinition($"""
                SELECT {Columns} FROM streams.replay WHERE state IN ('waiting', 'running') AND accepted_at <= clock_timestamp() - make_interval(secs => @seconds) ORDER BY accepted_at, id LIMIT 1
                """, new { seconds = settle.TotalSeconds }, transaction, cancellationToken: cancellation));
            if (replay is not null && await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                "SELECT pg_try_advisory_xact_lock(hashtext('replay'))", transaction: transaction, cancellationToken: cancellation)))
            {
                // Once more: what was read before the lock may be what another process has done meanwhile.
                replay = await connection.QuerySingleAsync<Replay>(new CommandDefinition(
                    $"SELECT {Columns} FROM streams.replay WHERE id = @Id", new { replay.Id }, transaction, cancellationToken: cancellation));
                if (replay.State is ReplayStates.Waiting or ReplayStates.Running) return new Turn(connection, transaction, replay);
            }
            await connection.DisposeAsync();
            return null;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a step did.</summary>
    /// <param name="Uplinks">Uplinks taken.</param>
    /// <param name="Observations">Observations handed on.</param>
    /// <param name="Failures">Uplinks that gave none.</param>
    /// <param name="FirstFailure">Why the first of them gave none.</param>
    /// <param name="PlaceTime">Arrival of the last uplink.</param>
    /// <param name="PlaceId">Its id.</param>
    public readonly record struct Step(int Uplinks, int Observations, int Failures, string? FirstFailure, DateTime PlaceTime, string PlaceId);

    /// <summary>The right to make one step of one replay; without a word at its end the step counts as not made.</summary>
    public sealed class Turn(NpgsqlConnection connection, NpgsqlTransaction transaction, Replay replay) : IAsyncDisposable
    {
        public Replay Replay => replay;

        /// <summary>The step was made. A replay that was cancelled meanwhile stays so.</summary>
        public async Task AdvanceAsync(Step step, bool isLast, CancellationToken cancellation)
        {
            var firstFailure = step.FirstFailure?.Replace('\0', ' ');
            await connection.ExecuteAsync(new CommandDefinition("""
                UPDATE streams.replay SET uplinks = uplinks + @Uplinks, observations = observations + @Observations, failures = failures + @Failures,
                  first_failure = coalesce(first_failure, @firstFailure), place_time = @PlaceTime, place_id = @PlaceId,
                  started_at = coalesce(started_at, clock_timestamp()),
                  state = CASE WHEN state = 'cancelled' THEN state WHEN @isLast THEN 'done' ELSE 'running' END,
                  ended_at = CASE WHEN state = 'cancelled' THEN ended_at WHEN @isLast THEN clock_timestamp() END
                WHERE id = @Id
                """, new { replay.Id, step.Uplinks, step.Observations, step.Failures, step.PlaceTime, step.PlaceId, isLast, firstFailure }, transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
        }

        /// <summary>It cannot go on.</summary>
        public async Task FailAsync(string reason, CancellationToken cancellation)
        {
            await connection.ExecuteAsync(new CommandDefinition("""
                UPDATE streams.replay SET state = 'failed', reason = @reason, started_at = coalesce(started_at, clock_timestamp()), ended_at = clock_timestamp()
                WHERE id = @Id AND state IN ('waiting', 'running')
                """, new { replay.Id, reason = reason.Replace('\0', ' ') }, transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
