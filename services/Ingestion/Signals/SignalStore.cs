using System.Text.Json;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Signals;

/// <summary>The newest signal of each kind of each device.</summary>
sealed class SignalStore(MunicipalDatabases databases)
{
    /// <summary>Keeps signals, at most one of a kind and device; older news than is known changes nothing, and devices that are gone are passed over.</summary>
    public async Task KeepAsync(string municipality, IReadOnlyCollection<DeviceSignal> signals, CancellationToken cancellation)
    {
        if (signals.Count == 0) return;
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO device_signal AS known (device, kind, at, battery_level, external_power, margin, level, text, downlink, location)
            SELECT n.device, n.kind, n.at, n.battery_level, n.external_power, n.margin, n.level, n.text, n.downlink, n.location::jsonb
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS n (device, kind, at, battery_level, external_power, margin, level, text, downlink, location)
              JOIN device d ON d.id = n.device
            ON CONFLICT (device, kind) DO UPDATE SET at = excluded.at, battery_level = excluded.battery_level, external_power = excluded.external_power,
              margin = excluded.margin, level = excluded.level, text = excluded.text, downlink = excluded.downlink, location = excluded.location
            WHERE excluded.at > known.at
            """);
        void Add(object values, NpgsqlDbType type) => command.Parameters.Add(new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type });
        Add(signals.Select(one => one.Device).ToArray(), NpgsqlDbType.Text);
        Add(signals.Select(one => NameOf(one.Kind)).ToArray(), NpgsqlDbType.Text);
        Add(signals.Select(one => one.At.UtcDateTime).ToArray(), NpgsqlDbType.TimestampTz);
        Add(signals.Select(one => one.BatteryLevel).ToArray(), NpgsqlDbType.Double);
        Add(signals.Select(one => one.ExternalPower).ToArray(), NpgsqlDbType.Boolean);
        Add(signals.Select(one => one.Margin).ToArray(), NpgsqlDbType.Double);
        Add(signals.Select(one => one.Level).ToArray(), NpgsqlDbType.Text);
        Add(signals.Select(one => one.Text).ToArray(), NpgsqlDbType.Text);
        Add(signals.Select(one => one.Downlink).ToArray(), NpgsqlDbType.Text);
        Add(signals.Select(one => one.Location is { } place ? JsonSerializer.Serialize(new PointAnswer(place), SignalJson.Default.PointAnswer) : null).ToArray(), NpgsqlDbType.Text);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>A device's signals, the newest first; null if there is no such device.</summary>
    public async Task<List<SignalAnswer>?> ListAsync(string municipality, string device, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT s.kind, s.at, s.battery_level, s.external_power, s.margin, s.level, s.text, s.downlink, s.location
            FROM device d LEFT JOIN device_signal s ON s.device = d.id WHERE d.id = $1 ORDER BY s.at DESC, s.kind
            """);
        command.Parameters.Add(new() { Value = device });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<SignalAnswer>? signals = null;
        while (await reader.ReadAsync(cancellation))
        {
            signals ??= [];
            if (reader.IsDBNull(0)) continue;
            signals.Add(new(reader.GetString(0), reader.GetDateTime(1), Value<double?>(reader, 2), Value<bool?>(reader, 3), Value<double?>(reader, 4), Value<string>(reader, 5),
                Value<string>(reader, 6), Value<string>(reader, 7), Value<string>(reader, 8) is { } place ? JsonElement.Parse(place) : null));
        }
        return signals;
    }

    /// <summary>snake_case, as the API has it.</summary>
    static string NameOf(SignalKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    static T? Value<T>(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<T>(column);
}
