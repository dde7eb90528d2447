using System.Runtime.CompilerServices;
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

    const string Troubled = "(d.state IN ('silent', 'faulty') OR EXISTS (SELECT FROM device_condition c WHERE c.device = d.id AND c.until IS NULL))";

    const string OfState = "($9::text IS NULL OR d.state = $9)";

    const string OfCondition = $"""
        ($10::text IS NULL OR CASE $10 WHEN '{DeviceFilter.AnyCondition}' THEN {Troubled}
          ELSE EXISTS (SELECT FROM device_condition c WHERE c.device = d.id AND c.until IS NULL AND c.kind = $10) END)
        """;

    /// <summary>What a filter asks besides state and condition; for the parameters of <see cref="AddFilter"/>.</summary>
    const string Matches = """
        ($1::text IS NULL OR d.profile = $1)
          AND ($2::text IS NULL OR concat_ws(' ', d.id, d.name, d.dev_eui, d.profile, d.dataset, d.description, d.device_group, d.department) ILIKE $2 OR $3 = ANY (d.tags))
          AND ($4::text[] = '{}' OR d.tags @> $4) AND ($5::text IS NULL OR d.device_group = $5) AND ($6::text IS NULL OR d.department = $6)
          AND ($7::timestamptz IS NULL OR s.at IS NULL OR s.at < $7)
          AND ($8::float8[] IS NULL OR ((d.location->'coordinates'->>1)::float8 BETWEEN ($8)[2] AND ($8)[4]
            AND CASE WHEN ($8)[1] <= ($8)[3] THEN (d.location->'coordinates'->>0)::float8 BETWEEN ($8)[1] AND ($8)[3]
              ELSE (d.location->'coordinates'->>0)::float8 >= ($8)[1] OR (d.location->'coordinates'->>0)::float8 <= ($8)[3] END))
        """;

    /// <summary>A page of devices.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="filter">Which, in which order.</param>
    /// <param name="limit">Most devices.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<RegisteredDevice>> ListAsync(string municipality, DeviceFilter filter, int limit, CancellationToken cancellation)
    {
        var (direction, beyond) = filter.Descending ? ("DESC", "<") : ("ASC", ">");
        // A device that was never heard of is the most silent.
        var key = filter.Order switch { DeviceOrder.Name => "d.name COLLATE in_order", DeviceOrder.LastSeen => "coalesce(s.at, '-infinity')", _ => null };
        var place = filter.Order switch { DeviceOrder.Name => "($13, $12)", DeviceOrder.LastSeen => "($14, $12)", _ => "($12)" };
        await using var command = databases.Of(municipality).CreateCommand($"""
            {Registers}
            WHERE {Matches} AND {OfState} AND {OfCondition}
              {(filter.After is null ? "" : $"AND ({(key is null ? "" : key + ", ")}d.id) {beyond} {place}")}
            ORDER BY {(key is null ? "" : $"{key} {direction}, ")}d.id {direction} LIMIT $11
            """);
        AddFilter(command, filter);
        command.Parameters.Add(new() { Value = limit });
        command.Parameters.Add(Text(filter.After?.Id));
        command.Parameters.Add(Text(filter.Order == DeviceOrder.Name ? filter.After?.Key : null));
        command.Parameters.Add(Time(filter.Order == DeviceOrder.LastSeen && filter.After?.Key is { } time && DevicePlace.TryReadTime(time, out var at) ? DateTime.SpecifyKind(at, DateTimeKind.Utc) : null));
        return await ReadAsync(command, Registered, cancellation);
    }

    /// <summary>How many devices a filter finds, by state and condition, and by what all devices could be told apart.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="filter">Which. States are counted whatever state it asks for, conditions whatever condition.</param>
    /// <param name="most">Most values of each kind, the most frequent first.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<DeviceCount>> CountAsync(string municipality, DeviceFilter filter, int most, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            WITH found AS MATERIALIZED (
              SELECT d.id, d.state, {Troubled} AS troubled, {OfState} AS of_state, {OfCondition} AS of_condition
              FROM device d LEFT JOIN last_seen s ON s.device = d.id WHERE {Matches})
            SELECT '{DeviceCount.Total}', '', count(*) FROM found WHERE of_state AND of_condition
            UNION ALL SELECT '{DeviceCount.State}', state, count(*) FROM found WHERE of_condition GROUP BY state
            UNION ALL SELECT '{DeviceCount.Condition}', '{DeviceFilter.AnyCondition}', count(*) FROM found WHERE of_state AND troubled
            UNION ALL SELECT '{DeviceCount.Condition}', c.kind, count(*) FROM found JOIN device_condition c ON c.device = found.id AND c.until IS NULL WHERE of_state GROUP BY c.kind
            UNION ALL (SELECT '{DeviceCount.Profile}', profile, count(*) FROM device GROUP BY profile ORDER BY 3 DESC, 2 LIMIT $11)
            UNION ALL (SELECT '{DeviceCount.Group}', device_group, count(*) FROM device WHERE device_group IS NOT NULL GROUP BY device_group ORDER BY 3 DESC, 2 LIMIT $11)
            UNION ALL (SELECT '{DeviceCount.Department}', department, count(*) FROM device WHERE department IS NOT NULL GROUP BY department ORDER BY 3 DESC, 2 LIMIT $11)
            UNION ALL (SELECT '{DeviceCount.Tag}', tag, count(*) FROM device, unnest(tags) AS tag GROUP BY tag ORDER BY 3 DESC, 2 LIMIT $11)
            """);
        AddFilter(command, filter);
        command.Parameters.Add(new() { Value = most });
        return await ReadAsync(command, row => new DeviceCount(row.GetString(0), row.GetString(1), row.GetInt64(2)), cancellation);
    }

    /// <summary>Where the devices are that a filter finds, one by one as they are read; those without a place are left out.</summary>
    public async IAsyncEnumerable<PlacedDevice> PlacesAsync(string municipality, DeviceFilter filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"""
            SELECT d.id, d.name, d.state, d.location, (SELECT array_agg(c.kind ORDER BY c.kind) FROM device_condition c WHERE c.device = d.id AND c.until IS NULL)
            FROM device d LEFT JOIN last_seen s ON s.device = d.id
            WHERE d.location IS NOT NULL AND {Matches} AND {OfState} AND {OfCondition} ORDER BY d.id
            """);
        AddFilter(command, filter);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            yield return new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), Value<string[]>(reader, 4) ?? []);
    }

    static void AddFilter(NpgsqlCommand command, DeviceFilter filter)
    {
        command.Parameters.Add(Text(filter.Profile));
        command.Parameters.Add(Text(filter.Search is { } part ? $"%{part.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%" : null));
        command.Parameters.Add(Text(filter.Search));
        command.Parameters.Add(new() { Value = filter.Tags });
        command.Parameters.Add(Text(filter.Group));
        command.Parameters.Add(Text(filter.Department));
        command.Parameters.Add(Time(filter.SilentSince));
        command.Parameters.Add(new() { Value = (object?)filter.Bbox ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Double });
        command.Parameters.Add(Text(filter.State));
        command.Parameters.Add(Text(filter.Condition));
    }

    static RegisteredDevice Registered(NpgsqlDataReader row) => new(
        Described(row), row.GetDateTime(14), row.GetDateTime(15),
        row.IsDBNull(16) ? null : new LastSeen(row.GetDateTime(16), Value<long?>(row, 17), Value<double?>(row, 18), Value<double?>(row, 19),
            Value<int?>(row, 23), Value<int?>(row, 24), Value<long?>(row, 25), Value<double?>(row, 26)),
        row.GetBoolean(20), row.GetString(21), row.GetDateTime(22),
        Value<string>(row, 27) is { } conditions ? JsonSerializer.Deserialize<List<OpenCondition>>(conditions, JsonSerializerOptions.Web)! : [],
        row.GetFieldValue<string[]>(28));
}

/// <summary>A number of devices.</summary>
/// <param name="By">One of the names here.</param>
/// <param name="Value">Of those with this state, condition, profile, group, department or tag.</param>
/// <param name="Devices">How many.</param>
readonly record struct DeviceCount(string By, string Value, long Devices)
{
    public const string Total = "total", State = "state", Condition = "condition", Profile = "profile", Group = "group", Department = "department", Tag = "tag";
}

/// <summary>A device on the map.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">Its state.</param>
/// <param name="Location">GeoJSON Point.</param>
/// <param name="Conditions">Kinds of what is wrong with it now.</param>
readonly record struct PlacedDevice(string Id, string Name, string State, string Location, string[] Conditions);
