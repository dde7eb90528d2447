using System.Collections.Concurrent;
using System.Globalization;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>
/// A partition of <c>observation_row</c> per month, made when the first observation of that month comes. Times before 2000 or more than a month ahead stay in the
/// default partition: a device with a wrong clock must not make tables.
/// </summary>
public sealed class MonthlyPartitions(MunicipalDatabases databases)
{
    readonly ConcurrentDictionary<(string Municipality, int Month), bool> known = new();

    /// <summary>Makes the partitions for these times.</summary>
    public async ValueTask EnsureAsync(string municipality, ReadOnlyMemory<DateTime> times, CancellationToken cancellation)
    {
        var seen = -1;
        for (var i = 0; i < times.Length; i++)
        {
            var month = MonthOf(times.Span[i]);
            if (month == seen) continue;
            seen = month;
            if (!known.ContainsKey((municipality, month)))
            {
                if (IsPlausible(times.Span[i])) await CreateAsync(municipality, times.Span[i], cancellation);
                known[(municipality, month)] = true;
            }
        }
    }

    static int MonthOf(DateTime time) => time.Year * 12 + time.Month;

    static bool IsPlausible(DateTime time) => time.Year >= 2000 && time < DateTime.UtcNow.AddDays(31);

    async Task CreateAsync(string municipality, DateTime time, CancellationToken cancellation)
    {
        var from = new DateTime(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc);
        var name = string.Create(CultureInfo.InvariantCulture, $"observation_{from:yyyy_MM}");
        var source = databases.Of(municipality);
        await using (var exists = source.CreateCommand("SELECT to_regclass($1) IS NOT NULL"))
        {
            exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "observations." + name });
            if (await exists.ExecuteScalarAsync(cancellation) is true) return;
        }
        // What strayed into the default partition (it came when the month was still far ahead) moves over in the same transaction.
        var bounds = string.Create(CultureInfo.InvariantCulture, $"'{from:yyyy-MM-dd}T00:00:00Z'");
        var end = string.Create(CultureInfo.InvariantCulture, $"'{from.AddMonths(1):yyyy-MM-dd}T00:00:00Z'");
        await using var create = source.CreateCommand($"""
            DO $$ BEGIN
              PERFORM pg_advisory_xact_lock(hashtext('observation partition'));
              IF to_regclass('observations.{name}') IS NULL THEN
                CREATE TABLE {name} (LIKE observation_row INCLUDING ALL);
                WITH strayed AS (DELETE FROM observation_other WHERE time >= {bounds} AND time < {end} RETURNING *)
                INSERT INTO {name} SELECT * FROM strayed;
                ALTER TABLE observation_row ATTACH PARTITION {name} FOR VALUES FROM ({bounds}) TO ({end});
              END IF;
            END $$
            """);
        await create.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Writes the Datastreams of months that were over <paramref name="before"/> into <c>pack_due</c>: each month once, later rows write themselves there.</summary>
    public async Task NoteEndedAsync(string municipality, DateTime before, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        foreach (var (name, month) in await ListAsync(connection, cancellation))
        {
            if (month.AddMonths(1) > before) continue;
            await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"""
                WITH noted AS (INSERT INTO packed_month VALUES ('{month:yyyy-MM-dd}') ON CONFLICT DO NOTHING RETURNING month)
                INSERT INTO pack_due (datastream, month)
                SELECT l.datastream, n.month FROM noted n CROSS JOIN latest l WHERE EXISTS (SELECT 1 FROM {name} o WHERE o.datastream = l.datastream)
                ON CONFLICT DO NOTHING
                """), cancellation);
        }
    }

    /// <summary>
    /// Gives back what packing emptied: a partition without rows is dropped; one with a few rows that cannot be packed is written anew without the holes. Who
    /// reads meanwhile is not waited for longer than half a second; then it is tried in the next round.
    /// </summary>
    public async Task GiveBackAsync(string municipality, DateTime before, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, "SET lock_timeout = '500ms'", cancellation);
        try
        {
            foreach (var (name, month) in await ListAsync(connection, cancellation))
                if (month.AddMonths(1) <= before && !await TryGiveBackAsync(municipality, connection, name, month, cancellation)) return;
        }
        finally
        {
            await ExecuteAsync(connection, "RESET lock_timeout", CancellationToken.None);
        }
    }

    /// <returns>False if somebody reads for longer: whoever comes after him would wait for us, so the round ends.</returns>
    async Task<bool> TryGiveBackAsync(string municipality, NpgsqlConnection connection, string name, DateTime month, CancellationToken cancellation)
    {
        try
        {
            var rows = (long)(await ScalarAsync(connection, $"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {MostRowsToRewrite + 1}) r", cancellation))!;
            if (rows == 0)
            {
                // The lock is on all months, so it is held for the drop alone; a row that came since the count keeps its partition.
                await ExecuteAsync(connection, $"""
                    DO $$ BEGIN
                      LOCK TABLE ONLY observation_row IN ACCESS EXCLUSIVE MODE;
                      IF NOT EXISTS (SELECT 1 FROM {name}) THEN DROP TABLE {name}; END IF;
                    END $$
                    """, cancellation);
                known.TryRemove((municipality, MonthOf(month)), out _);
            }
            else if (rows <= MostRowsToRewrite && (long)(await ScalarAsync(connection, $"SELECT pg_table_size('{name}')", cancellation))! > SmallestHole + rows * 1_000)
            {
                await ExecuteAsync(connection, $"VACUUM (FULL, ANALYZE) {name}", cancellation);
            }
        }
        catch (PostgresException fault) when (fault.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.UndefinedTable)
        {
            // UndefinedTable: another instance was faster.
            return fault.SqlState == PostgresErrorCodes.UndefinedTable;
        }
        return true;
    }

    /// <summary>So many rows are written anew in a fraction of a second, during which nobody reads that month.</summary>
    const int MostRowsToRewrite = 50_000;

    /// <summary>Bytes below which the holes are not worth it.</summary>
    const long SmallestHole = 4 << 20;

    static async Task<List<(string Name, DateTime Month)>> ListAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'observations.observation_row'::regclass AND c.relname ~ '^observation_[0-9]{4}_[0-9]{2}$' ORDER BY c.relname
            """, connection);
        var list = new List<(string, DateTime)>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var name = reader.GetString(0);
            list.Add((name, new DateTime(int.Parse(name.AsSpan(12, 4), CultureInfo.InvariantCulture), int.Parse(name.AsSpan(17, 2), CultureInfo.InvariantCulture), 1, 0, 0, 0, DateTimeKind.Utc)));
        }
        return list;
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellation);
    }
}
