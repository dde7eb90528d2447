using System.Globalization;
using System.Text;
using System.Text.Json;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Mqtt.Keeping;

/// <summary>
/// The connection that has the advisory lock of a municipality's sessions, and writes them. When it breaks the lock is free, and who had it can write no more.
/// </summary>
sealed class SessionLease(string municipality, NpgsqlConnection connection, DownlinkReports reports) : IAsyncDisposable
{
    /// <summary>All sessions.</summary>
    public async Task<List<KeptSession>> ReadAsync(CancellationToken cancellation)
    {
        var messages = await MessagesAsync(cancellation);
        await using var command = new NpgsqlCommand("SELECT holder, client_id, state, expires_at FROM mqtt_session", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var sessions = new List<KeptSession>();
        while (await reader.ReadAsync(cancellation))
        {
            var key = new SessionKey(municipality, reader.GetString(0), reader.GetString(1));
            sessions.Add(new(key, JsonSerializer.Deserialize(reader.GetString(2), KeepingJson.Default.KeptState)!, Value<DateTime?>(reader, 3), messages.GetValueOrDefault(key) ?? []));
        }
        return sessions;
    }

    /// <summary>Writes changes, all or none.</summary>
    /// <param name="gone">Sessions that have ended.</param>
    /// <param name="changes">What has changed in others.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task WriteAsync(IReadOnlyCollection<SessionKey> gone, IReadOnlyCollection<SessionChange> changes, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection, transaction);
        var over = gone.Concat(changes.Where(change => change.IsWhole).Select(change => change.Session.Key)).Distinct().ToList();
        if (over.Count > 0)
            Add(batch, "DELETE FROM mqtt_session s USING unnest($1, $2) AS g (holder, client_id) WHERE s.holder = g.holder AND s.client_id = g.client_id", Holders(over), ClientIds(over));
        if (changes.Count > 0) AddStates(batch, changes);
        var done = changes.Where(change => !change.IsWhole).SelectMany(change => change.Gone.Select(number => (change.Session.Key, Number: number))).ToList();
        if (done.Count > 0)
            Add(batch, """
                DELETE FROM mqtt_session_message m USING unnest($1, $2, $3) AS g (holder, client_id, number)
                WHERE m.holder = g.holder AND m.client_id = g.client_id AND m.number = g.number
                """, Holders(done.Select(one => one.Key)), ClientIds(done.Select(one => one.Key)), Array(done.Select(one => one.Number), NpgsqlDbType.Bigint));
        var put = changes.SelectMany(change => change.Put.Select(message => (change.Session.Key, Message: message))).ToList();
        if (put.Count > 0) AddMessages(batch, put);
        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    async Task<Dictionary<SessionKey, List<KeptMessage>>> MessagesAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            SELECT holder, client_id, number, packet_id, topic, payload, qos, retain, identifiers, properties, expires_at, downlink
            FROM mqtt_session_message ORDER BY holder, client_id, number
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var messages = new Dictionary<SessionKey, List<KeptMessage>>();
        while (await reader.ReadAsync(cancellation))
        {
            var key = new SessionKey(municipality, reader.GetString(0), reader.GetString(1));
            if (!messages.TryGetValue(key, out var its)) messages[key] = its = [];
            its.Add(new(reader.GetInt64(2), (ushort?)Value<int?>(reader, 3), reader.IsDBNull(4) ? null : DeliveryOf(reader)));
        }
        return messages;
    }

