namespace Allmende.Ingestion.Devices;

/// <summary>Devices' own certificates.</summary>
sealed partial class DeviceStore
{
    /// <summary>The SHA-256 of the device's certificate and since when it is known by that; null if it has none, or there is no such device.</summary>
    public async Task<(string Hash, DateTime Since)?> FindCertificateAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT certificate_hash, certificate_since FROM device WHERE id = $1 AND certificate_hash IS NOT NULL");
        command.Parameters.Add(new() { Value = id });
        return await ReadAsync(command, row => (row.GetString(0), row.GetDateTime(1)), cancellation) is [var one] ? one : null;
    }

    /// <summary>Gives a device another certificate. <see cref="Stored.IdTaken"/> says that another device has it.</summary>
    public async Task<Stored> PutCertificateAsync(string municipality, string id, string hash, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("UPDATE device SET certificate_hash = $2, certificate_since = now(), changed_at = now() WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = hash });
        return await StoreAsync(command, cancellation);
    }

    /// <summary>Takes a device's certificate from it; false if it has none.</summary>
    public async Task<bool> RemoveCertificateAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            UPDATE device SET certificate_hash = NULL, certificate_since = NULL, changed_at = now() WHERE id = $1 AND certificate_hash IS NOT NULL
            """);
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
