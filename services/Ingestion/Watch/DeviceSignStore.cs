using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Watch;

/// <summary>What is known of each device's condition, in <c>last_seen</c>.</summary>
sealed class DeviceSignStore(MunicipalDatabases databases)
{
    const string Columns = """
        at, f_cnt, rssi, snr, spreading_factor, gateways, uplink, sent_at, clock_off, signal_streak, lost, jump, jumped_at, restarted_at, replayed_at,
        replayed_f_cnt, battery, battery_at
        """;

    /// <summary>
    /// Brings devices up to date; those that are gone are passed over. Who was not active yet, or silent, is active from then on. True if there is something to tell.
    /// </summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="devices">Their ids.</param>
    /// <param name="update">What is known after the news, by device and what was known.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<bool> UpdateAsync(string municipality, string[] devices, Func<string, DeviceSigns, DeviceSigns> update, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var known = await LockAsync(connection, devices, cancellation);
        await WriteAsync(connection, [.. known.Select(device => (device.Id, update(device.Id, device.Signs)))], cancellation);
        var told = await WakeAsync(connection, [.. known.Where(device => device.Asleep).Select(device => device.Id)], cancellation);
        await transaction.CommitAsync(cancellation);
        return told;
    }

    /// <summary>Devices are locked in one order, so that two instances that write the same ones wait for each other and do not block each other.</summary>
    static async Task<List<(string Id, bool Asleep, DeviceSigns Signs)>> LockAsync(NpgsqlConnection connection, string[] devices, CancellationToken cancellation)
    {
        // What is needed later is asked for before any row is locked, or an import, which has the table to itself, would wait for us and we for it.
        await using (var table = new NpgsqlCommand("LOCK TABLE device IN ROW EXCLUSIVE MODE", connection)) await table.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand($"""
            SELECT d.id, d.state IN ('planned', 'installed', 'silent'), {Columns} FROM device d LEFT JOIN last_seen s ON s.device = d.id
            WHERE d.id = ANY ($1) ORDER BY d.id FOR NO KEY UPDATE OF d
            """, connection)
        { Parameters = { new() { Value = devices } } };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(string, bool, DeviceSigns)>();
        while (await reader.ReadAsync(cancellation)) rows.Add((reader.GetString(0), reader.GetBoolean(1), Read(reader, 2)));
        return rows;
    }

    static async Task WriteAsync(NpgsqlConnection connection, List<(string Id, DeviceSigns Signs)> rows, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"""
            INSERT INTO last_seen AS known (device, {Columns})
            SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::float8[], $5::float8[], $6::int[], $7::int[], $8::text[], $9::timestamptz[], $10::float8[],
              $11::int[], $12::bigint[], $13::bigint[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::bigint[], $18::float8[], $19::timestamptz[])
            ON CONFLICT (device) DO UPDATE SET (at, f_cnt, rssi, snr, spreading_factor, gateways, uplink, sent_at, clock_off, signal_streak, lost, jump, jumped_at,
                restarted_at, replayed_at, replayed_f_cnt, battery, battery_at)
              = (excluded.at, excluded.f_cnt, excluded.rssi, excluded.snr, excluded.spreading_factor, excluded.gateways, excluded.uplink, excluded.sent_at,
                excluded.clock_off, excluded.signal_streak, excluded.lost, excluded.jump, excluded.jumped_at, excluded.restarted_at, excluded.replayed_at,
                excluded.replayed_f_cnt, excluded.battery, excluded.battery_at)
            """, connection);
        command.Parameters.Add(new() { Value = rows.Select(row => row.Id).ToArray() });
        Add<DateTime>(NpgsqlDbType.TimestampTz, signs => signs.At);
        Add<long?>(NpgsqlDbType.Bigint, signs => signs.FCnt);
        Add<double?>(NpgsqlDbType.Double, signs => signs.Rssi);
        Add<double?>(NpgsqlDbType.Double, signs => signs.Snr);
        Add<int?>(NpgsqlDbType.Integer, signs => signs.SpreadingFactor);
        Add<int?>(NpgsqlDbType.Integer, signs => signs.Gateways);
        Add<string?>(NpgsqlDbType.Text, signs => signs.Uplink);
        Add<DateTime?>(NpgsqlDbType.TimestampTz, signs => signs.SentAt);
        Add<double?>(NpgsqlDbType.Double, signs => signs.ClockOff);
        Add<int>(NpgsqlDbType.Integer, signs => signs.SignalStreak);
        Add<long>(NpgsqlDbType.Bigint, signs => signs.Lost);
        Add<long?>(NpgsqlDbType.Bigint, signs => signs.Jump);
        Add<DateTime?>(NpgsqlDbType.TimestampTz, signs => signs.JumpedAt);
        Add<DateTime?>(NpgsqlDbType.TimestampTz, signs => signs.RestartedAt);
        Add<DateTime?>(NpgsqlDbType.TimestampTz, signs => signs.ReplayedAt);
        Add<long?>(NpgsqlDbType.Bigint, signs => signs.ReplayedFCnt);
        Add<double?>(NpgsqlDbType.Double, signs => signs.Battery);
        Add<DateTime?>(NpgsqlDbType.TimestampTz, signs => signs.BatteryAt);
        await command.ExecuteNonQueryAsync(cancellation);

        void Add<T>(NpgsqlDbType type, Func<DeviceSigns, T> value) =>
            command.Parameters.Add(new() { Value = rows.Select(row => value(row.Signs)).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    static async Task<bool> WakeAsync(NpgsqlConnection connection, string[] asleep, CancellationToken cancellation)
    {
        if (asleep.Length == 0) return false;
        await using var command = new NpgsqlCommand($"""
            WITH woken AS (SELECT id, state FROM device WHERE id = ANY ($1)),
            active AS (UPDATE device d SET state = 'active', state_since = now() FROM woken w WHERE d.id = w.id),
            history AS (INSERT INTO device_state_change (device, from_state, to_state, by) SELECT id, state, 'active', 'platform' FROM woken),
            over AS (
              UPDATE device_condition c SET until = now() FROM woken w WHERE c.device = w.id AND c.kind = 'silent' AND c.until IS NULL
              RETURNING c.device, c.kind, c.since, c.until, c.detail)
            INSERT INTO outbox (type, device, data) SELECT '{EventTypes.DeviceRecovered}', device, {ConditionStore.Told} FROM over
            """, connection)
        { Parameters = { new() { Value = asleep } } };
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    static DeviceSigns Read(NpgsqlDataReader row, int first)
    {
        if (row.IsDBNull(first)) return new DeviceSigns();
        return new DeviceSigns
        {
            At = row.GetDateTime(first),
            FCnt = Value<long?>(1),
            Rssi = Value<double?>(2),
            Snr = Value<double?>(3),
            SpreadingFactor = Value<int?>(4),
            Gateways = Value<int?>(5),
            Uplink = Value<string>(6),
            SentAt = Value<DateTime?>(7),
            ClockOff = Value<double?>(8),
            SignalStreak = row.GetInt32(first + 9),
            Lost = row.GetInt64(first + 10),
            Jump = Value<long?>(11),
            JumpedAt = Value<DateTime?>(12),
            RestartedAt = Value<DateTime?>(13),
            ReplayedAt = Value<DateTime?>(14),
            ReplayedFCnt = Value<long?>(15),
            Battery = Value<double?>(16),
            BatteryAt = Value<DateTime?>(17),
        };

        T? Value<T>(int column) => row.IsDBNull(first + column) ? default : row.GetFieldValue<T>(first + column);
    }
}
