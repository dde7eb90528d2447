using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Watch;

/// <summary>Kinds of conditions.</summary>
static class ConditionKind
{
    public const string Silent = "silent", BatteryLow = "battery-low", SignalWeak = "signal-weak", FramesLost = "frames-lost", Restarted = "restarted",
        Replayed = "replayed", ClockOff = "clock-off";

    public static IReadOnlyList<string> All { get; } = [Silent, BatteryLow, SignalWeak, FramesLost, Restarted, Replayed, ClockOff];
}

/// <summary>Something that is, or was, wrong with a device.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Device">The device.</param>
/// <param name="Kind">silent, battery-low, signal-weak, frames-lost, restarted, replayed, clock-off.</param>
/// <param name="Since">When it was noticed.</param>
/// <param name="Until">When it was over.</param>
/// <param name="Detail">By which numbers it was noticed.</param>
public sealed record ConditionAnswer(long Id, string Device, string Kind, DateTime Since, DateTime? Until, JsonElement Detail);

/// <summary>The conditions of a municipality's devices: each opened once, and closed when it is over.</summary>
sealed class ConditionStore(MunicipalDatabases databases, WatchOptions limits, IngestionOptions options)
{
    const string Utc = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";

    /// <summary>A condition as <see cref="DeviceCondition"/>, out of columns of these names.</summary>
    public const string Told = $"""
        jsonb_build_object('id', device, 'kind', kind, 'since', to_char(since AT TIME ZONE 'UTC', {Utc}), 'until', to_char(until AT TIME ZONE 'UTC', {Utc}), 'detail', detail)
        """;

    const string Found = $"""
        WITH watched AS (
          SELECT s.*, d.state, coalesce(d.expected_interval, nullif(d.profile_interval, 0)) AS expected
          FROM device d JOIN last_seen s ON s.device = d.id WHERE d.state IN ('active', 'silent', 'faulty')),
        open AS (SELECT device, kind FROM device_condition WHERE until IS NULL),
        found (device, kind, detail) AS (
          SELECT device, 'silent', jsonb_build_object('lastSeen', to_char(at AT TIME ZONE 'UTC', {Utc}), 'expectedInterval', expected)
            FROM watched WHERE state <> 'faulty' AND at < now() - $1 * expected * interval '1 s' - $2
          UNION ALL SELECT device, 'battery-low', jsonb_build_object('battery', battery)
            FROM watched WHERE battery < CASE WHEN (device, 'battery-low') IN (SELECT device, kind FROM open) THEN $4 ELSE $3 END
          UNION ALL SELECT device, 'signal-weak', jsonb_strip_nulls(jsonb_build_object('rssi', rssi, 'snr', snr, 'spreadingFactor', spreading_factor, 'uplinks', signal_streak))
            FROM watched WHERE signal_streak >= $5 OR (signal_streak > -$6 AND (device, 'signal-weak') IN (SELECT device, kind FROM open))
          UNION ALL SELECT device, 'frames-lost', jsonb_build_object('lost', jump, 'at', to_char(jumped_at AT TIME ZONE 'UTC', {Utc})) FROM watched WHERE jumped_at > now() - $7
          UNION ALL SELECT device, 'restarted', jsonb_build_object('at', to_char(restarted_at AT TIME ZONE 'UTC', {Utc})) FROM watched WHERE restarted_at > now() - $7
          UNION ALL SELECT device, 'replayed', jsonb_build_object('at', to_char(replayed_at AT TIME ZONE 'UTC', {Utc})) FROM watched WHERE replayed_at > now() - $7
          UNION ALL SELECT device, 'clock-off', jsonb_build_object('seconds', round(clock_off)) FROM watched WHERE abs(clock_off) > $8)
        """;

