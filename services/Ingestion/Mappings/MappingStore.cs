using System.Text.Json;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Mappings;

/// <summary>The mappings of each municipality.</summary>
sealed class MappingStore(MunicipalDatabases databases)
{
    /// <summary>All, in the order of their ids.</summary>
    public async Task<List<(string Id, UplinkMapping Mapping, DateTime ChangedAt)>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, mapping, changed_at FROM uplink_mapping ORDER BY id");
        return await ReadAsync(command, cancellation);
    }

    /// <summary>One, or null.</summary>
    public async Task<(string Id, UplinkMapping Mapping, DateTime ChangedAt)?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, mapping, changed_at FROM uplink_mapping WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await ReadAsync(command, cancellation) is [var one] ? one : null;
    }

    /// <summary>Keeps one. True if it is new, false if it was there; null if there are <paramref name="most"/> already.</summary>
    public async Task<bool?> PutAsync(string municipality, string id, UplinkMapping mapping, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('uplink_mappings'))", connection)) await alone.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand("""
            INSERT INTO uplink_mapping (id, mapping) SELECT $1, $2 WHERE EXISTS (SELECT FROM uplink_mapping WHERE id = $1) OR (SELECT count(*) FROM uplink_mapping) < $3
            ON CONFLICT (id) DO UPDATE SET mapping = excluded.mapping, changed_at = now()
            RETURNING xmax = 0
            """, connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(mapping, MappingJson.Default.UplinkMapping), NpgsqlDbType = NpgsqlDbType.Json });
        command.Parameters.Add(new() { Value = most });
        var isNew = await command.ExecuteScalarAsync(cancellation) as bool?;
        await transaction.CommitAsync(cancellation);
        return isNew;
    }

    /// <summary>Removes one; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM uplink_mapping WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    static async Task<List<(string, UplinkMapping, DateTime)>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(string, UplinkMapping, DateTime)>();
        while (await reader.ReadAsync(cancellation))
            rows.Add((reader.GetString(0), JsonSerializer.Deserialize(reader.GetString(1), MappingJson.Default.UplinkMapping)!, reader.GetDateTime(2)));
        return rows;
    }
}
