using System.Security.Cryptography;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Ingestion.Devices;

/// <summary>A photo of an installed device.</summary>
/// <param name="Content">JPEG, PNG or WebP.</param>
/// <param name="MediaType">Which of these, as its first bytes say.</param>
/// <param name="ETag">Made from the content.</param>
/// <param name="At">When it was stored.</param>
sealed record DevicePhoto(byte[] Content, string MediaType, string ETag, DateTime At)
{
    /// <summary>What the first bytes say; null for what no browser should be given. What a client calls it does not count.</summary>
    public static string? TypeOf(ReadOnlySpan<byte> content) =>
        content.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : content.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : content.Length >= 12 && content.StartsWith("RIFF"u8) && content[8..12].SequenceEqual("WEBP"u8) ? "image/webp"
        : null;
}

/// <summary>The photos of a municipality's devices.</summary>
sealed class DevicePhotoStore(MunicipalDatabases databases)
{
    /// <summary>Stores or replaces a photo; false if there is no such device.</summary>
    public async Task<bool> PutAsync(string municipality, string id, byte[] content, string mediaType, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO device_photo (device, content, media_type, etag) SELECT id, $2, $3, $4 FROM device WHERE id = $1
            ON CONFLICT (device) DO UPDATE SET content = excluded.content, media_type = excluded.media_type, etag = excluded.etag, at = now()
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = content });
        command.Parameters.Add(new() { Value = mediaType });
        command.Parameters.Add(new() { Value = Convert.ToHexStringLower(SHA256.HashData(content)) });
        try
        {
            return await command.ExecuteNonQueryAsync(cancellation) > 0;
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return false; // removed meanwhile
        }
    }

    /// <summary>The photo, or null.</summary>
    public async Task<DevicePhoto?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT content, media_type, etag, at FROM device_photo WHERE device = $1");
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? new(reader.GetFieldValue<byte[]>(0), reader.GetString(1), reader.GetString(2), reader.GetDateTime(3)) : null;
    }

    /// <summary>Removes it; false if there is none.</summary>
    public async Task<bool> RemoveAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("DELETE FROM device_photo WHERE device = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