    Delivery DeliveryOf(NpgsqlDataReader row)
    {
        var topic = row.GetString(4);
        var downlink = Value<string>(row, 11);
        var message = new MqttMessage
        {
            Topic = Encoding.UTF8.GetBytes(topic),
            Payload = row.GetFieldValue<byte[]>(5),
            Qos = row.GetInt16(6),
            Forwarded = row.GetFieldValue<byte[]>(9),
            ExpiresAt = Clock.TicksOf(Value<DateTime?>(row, 10)),
            Downlink = downlink,
            Acknowledged = downlink is not null && MqttTopic.Parse(topic) is { } parsed ? DeviceTopics.Telling(reports, municipality, parsed.Name, downlink) : null,
        };
        var identifiers = row.GetString(8).Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one => uint.Parse(one, CultureInfo.InvariantCulture));
        return new Delivery(message, row.GetInt16(6), row.GetBoolean(7), [.. identifiers]) { Number = row.GetInt64(2) };
    }

    static void AddStates(NpgsqlBatch batch, IReadOnlyCollection<SessionChange> changes) => Add(batch, """
        INSERT INTO mqtt_session (holder, client_id, state, expires_at)
        SELECT n.holder, n.client_id, n.state::json, n.expires_at FROM unnest($1, $2, $3, $4) AS n (holder, client_id, state, expires_at)
        ON CONFLICT (holder, client_id) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at
        """,
        Holders(changes.Select(change => change.Session.Key)), ClientIds(changes.Select(change => change.Session.Key)),
        Array(changes.Select(change => JsonSerializer.Serialize(change.State, KeepingJson.Default.KeptState)), NpgsqlDbType.Text),
        Array(changes.Select(change => change.ExpiresAt), NpgsqlDbType.TimestampTz));

    static void AddMessages(NpgsqlBatch batch, List<(SessionKey Key, KeptMessage Message)> put) => Add(batch, """
        INSERT INTO mqtt_session_message (holder, client_id, number, packet_id, topic, payload, qos, retain, identifiers, properties, expires_at, downlink)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (holder, client_id, number) DO UPDATE SET packet_id = excluded.packet_id, topic = excluded.topic, payload = excluded.payload, properties = excluded.properties
        """,
        Holders(put.Select(one => one.Key)), ClientIds(put.Select(one => one.Key)), Array(put.Select(one => one.Message.Number), NpgsqlDbType.Bigint),
        Array(put.Select(one => (int?)one.Message.PacketId), NpgsqlDbType.Integer),
        Array(put.Select(one => one.Message.Delivery is { } delivery ? Encoding.UTF8.GetString(delivery.Message.Topic) : null), NpgsqlDbType.Text),
        Array(put.Select(one => one.Message.Delivery?.Message.Payload.ToArray()), NpgsqlDbType.Bytea),
        Array(put.Select(one => (short?)one.Message.Delivery?.Qos), NpgsqlDbType.Smallint),
        Array(put.Select(one => one.Message.Delivery?.Retain), NpgsqlDbType.Boolean),
        Array(put.Select(one => one.Message.Delivery is { } delivery ? string.Join(',', delivery.Identifiers) : null), NpgsqlDbType.Text),
        Array(put.Select(one => one.Message.Delivery?.Message.Forwarded), NpgsqlDbType.Bytea),
        Array(put.Select(one => Clock.TimeOf(one.Message.Delivery?.Message.ExpiresAt)), NpgsqlDbType.TimestampTz),
        Array(put.Select(one => one.Message.Delivery?.Message.Downlink), NpgsqlDbType.Text));

    static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }

    static NpgsqlParameter Holders(IEnumerable<SessionKey> keys) => Array(keys.Select(key => key.Holder), NpgsqlDbType.Text);

    static NpgsqlParameter ClientIds(IEnumerable<SessionKey> keys) => Array(keys.Select(key => key.ClientId), NpgsqlDbType.Text);

    static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType type) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    static T? Value<T>(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<T>(column);

    public async ValueTask DisposeAsync()
    {
        try
        {
            // The pool gives a connection on as it is, the lock included.
            await using var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection) { CommandTimeout = 3 };
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception fault) when (Platform.Infrastructure.IsAtFault(fault) || fault is InvalidOperationException)
        {
            // Broken: the lock is free already.
        }
        await connection.DisposeAsync();
    }
}
