using System.Collections.Concurrent;
using System.Globalization;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Observations.Store;

/// <summary>
/// A partition of <c>observation</c> per month, made when the first observation of that month comes. Times before 2000 or more than a month ahead stay in the
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
                CREATE TABLE {name} (LIKE observation INCLUDING ALL);
                WITH strayed AS (DELETE FROM observation_other WHERE time >= {bounds} AND time < {end} RETURNING *)
                INSERT INTO {name} SELECT * FROM strayed;
                ALTER TABLE observation ATTACH PARTITION {name} FOR VALUES FROM ({bounds}) TO ({end});
              END IF;
            END $$
            """);
        await create.ExecuteNonQueryAsync(cancellation);
    }
}
