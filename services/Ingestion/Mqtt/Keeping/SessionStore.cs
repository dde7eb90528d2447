using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Mqtt.Keeping;

/// <summary>Sessions and retained messages in the municipalities' databases, as everybody may read them.</summary>
sealed class SessionStore(MunicipalDatabases databases, DownlinkReports reports)
{
    /// <summary>Whether there is that session, or any.</summary>
    public async Task<bool> HasAsync(string municipality, SessionKey? key, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT EXISTS (SELECT FROM mqtt_session WHERE $1 IS NULL OR (holder = $1 AND client_id = $2))");
        command.Parameters.Add(new() { Value = (object?)key?.Holder ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)key?.ClientId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>What is retained.</summary>
    public async Task<List<(MqttTopic Topic, MqttMessage Message)>> RetainedAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT device, payload, qos, properties, expires_at FROM mqtt_retained WHERE expires_at IS NULL OR expires_at > now()");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var retained = new List<(MqttTopic, MqttMessage)>();
        while (await reader.ReadAsync(cancellation))
        {
            var topic = MqttTopic.OfDevice(TopicKind.Uplink, municipality, reader.GetString(0));
            retained.Add((topic, new MqttMessage
            {
                Topic = topic.Utf8,
                Payload = reader.GetFieldValue<byte[]>(1),
                Qos = reader.GetInt16(2),
                Retain = true,
                Forwarded = reader.GetFieldValue<byte[]>(3),
                ExpiresAt = Clock.TicksOf(reader.IsDBNull(4) ? null : reader.GetDateTime(4)),
            }));
        }
        return retained;
    }

    /// <summary>Retains messages of devices' topics, or no longer; any process may, and the last one's counts.</summary>
    public async Task RetainAsync(string municipality, IReadOnlyCollection<(string Device, MqttMessage? Message)> retained, CancellationToken cancellation)
    {
        await using var batch = databases.Of(municipality).CreateBatch();
        var forgotten = new NpgsqlBatchCommand("DELETE FROM mqtt_retained WHERE device = ANY ($1)");
        forgotten.Parameters.Add(Array(retained.Where(one => one.Message is null).Select(one => one.Device), NpgsqlDbType.Text));
        var kept = retained.Where(one => one.Message is not null).ToList();
        var put = new NpgsqlBatchCommand("""
            INSERT INTO mqtt_retained (device, payload, qos, properties, expires_at)
            SELECT n.device, n.payload, n.qos, n.properties, n.expires_at FROM unnest($1, $2, $3, $4, $5) AS n (device, payload, qos, properties, expires_at) JOIN device d ON d.id = n.device
            ON CONFLICT (device) DO UPDATE SET payload = excluded.payload, qos = excluded.qos, properties = excluded.properties, expires_at = excluded.expires_at
            """);
        put.Parameters.Add(Array(kept.Select(one => one.Device), NpgsqlDbType.Text));
        put.Parameters.Add(Array(kept.Select(one => one.Message!.Payload.ToArray()), NpgsqlDbType.Bytea));
        put.Parameters.Add(Array(kept.Select(one => (short)one.Message!.Qos), NpgsqlDbType.Smallint));
        put.Parameters.Add(Array(kept.Select(one => one.Message!.Forwarded), NpgsqlDbType.Bytea));
        put.Parameters.Add(Array(kept.Select(one => Clock.TimeOf(one.Message!.ExpiresAt)), NpgsqlDbType.TimestampTz));
        batch.BatchCommands.Add(forgotten);
        batch.BatchCommands.Add(put);
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType type) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    /// <summary>The right to write the municipality's sessions; null while another process has it.</summary>
    public async Task<SessionLease?> TryLeaseAsync(string municipality, CancellationToken cancellation)
    {
        var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        try
        {
            await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock(hashtext('mqtt sessions'))", connection);
            if (await command.ExecuteScalarAsync(cancellation) is true) return new SessionLease(municipality, connection, reports);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }
}
