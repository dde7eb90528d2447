using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Devices;

/// <summary>What was done to a device.</summary>
/// <param name="Id">Its number.</param>
/// <param name="At">When.</param>
/// <param name="Kind">One of <see cref="MaintenanceKind"/>.</param>
/// <param name="Text">In people's words.</param>
/// <param name="By">The client that wrote it.</param>
public sealed record MaintenanceEntry(long Id, DateTime At, string Kind, string? Text, string By);

/// <summary>Kinds of maintenance.</summary>
static class MaintenanceKind
{
    /// <summary>Written by the platform, when another device takes its place.</summary>
    public const string Replaced = "replaced";

    /// <summary>What people write.</summary>
    public static IReadOnlyList<string> OfPeople { get; } = ["installed", "battery-changed", "cleaned", "repaired", "moved", "other"];
}

/// <summary>The maintenance logs of a municipality's devices; nothing in them is changed.</summary>
sealed class MaintenanceStore(MunicipalDatabases databases)
{
    /// <summary>Adds an entry; null if there is no such device.</summary>
    public async Task<MaintenanceEntry?> AddAsync(string municipality, string id, DateTime at, string kind, string? text, string by, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand(
            "INSERT INTO device_maintenance (device, at, kind, text, by) SELECT id, $2, $3, $4, $5 FROM device WHERE id = $1 RETURNING id, at, kind, text, by");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = at });
        command.Parameters.Add(new() { Value = kind });
        command.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = by });
        return (await ReadAsync(command, cancellation)).SingleOrDefault();
    }

    /// <summary>A page of entries, the newest first; null if there is no such device.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="id">The device.</param>
    /// <param name="after">The last of the page before.</param>
    /// <param name="limit">Most entries.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<List<MaintenanceEntry>?> ListAsync(string municipality, string id, (DateTime At, long Id)? after, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT id, at, kind, text, by FROM device_maintenance
            WHERE device = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3)) ORDER BY at DESC, id DESC LIMIT $4
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = (object?)after?.At ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = after?.Id ?? 0L });
        command.Parameters.Add(new() { Value = limit });
        var entries = await ReadAsync(command, cancellation);
        if (entries.Count > 0) return entries;
        await using var exists = databases.Of(municipality).CreateCommand("SELECT EXISTS (SELECT FROM device WHERE id = $1)");
        exists.Parameters.Add(new() { Value = id });
        return await exists.ExecuteScalarAsync(cancellation) is true ? entries : null;
    }

    static async Task<List<MaintenanceEntry>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var entries = new List<MaintenanceEntry>();
        while (await reader.ReadAsync(cancellation))
            entries.Add(new(reader.GetInt64(0), reader.GetDateTime(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3), reader.GetString(4)));
        return entries;
    }
}
