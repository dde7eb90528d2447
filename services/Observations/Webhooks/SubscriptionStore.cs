using System.Xml;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Webhooks;

/// <summary>Keeps subscriptions, how far each is, who delivers it, and what became of each attempt.</summary>
sealed class SubscriptionStore(MunicipalDatabases databases)
{
    const string Columns = """
        id, name, url, secret, datastreams, things, types, bbox, batch_most, batch_within, access, created_by, created_at, version, state, place, placed_at, delivered, gaps,
        failures, next_attempt_at, last_success_at, last_error, last_error_at
        """;

    /// <summary>All, the oldest first.</summary>
    public async Task<List<SubscriptionRow>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM subscription ORDER BY created_at, id");
        return await ReadAsync(command, cancellation);
    }

    /// <summary>One, or null.</summary>
    public async Task<SubscriptionRow?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM subscription WHERE id = $1");
        Add(command, id);
        return (await ReadAsync(command, cancellation)).FirstOrDefault();
    }

    /// <summary>Makes one that begins at <paramref name="place"/>; null if there are <paramref name="most"/> already.</summary>
    public async Task<SubscriptionRow?> AddAsync(
        string municipality, SubscriptionBody body, byte[] secret, string[] access, string createdBy, string place, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('subscriptions'))", connection)) await alone.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand($"""
            INSERT INTO subscription (id, name, url, secret, datastreams, things, types, bbox, batch_most, batch_within, access, created_by, place)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 WHERE (SELECT count(*) FROM subscription) < $14
            RETURNING {Columns}
            """, connection);
        Add(command, Guid.CreateVersion7().ToString("N"), body.Name!.Trim(), body.Url!, secret, body.Datastreams ?? [], body.Things ?? [], body.Types ?? []);
        AddBox(command, body.Bbox);
        Add(command, body.Batch?.Most ?? 100, body.Batch?.Duration ?? TimeSpan.FromSeconds(1), access, createdBy, place, most);
        var made = (await ReadAsync(command, cancellation)).FirstOrDefault();
        await transaction.CommitAsync(cancellation);
        return made;
    }

    /// <summary>
    /// Changes what the body names; null if there is no such subscription. Whoever sends it elsewhere must not get by it what is not theirs: it keeps the classes
    /// of <paramref name="access"/> alone then.
    /// </summary>
    public async Task<SubscriptionRow?> ChangeAsync(string municipality, string id, SubscriptionBody body, string[] access, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            UPDATE subscription SET name = coalesce($2, name), url = coalesce($3, url), datastreams = coalesce($4, datastreams), things = coalesce($5, things),
              types = coalesce($6, types), bbox = CASE WHEN $7::float8[] IS NULL THEN bbox WHEN cardinality($7) = 0 THEN NULL ELSE $7 END,
              batch_most = coalesce($8, batch_most), batch_within = coalesce($9, batch_within), state = coalesce($10, state),
              access = CASE WHEN $3 IS NULL OR $3 = url THEN access ELSE ARRAY(SELECT a FROM unnest(access) a WHERE a = ANY($11)) END,
              failures = CASE WHEN $3 IS NOT NULL OR $10 = 'active' THEN 0 ELSE failures END,
              next_attempt_at = CASE WHEN $3 IS NOT NULL OR $10 = 'active' THEN NULL ELSE next_attempt_at END, version = version + 1
            WHERE id = $1
            RETURNING {Columns}
            """);
        Add(command, id);
        foreach (var text in new[] { body.Name?.Trim(), body.Url }) command.Parameters.Add(new NpgsqlParameter { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        foreach (var texts in new[] { body.Datastreams, body.Things, body.Types })
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)texts ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)body.Bbox ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Double });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)body.Batch?.Most ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)body.Batch?.Duration ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)body.State ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        Add(command, (object)access);
        return (await ReadAsync(command, cancellation)).FirstOrDefault();
    }

    /// <summary>Removes one with all that is known of it; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM subscription WHERE id = $1");
        Add(command, id);
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>A page of what became of attempts, the newest first, before the given one.</summary>
    public async Task<List<(long Key, DeliveryInfo Delivery)>> DeliveriesAsync(string municipality, string id, long? before, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT key, kind, at, webhook_id, attempt, observations, status, error, duration, from_time, to_time
            FROM delivery WHERE subscription = $1 AND key < $2 ORDER BY key DESC LIMIT $3
            """);
        Add(command, id, before ?? long.MaxValue, limit);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var page = new List<(long, DeliveryInfo)>();
        while (await reader.ReadAsync(cancellation))
            page.Add((reader.GetInt64(0), new DeliveryInfo(reader.GetString(1), reader.GetDateTime(2), Text(3), Number(4), Number(5), Number(6), Text(7),
                reader.IsDBNull(8) ? null : XmlConvert.ToString(reader.GetTimeSpan(8)), Time(9), Time(10))));
        return page;

        string? Text(int at) => reader.IsDBNull(at) ? null : reader.GetString(at);
        int? Number(int at) => reader.IsDBNull(at) ? null : reader.GetInt32(at);
        DateTime? Time(int at) => reader.IsDBNull(at) ? null : reader.GetDateTime(at);
    }

    /// <summary>
    /// Takes what is nobody's, renews what is ours; answers what is ours now. What another instance is taking at this moment is passed over. What is ours is waited
    /// for: our own worker may be writing there, and passed over it would look as if it were lost.
    /// </summary>
    public async Task<List<SubscriptionRow>> ClaimAsync(string municipality, string owner, TimeSpan lease, int most, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH mine AS (SELECT id FROM subscription WHERE state = 'active' AND owner = $1 ORDER BY id LIMIT $3),
            free AS (
              SELECT id FROM subscription WHERE state = 'active' AND owner IS DISTINCT FROM $1 AND (owned_until IS NULL OR owned_until < now())
              ORDER BY id LIMIT (SELECT greatest($3 - count(*), 0) FROM mine) FOR UPDATE SKIP LOCKED)
            UPDATE subscription SET owner = $1, owned_until = now() + $2
            WHERE id IN (SELECT id FROM mine UNION ALL SELECT id FROM free) AND state = 'active' AND (owner = $1 OR owned_until IS NULL OR owned_until < now())
            RETURNING {Columns}
            """);
        Add(command, owner, lease, most);
        return await ReadAsync(command, cancellation);
    }

    /// <summary>Whether there is an active one, whoever delivers it.</summary>
    public async Task<bool> AnyActiveAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT EXISTS (SELECT FROM subscription WHERE state = 'active')");
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Gives all up that is ours, so that another instance goes on at once.</summary>
    public async Task ReleaseAsync(string municipality, string owner, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("UPDATE subscription SET owner = NULL, owned_until = NULL WHERE owner = $1");
        Add(command, owner);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Which of the Datastreams may be sent at this moment.</summary>
    public async Task<HashSet<string>> VisibleAsync(string municipality, string[] access, string[] datastreams, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id FROM datastream WHERE id = ANY($2) AND access = ANY($1)");
        Add(command, access, datastreams);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var visible = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation)) visible.Add(reader.GetString(0));
        return visible;
    }

    /// <summary>Moves the place; false if the subscription is not ours any more, or has changed.</summary>
    public Task<bool> MoveAsync(string municipality, SubscriptionRow subscription, string owner, string place, CancellationToken cancellation) =>
        UpdateAsync(municipality, subscription, owner, "place = $4, placed_at = now()", null, cancellation, place);

    /// <summary>Notes that the receiver took a delivery, and moves the place.</summary>
    public Task<bool> SucceededAsync(
        string municipality, SubscriptionRow subscription, string owner, string place, string webhookId, int attempt, int observations, WebhookOutcome outcome, CancellationToken cancellation) =>
        UpdateAsync(municipality, subscription, owner, "place = $4, placed_at = now(), delivered = delivered + $7, failures = 0, next_attempt_at = NULL, last_success_at = now()",
            "(subscription, kind, webhook_id, attempt, observations, status, duration) SELECT id, 'attempt', $5, $6, $7, $8::int, $9", cancellation,
            place, webhookId, attempt, observations, outcome.Status, outcome.Duration);

    /// <summary>Notes that an attempt failed and when the next one is; <paramref name="next"/> null ends the subscription.</summary>
    public Task<bool> FailedAsync(
        string municipality, SubscriptionRow subscription, string owner, TimeSpan? next, string webhookId, int attempt, int observations, WebhookOutcome outcome, CancellationToken cancellation) =>
        UpdateAsync(municipality, subscription, owner,
            "failures = failures + 1, last_error = $10, last_error_at = now(), next_attempt_at = now() + $4::interval, state = CASE WHEN $4::interval IS NULL THEN 'ended' ELSE state END",
            "(subscription, kind, webhook_id, attempt, observations, status, duration, error) SELECT id, 'attempt', $5, $6, $7, $8::int, $9, $10", cancellation,
            next, webhookId, attempt, observations, outcome.Status, outcome.Duration, outcome.Error!);

    /// <summary>Notes that the log no longer has what comes next, and goes on at <paramref name="place"/>.</summary>
    public Task<bool> MissedAsync(string municipality, SubscriptionRow subscription, string owner, string place, CancellationToken cancellation) =>
        UpdateAsync(municipality, subscription, owner, "place = $4, placed_at = now(), gaps = gaps + 1",
            "(subscription, kind, error, from_time, to_time) SELECT id, 'gap', 'the log no longer has what arrived in between', placed_at, now()", cancellation, place);

    /// <summary>Removes what is older than the newest <paramref name="kept"/> deliveries.</summary>
    public async Task PruneAsync(string municipality, string id, int kept, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "DELETE FROM delivery WHERE subscription = $1 AND key <= (SELECT key FROM delivery WHERE subscription = $1 ORDER BY key DESC OFFSET $2 LIMIT 1)");
        Add(command, id, kept);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Record and place in one statement; the record sees the row as it was.</summary>
    async Task<bool> UpdateAsync(string municipality, SubscriptionRow subscription, string owner, string set, string? record, CancellationToken cancellation, params object?[] values)
    {
        const string Ours = "id = $1 AND owner = $2 AND version = $3";
        await using var command = databases.Of(municipality).CreateCommand(record is null
            ? $"UPDATE subscription SET {set} WHERE {Ours} RETURNING 1"
            : $"WITH note AS (INSERT INTO delivery {record} FROM subscription WHERE {Ours}) UPDATE subscription SET {set} WHERE {Ours} RETURNING 1");
        Add(command, subscription.Id, owner, subscription.Version);
        foreach (var value in values)
            command.Parameters.Add(value switch
            {
                null => new NpgsqlParameter { Value = DBNull.Value },
                TimeSpan span => new NpgsqlParameter { Value = span, NpgsqlDbType = NpgsqlDbType.Interval },
                _ => new NpgsqlParameter { Value = value },
            });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    static void Add(NpgsqlCommand command, params object[] values)
    {
        foreach (var value in values) command.Parameters.Add(value is TimeSpan ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Interval } : new NpgsqlParameter { Value = value });
    }

    static void AddBox(NpgsqlCommand command, double[]? box) =>
        command.Parameters.Add(new NpgsqlParameter { Value = box is { Length: > 0 } ? box : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Double });

    static async Task<List<SubscriptionRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<SubscriptionRow>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(new SubscriptionRow(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3), reader.GetFieldValue<string[]>(4), reader.GetFieldValue<string[]>(5),
                reader.GetFieldValue<string[]>(6), reader.IsDBNull(7) ? null : reader.GetFieldValue<double[]>(7), reader.GetInt32(8), reader.GetTimeSpan(9), reader.GetFieldValue<string[]>(10),
                reader.GetString(11), reader.GetDateTime(12), reader.GetInt32(13), reader.GetString(14), reader.GetString(15), reader.GetDateTime(16), reader.GetInt64(17), reader.GetInt32(18),
                reader.GetInt32(19), Time(20), Time(21), reader.IsDBNull(22) ? null : reader.GetString(22), Time(23)));
        return rows;

        DateTime? Time(int at) => reader.IsDBNull(at) ? null : reader.GetDateTime(at);
    }
}
