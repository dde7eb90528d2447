using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Streams.Replays;

/// <summary>
/// A municipality's uplinks as they came, a partition per day (UTC) of arrival. What is older than <see cref="ReplayOptions.KeepDays"/>, or from a door whose clock is
/// more than a day ahead, is not kept: nothing but those days ever has a partition.
/// </summary>
sealed class UplinkStore(MunicipalDatabases databases, ReplayOptions options, TimeProvider clock)
{
    /// <summary>Characters of an id; what is longer fits into no index.</summary>
    const int LongestId = 300;

    readonly ConcurrentDictionary<(string Municipality, DateTime Day), bool> known = new();

    /// <summary>Since when uplinks are kept.</summary>
    public DateTimeOffset KeptSince => clock.GetUtcNow().AddDays(-options.KeepDays);

    /// <summary>Keeps uplinks; those that are kept already change nothing.</summary>
    public async Task KeepAsync(string municipality, IEnumerable<Uplink> uplinks, CancellationToken cancellation)
    {
        var (since, until) = (KeptSince, clock.GetUtcNow().AddDays(1));
        var kept = uplinks.Where(uplink => uplink.ReceivedAt >= since && uplink.ReceivedAt < until && IsKeepable(uplink.Id) && IsKeepable(uplink.Device) && IsKeepable(uplink.Profile)).ToList();
        if (kept.Count == 0) return;
        foreach (var day in kept.Select(uplink => uplink.ReceivedAt.UtcDateTime.Date).Distinct())
            if (!known.ContainsKey((municipality, day))) await CreateAsync(municipality, day, cancellation);
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO streams.uplink (id, device, profile, time, received_at, f_port, f_cnt, bytes, data)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
            """);
        Add(NpgsqlDbType.Text, uplink => uplink.Id);
        Add(NpgsqlDbType.Text, uplink => uplink.Device);
        Add(NpgsqlDbType.Text, uplink => uplink.Profile);
        Add(NpgsqlDbType.TimestampTz, uplink => uplink.Time.UtcDateTime);
        Add(NpgsqlDbType.TimestampTz, uplink => uplink.ReceivedAt.UtcDateTime);
        Add(NpgsqlDbType.Integer, uplink => uplink.FPort);
        Add(NpgsqlDbType.Bigint, uplink => uplink.FCnt);
        Add(NpgsqlDbType.Bytea, uplink => uplink.Bytes);
        Add(NpgsqlDbType.Text, uplink => uplink.Data?.GetRawText());
        await command.ExecuteNonQueryAsync(cancellation);

        void Add<T>(NpgsqlDbType type, Func<Uplink, T> column) =>
            command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = kept.Select(column).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    static bool IsKeepable(string id) => id.Length <= LongestId && !id.Contains('\0');

    async Task CreateAsync(string municipality, DateTime day, CancellationToken cancellation)
    {
        var name = NameOf(day);
        await using var create = databases.Of(municipality).CreateCommand(string.Create(CultureInfo.InvariantCulture, $"""
            DO $$ BEGIN
              IF to_regclass('streams.{name}') IS NULL THEN
                PERFORM pg_advisory_xact_lock(hashtext('uplink partition'));
                CREATE TABLE IF NOT EXISTS streams.{name} PARTITION OF streams.uplink FOR VALUES FROM ('{day:yyyy-MM-dd}T00:00:00Z') TO ('{day.AddDays(1):yyyy-MM-dd}T00:00:00Z');
              END IF;
            END $$
            """));
        await create.ExecuteNonQueryAsync(cancellation);
        known[(municipality, day)] = true;
    }

    static string NameOf(DateTime day) => string.Create(CultureInfo.InvariantCulture, $"uplink_{day:yyyy_MM_dd}");

    /// <summary>Drops the days that are kept no longer; a day that somebody reads for longer than half a second goes in the next round.</summary>
    public async Task TrimAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var days = new List<string>();
        await using (var list = new NpgsqlCommand("""
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'streams.uplink'::regclass AND c.relname COLLATE "C" < $1 ORDER BY 1
            """, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = NameOf(KeptSince.UtcDateTime.Date) } } })
        await using (var reader = await list.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) days.Add(reader.GetString(0));
        foreach (var day in days)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await using var drop = new NpgsqlCommand($"SET LOCAL lock_timeout = '500ms'; DROP TABLE IF EXISTS streams.{day}", connection);
            await drop.ExecuteNonQueryAsync(cancellation);
            await transaction.CommitAsync(cancellation);
        }
        foreach (var gone in known.Keys.Where(key => key.Municipality == municipality && key.Day < KeptSince.UtcDateTime.Date)) known.TryRemove(gone, out _);
    }

    /// <summary>The profile of the device's newest uplink: the one that Ingestion has it under since then. Null if no uplink of it is kept.</summary>
    public async Task<string?> ProfileOfAsync(string municipality, string device, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT profile FROM streams.uplink WHERE device = $1 ORDER BY received_at DESC, id DESC LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = device });
        return (string?)await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>How many uplinks a replay is about.</summary>
    public async Task<long> CountAsync(string municipality, ReplayedUplinks which, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT count(*) FROM streams.uplink WHERE {which.Column} = $1 AND received_at >= $2 AND received_at < $3");
        AddRange(command.Parameters, which, which.From);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The next uplinks of a replay, in order of arrival and id.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="which">The replay's.</param>
    /// <param name="place">Arrival and id of the last one that was taken.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<Uplink>> ReadAsync(string municipality, ReplayedUplinks which, (DateTime Time, string Id) place, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT id, device, profile, time, received_at, f_port, f_cnt, bytes, data FROM streams.uplink
            WHERE {which.Column} = $1 AND received_at >= $2 AND received_at < $3 AND (received_at, id) > ($2, $4)
            ORDER BY received_at, id LIMIT $5
            """);
        AddRange(command.Parameters, which, place.Time);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = place.Id });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var uplinks = new List<Uplink>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            uplinks.Add(new Uplink(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetDateTime(3), reader.GetDateTime(4), reader.GetInt32(5),
                reader.IsDBNull(6) ? null : reader.GetInt64(6), reader.IsDBNull(7) ? null : reader.GetFieldValue<byte[]>(7), reader.IsDBNull(8) ? null : Parse(reader.GetString(8))));
        }
        return uplinks;
    }

    static void AddRange(NpgsqlParameterCollection parameters, ReplayedUplinks which, DateTime from)
    {
        parameters.Add(new NpgsqlParameter<string> { TypedValue = which.Value });
        parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = from });
        parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = which.To });
    }

    static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}

/// <summary>Which uplinks a replay is about: a device's, else those that were sent with a profile.</summary>
readonly record struct ReplayedUplinks(string? Device, string Profile, DateTime From, DateTime To)
{
    public string Column => Device is null ? "profile" : "device";
    public string Value => Device ?? Profile;
}
