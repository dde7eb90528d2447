using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Devices;

/// <summary>What people read of devices.</summary>
sealed partial class DeviceStore
{
    const string Registers = $"""
        SELECT {Columns}, d.registered_at, d.changed_at, s.at, s.f_cnt, s.rssi, s.snr, p.device IS NOT NULL, d.state, d.state_since,
          s.spreading_factor, s.gateways, CASE WHEN s.f_cnt IS NOT NULL THEN s.lost END, s.battery,
          (SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'since', to_char(c.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'detail', c.detail) ORDER BY c.since, c.kind)
           FROM device_condition c WHERE c.device = d.id AND c.until IS NULL),
          d.previous_dev_euis
        FROM device d LEFT JOIN last_seen s ON s.device = d.id LEFT JOIN device_photo p ON p.device = d.id
        """;

    /// <summary>The device, or null.</summary>
    public async Task<RegisteredDevice?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"{Registers} WHERE d.id = $1");
        command.Parameters.Add(new() { Value = id });
        return (await ReadAsync(command, Registered, cancellation)).SingleOrDefault();
    }

    /// <summary>A page of devices.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="filter">Which, in which order.</param>
    /// <param name="limit">Most devices.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<RegisteredDevice>> ListAsync(string municipality, DeviceFilter filter, int limit, CancellationToken cancellation)
    {
        var (direction, beyond) = filter.Descending ? ("DESC", "<") : ("ASC", ">");
        // A device that was never heard of is the most silent.
        var key = filter.Order switch { DeviceOrder.Name => "d.name COLLATE \"de-x-icu\"", DeviceOrder.LastSeen => "coalesce(s.at, '-infinity')", _ => null };
        var place = filter.Order switch { DeviceOrder.Name => "($11, $10)", DeviceOrder.LastSeen => "($12, $10)", _ => "($10)" };
        await using var command = databases.Of(municipality).CreateCommand($"""
            {Registers}
            WHERE ($1::text IS NULL OR d.profile = $1)
              AND ($2::text IS NULL OR concat_ws(' ', d.id, d.name, d.dev_eui, d.profile, d.dataset, d.description, d.device_group, d.department) ILIKE $2 OR $13 = ANY (d.tags))
              AND ($3::text[] = '{"{}"}' OR d.tags @> $3) AND ($4::text IS NULL OR d.device_group = $4) AND ($5::text IS NULL OR d.department = $5)
              AND ($6::text IS NULL OR d.state = $6)
              AND ($7::timestamptz IS NULL OR s.at IS NULL OR s.at < $7)
              AND ($8::float8[] IS NULL OR ((d.location->'coordinates'->>1)::float8 BETWEEN ($8)[2] AND ($8)[4]
                AND CASE WHEN ($8)[1] <= ($8)[3] THEN (d.location->'coordinates'->>0)::float8 BETWEEN ($8)[1] AND ($8)[3]
                  ELSE (d.location->'coordinates'->>0)::float8 >= ($8)[1] OR (d.location->'coordinates'->>0)::float8 <= ($8)[3] END))
              {(filter.After is null ? "" : $"AND ({(key is null ? "" : key + ", ")}d.id) {beyond} {place}")}
            ORDER BY {(key is null ? "" : $"{key} {direction}, ")}d.id {direction} LIMIT $9
            """);
        AddFilter(command, filter, limit);
        return await ReadAsync(command, Registered, cancellation);
    }

    static void AddFilter(NpgsqlCommand command, DeviceFilter filter, int limit)
    {
        command.Parameters.Add(Text(filter.Profile));
        command.Parameters.Add(Text(filter.Search is { } part ? $"%{part.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%" : null));
        command.Parameters.Add(new() { Value = filter.Tags });
        command.Parameters.Add(Text(filter.Group));
        command.Parameters.Add(Text(filter.Department));
        command.Parameters.Add(Text(filter.State));
        command.Parameters.Add(Time(filter.SilentSince));
        command.Parameters.Add(new() { Value = (object?)filter.Bbox ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Double });
        command.Parameters.Add(new() { Value = limit });
        command.Parameters.Add(Text(filter.After?.Id));
        command.Parameters.Add(Text(filter.Order == DeviceOrder.Name ? filter.After?.Key : null));
        command.Parameters.Add(Time(filter.Order == DeviceOrder.LastSeen && filter.After?.Key is { } time && DevicePlace.TryReadTime(time, out var at) ? DateTime.SpecifyKind(at, DateTimeKind.Utc) : null));
        command.Parameters.Add(Text(filter.Search));
    }

    static RegisteredDevice Registered(NpgsqlDataReader row) => new(
        Described(row), row.GetDateTime(14), row.GetDateTime(15),
        row.IsDBNull(16) ? null : new LastSeen(row.GetDateTime(16), Value<long?>(row, 17), Value<double?>(row, 18), Value<double?>(row, 19),
            Value<int?>(row, 23), Value<int?>(row, 24), Value<long?>(row, 25), Value<double?>(row, 26)),
        row.GetBoolean(20), row.GetString(21), row.GetDateTime(22),
        Value<string>(row, 27) is { } conditions ? JsonSerializer.Deserialize<List<OpenCondition>>(conditions, JsonSerializerOptions.Web)! : [],
        row.GetFieldValue<string[]>(28));
}