    /// <summary>
    /// Looks at all devices in one statement: opens what has come, closes what is over, changes states between active and silent, and notes the events that tell of
    /// it. Only one instance looks at a time; false if another does, or if nothing has changed.
    /// </summary>
    public async Task<bool> LookAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtext('ingestion watch'))", connection))
            if (await turn.ExecuteScalarAsync(cancellation) is false) return false;
        await using var command = new NpgsqlCommand($"""
            {Found},
            opened AS (
              INSERT INTO device_condition (device, kind, detail) SELECT * FROM found WHERE (device, kind) NOT IN (SELECT device, kind FROM open)
              RETURNING device, kind, since, until, detail),
            closed AS (
              UPDATE device_condition c SET until = now() WHERE until IS NULL AND (device, kind) NOT IN (SELECT device, kind FROM found)
              RETURNING device, kind, since, until, detail),
            silenced AS (
              UPDATE device d SET state = 'silent', state_since = now() FROM opened o WHERE o.device = d.id AND o.kind = 'silent' AND d.state = 'active' RETURNING d.id),
            revived AS (
              UPDATE device d SET state = 'active', state_since = now() FROM closed c WHERE c.device = d.id AND c.kind = 'silent' AND d.state = 'silent' RETURNING d.id),
            history AS (
              INSERT INTO device_state_change (device, from_state, to_state, by)
              SELECT id, 'active', 'silent', 'platform' FROM silenced UNION ALL SELECT id, 'silent', 'active', 'platform' FROM revived)
            INSERT INTO outbox (type, device, data)
            SELECT CASE kind WHEN 'silent' THEN '{EventTypes.DeviceSilent}' ELSE '{EventTypes.DeviceWeak}' END, device, {Told} FROM opened
            UNION ALL
            SELECT '{EventTypes.DeviceRecovered}', device, {Told} FROM closed
              WHERE device IN (SELECT id FROM device WHERE state IN ('active', 'silent', 'faulty'))
            """, connection);
        AddLimits(command);
        var told = await command.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return told > 0;
    }

    void AddLimits(NpgsqlCommand command)
    {
        command.Parameters.Add(new() { Value = (double)limits.MissedUplinks });
        // What was taken a moment ago may not be written yet.
        command.Parameters.Add(new() { Value = options.LastSeenWrittenEvery });
        command.Parameters.Add(new() { Value = limits.LowBattery });
        command.Parameters.Add(new() { Value = limits.EnoughBattery });
        command.Parameters.Add(new() { Value = limits.WeakUplinks });
        command.Parameters.Add(new() { Value = limits.GoodUplinks });
        command.Parameters.Add(new() { Value = limits.IncidentsShownFor });
        command.Parameters.Add(new() { Value = limits.MostClockOff.TotalSeconds });
    }

    /// <summary>A page of conditions, the newest first.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="open">Only those that are open, or only those that are over.</param>
    /// <param name="device">Only of this device.</param>
    /// <param name="kind">Only of this kind.</param>
    /// <param name="before">Only those before this number.</param>
    /// <param name="limit">Most conditions.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<ConditionAnswer>> ListAsync(
        string municipality, bool? open, string? device, string? kind, long? before, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT id, device, kind, since, until, detail::text FROM device_condition
            WHERE ($1::boolean IS NULL OR (until IS NULL) = $1) AND ($2::text IS NULL OR device = $2) AND ($3::text IS NULL OR kind = $3) AND ($4::bigint IS NULL OR id < $4)
            ORDER BY id DESC LIMIT $5
            """);
        command.Parameters.Add(new() { Value = (object?)open ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
        command.Parameters.Add(new() { Value = (object?)device ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)kind ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var conditions = new List<ConditionAnswer>();
        while (await reader.ReadAsync(cancellation))
            conditions.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetDateTime(3), reader.IsDBNull(4) ? null : reader.GetDateTime(4), JsonElement.Parse(reader.GetString(5))));
        return conditions;
    }

    /// <summary>Profiles whose expected interval nobody has asked for yet.</summary>
    public async Task<List<string>> UnaskedProfilesAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT DISTINCT profile FROM device WHERE profile_interval IS NULL LIMIT 50");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var profiles = new List<string>();
        while (await reader.ReadAsync(cancellation)) profiles.Add(reader.GetString(0));
        return profiles;
    }

    /// <summary>Notes a profile's expected interval, in seconds, with its devices.</summary>
    public async Task NoteIntervalAsync(string municipality, string profile, int? interval, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("UPDATE device SET profile_interval = $2 WHERE profile = $1 AND profile_interval IS NULL");
        command.Parameters.Add(new() { Value = profile });
        command.Parameters.Add(new() { Value = interval ?? 0 });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
