using System.Text.Json;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Downlinks;

/// <summary>Why a downlink was not queued.</summary>
enum NotQueued
{
    /// <summary>There is no such device.</summary>
    NoSuchDevice,
    /// <summary>It is retired.</summary>
    Retired,
    /// <summary>As many wait as may.</summary>
    Full,
}

/// <summary>The downlinks of each municipality, what waits and what was. Each change of a state writes its row of history in the same statement.</summary>
sealed partial class DownlinkStore(MunicipalDatabases databases, OutboxPublisher outbox)
{
    const string Columns = "d.id, d.device, d.f_port, d.bytes, d.data, d.confirmed, d.priority, d.expires_at, d.by, d.queued_at, d.state, d.state_since, d.reason, d.attempts, d.due_at, d.way, d.task";

    /// <summary>Queues one.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">To whom.</param>
    /// <param name="content">What.</param>
    /// <param name="by">The client that asks for it.</param>
    /// <param name="most">How many may wait.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<(Downlink? Downlink, NotQueued Why)> AddAsync(string municipality, string device, DownlinkContent content, string by, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (added, why) = await InsertAsync(connection, Guid.CreateVersion7(), device, content, by, null, most, cancellation);
        if (added is not null) await transaction.CommitAsync(cancellation);
        return (added, why);
    }

    /// <summary>Adds one within a transaction, which is the caller's to commit.</summary>
    static async Task<(Downlink? Downlink, NotQueued Why)> InsertAsync(
        NpgsqlConnection connection, Guid id, string device, DownlinkContent content, string by, string? task, int most, CancellationToken cancellation)
    {
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('downlinks of ' || $1, 0))", connection) { Parameters = { new() { Value = device } } })
            await alone.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand($"""
            WITH added AS (
              INSERT INTO downlink AS d (id, device, f_port, bytes, data, confirmed, priority, expires_at, by, task)
              SELECT $1, device.id, $3, $4, $5, $6, $7, $8, $9, $11 FROM device WHERE device.id = $2 AND state <> '{DeviceState.Retired}'
                AND (SELECT count(*) FROM downlink WHERE device = $2 AND state IN ('queued', 'sending')) < $10
              RETURNING {Columns}),
            noted AS (INSERT INTO downlink_change (downlink, to_state, by) SELECT id, state, by FROM added)
            SELECT * FROM added
            """, connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = device });
        command.Parameters.Add(new() { Value = (object?)(short?)content.FPort ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint });
        command.Parameters.Add(new() { Value = (object?)content.Bytes ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea });
        command.Parameters.Add(new() { Value = (object?)content.Data?.GetRawText() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Json });
        command.Parameters.Add(new() { Value = content.Confirmed });
        command.Parameters.Add(new() { Value = (short)content.Priority });
        command.Parameters.Add(new() { Value = content.ExpiresAt });
        command.Parameters.Add(new() { Value = by });
        command.Parameters.Add(new() { Value = most });
        command.Parameters.Add(Text(task));
        var added = (await ReadAsync(command, Kept, cancellation)).SingleOrDefault();
        if (added is null)
        {
            await using var why = new NpgsqlCommand("SELECT state FROM device WHERE id = $1", connection) { Parameters = { new() { Value = device } } };
            var state = await why.ExecuteScalarAsync(cancellation) as string;
            return (null, state switch { null => NotQueued.NoSuchDevice, DeviceState.Retired => NotQueued.Retired, _ => NotQueued.Full });
        }
        return (added, default);
    }

    /// <summary>One of a device's, or null.</summary>
    public async Task<Downlink?> FindAsync(string municipality, string device, Guid id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM downlink d WHERE d.id = $1 AND d.device = $2");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = device });
        return (await ReadAsync(command, Kept, cancellation)).SingleOrDefault();
    }

    /// <summary>A page of a device's, the newest first; null if there is no such device.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="device">The device.</param>
    /// <param name="before">The last of the page before.</param>
    /// <param name="limit">Most of them.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<Downlink>?> ListAsync(string municipality, string device, Guid? before, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            $"SELECT {Columns} FROM downlink d WHERE d.device = $1 AND ($2::uuid IS NULL OR d.place < (SELECT place FROM downlink WHERE device = $1 AND id = $2)) ORDER BY d.place DESC LIMIT $3");
        command.Parameters.Add(new() { Value = device });
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit });
        var found = await ReadAsync(command, Kept, cancellation);
        if (found.Count > 0) return found;
        await using var exists = databases.Of(municipality).CreateCommand("SELECT EXISTS (SELECT FROM device WHERE id = $1)");
        exists.Parameters.Add(new() { Value = device });
        return await exists.ExecuteScalarAsync(cancellation) is true ? found : null;
    }

    /// <summary>What became of one, the oldest change first.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="id">The downlink.</param>
    /// <param name="limit">Most changes; the newest are told.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<DownlinkChange>> HistoryAsync(string municipality, Guid id, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "SELECT at, from_state, to_state, by, reason FROM (SELECT * FROM downlink_change WHERE downlink = $1 ORDER BY id DESC LIMIT $2) newest ORDER BY id");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = limit });
        return await ReadAsync(command, row => new DownlinkChange(row.GetDateTime(0), Value<string>(row, 1), row.GetString(2), row.GetString(3), Value<string>(row, 4)), cancellation);
    }

    /// <summary>Cancels one that waits; false if it does not, or is not there.</summary>
    public async Task<bool> CancelAsync(string municipality, string device, Guid id, string by, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH changed AS (
              UPDATE downlink SET state = '{DownlinkState.Cancelled}', state_since = now(), reason = NULL
              WHERE id = $1 AND device = $2 AND state = '{DownlinkState.Queued}' RETURNING id)
            INSERT INTO downlink_change (downlink, from_state, to_state, by) SELECT id, '{DownlinkState.Queued}', '{DownlinkState.Cancelled}', $3 FROM changed
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = device });
        command.Parameters.Add(new() { Value = by });
        return Told(municipality, await command.ExecuteNonQueryAsync(cancellation) > 0);
    }

    /// <summary>What has changed of a Task's downlink stands in the outbox.</summary>
    bool Told(string municipality, bool hasChanged)
    {
        if (hasChanged) outbox.Wake(municipality);
        return hasChanged;
    }

    static Downlink Kept(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetString(1),
        new DownlinkContent(Value<short?>(row, 2), Value<byte[]>(row, 3), Value<string>(row, 4) is { } data ? JsonElement.Parse(data) : null, row.GetBoolean(5), row.GetInt16(6), row.GetDateTime(7)),
        row.GetString(8), row.GetDateTime(9), row.GetString(10), row.GetDateTime(11), Value<string>(row, 12), row.GetInt32(13), row.GetDateTime(14), Value<string>(row, 15), Value<string>(row, 16));

    static async Task<List<T>> ReadAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(read(reader));
        return rows;
    }

    static T? Value<T>(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<T>(column);

    static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
