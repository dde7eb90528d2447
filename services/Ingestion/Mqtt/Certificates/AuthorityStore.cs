using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary>The certificate authorities of each municipality's devices.</summary>
sealed class AuthorityStore(MunicipalDatabases databases)
{
    /// <summary>All, in the order of their ids.</summary>
    public async Task<List<DeviceAuthority>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, name, speaks_for, certificate, changed_at FROM device_certificate_authority ORDER BY id");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var authorities = new List<DeviceAuthority>();
        while (await reader.ReadAsync(cancellation))
            if (CertificateRules.Load(reader.GetFieldValue<byte[]>(3)) is { } certificate)
                authorities.Add(new(reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetString(2), certificate, reader.GetDateTime(4)));
        return authorities;
    }

    /// <summary>Keeps one. True if it is new, false if it was there; null if there are <paramref name="most"/> already.</summary>
    public async Task<bool?> PutAsync(string municipality, string id, string? name, string speaksFor, byte[] certificate, int most, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('device_certificate_authorities'))", connection)) await alone.ExecuteNonQueryAsync(cancellation);
        await using var command = new NpgsqlCommand("""
            INSERT INTO device_certificate_authority (id, name, speaks_for, certificate) SELECT $1, $2, $3, $4
            WHERE EXISTS (SELECT FROM device_certificate_authority WHERE id = $1) OR (SELECT count(*) FROM device_certificate_authority) < $5
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, speaks_for = excluded.speaks_for, certificate = excluded.certificate, changed_at = now()
            RETURNING xmax = 0
            """, connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = (object?)name ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = speaksFor });
        command.Parameters.Add(new() { Value = certificate });
        command.Parameters.Add(new() { Value = most });
        var isNew = await command.ExecuteScalarAsync(cancellation) as bool?;
        await transaction.CommitAsync(cancellation);
        return isNew;
    }

    /// <summary>Removes one; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM device_certificate_authority WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
