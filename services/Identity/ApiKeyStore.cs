using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Security;
using Npgsql;

namespace Allmende.Identity;

/// <summary>The API keys of municipalities. A key is shown once, when it is made; only its hash is kept.</summary>
sealed class ApiKeyStore(MunicipalDatabases databases) : IApiKeyVerifier
{
    /// <summary>Name of the key that onboarding makes.</summary>
    const string DeviceKeyName = "devices";

    /// <summary>Name of the other key that onboarding makes, for the people who connect devices.</summary>
    const string ConnectKeyName = "connecting devices";

    /// <summary>What keys can be made for.</summary>
    public static IReadOnlyList<string> Scopes { get; } = [Roles.WriteUplinks, Roles.WriteObservations, Roles.ManageDevices];

    readonly NpgsqlDataSource registry = databases.Installation;

    /// <summary>Makes a key. The first part of the answer is the key itself.</summary>
    public async Task<(string Key, ApiKeyInfo Info)> CreateAsync(string municipality, string name, string[] scopes, ClaimsPrincipal actor, CancellationToken cancel)
    {
        var key = ApiKey.Create(ApiKey.MunicipalityPrefix);
        var info = new ApiKeyInfo(Guid.CreateVersion7().ToString("N"), name, scopes, DateTimeOffset.UtcNow, actor.Name(), null);
        await using var batch = registry.CreateBatch();
        batch.BatchCommands.Add(Insert(municipality, ApiKey.Hash(key), info));
        batch.BatchCommands.Add(AuditTrail.Entry(municipality, actor, "api-key.created", info.Id));
        await batch.ExecuteNonQueryAsync(cancel);
        return (key, info);
    }

    /// <summary>
    /// The keys for the municipality's devices and for who connects them, made during onboarding. An onboarding that is repeated makes others
    /// in their place, since nobody was shown the first.
    /// </summary>
    public async Task<(string DeviceKey, string ConnectKey)> CreateFirstKeysAsync(string municipality, ClaimsPrincipal actor, CancellationToken cancel)
    {
        var (deviceKey, connectKey) = (ApiKey.Create(ApiKey.MunicipalityPrefix), ApiKey.Create(ApiKey.MunicipalityPrefix));
        await using var batch = registry.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("DELETE FROM identity.api_key WHERE municipality = $1") { Parameters = { new() { Value = municipality } } });
        foreach (var (key, name, scope) in new[] { (deviceKey, DeviceKeyName, Roles.WriteUplinks), (connectKey, ConnectKeyName, Roles.ManageDevices) })
            batch.BatchCommands.Add(Insert(municipality, ApiKey.Hash(key), new ApiKeyInfo(Guid.CreateVersion7().ToString("N"), name, [scope], DateTimeOffset.UtcNow, actor.Name(), null)));
        await batch.ExecuteNonQueryAsync(cancel);
        return (deviceKey, connectKey);
    }

    /// <summary>Keys that are not revoked, the newest first.</summary>
    public async Task<IReadOnlyList<ApiKeyInfo>> ListAsync(string municipality, CancellationToken cancel)
    {
        await using var command = registry.CreateCommand(
            "SELECT id, name, scopes, created_at, created_by, last_used_on FROM identity.api_key WHERE municipality = $1 AND revoked_at IS NULL ORDER BY id DESC");
        command.Parameters.Add(new() { Value = municipality });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var keys = new List<ApiKeyInfo>();
        while (await reader.ReadAsync(cancel))
            keys.Add(new(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<string[]>(2), reader.GetFieldValue<DateTimeOffset>(3), reader.GetString(4),
                await reader.IsDBNullAsync(5, cancel) ? null : reader.GetFieldValue<DateOnly>(5)));
        return keys;
    }

    /// <summary>Revokes a key, from now on for good. Its hash, also if it was revoked before; null where there is none.</summary>
    public async Task<string?> RevokeAsync(string municipality, string id, ClaimsPrincipal actor, CancellationToken cancel)
    {
        await using var connection = await registry.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var revoke = new NpgsqlCommand(
            """
            WITH before AS (SELECT id, hash, revoked_at FROM identity.api_key WHERE municipality = $1 AND id = $2 FOR UPDATE)
            UPDATE identity.api_key SET revoked_at = coalesce(before.revoked_at, now()) FROM before WHERE api_key.id = before.id
            RETURNING before.hash, before.revoked_at IS NULL
            """, connection, transaction)
        { Parameters = { new() { Value = municipality }, new() { Value = id } } };
        string hash;
        bool first;
        await using (var reader = await revoke.ExecuteReaderAsync(cancel))
        {
            if (!await reader.ReadAsync(cancel)) return null;
            (hash, first) = (reader.GetString(0), reader.GetBoolean(1));
        }
        if (first)
        {
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(AuditTrail.Entry(municipality, actor, "api-key.revoked", id));
            await batch.ExecuteNonQueryAsync(cancel);
        }
        await transaction.CommitAsync(cancel);
        return hash;
    }

    /// <summary>The holder of the key with this hash; null when it is unknown or revoked. Notes the day of its use.</summary>
    public async Task<ApiKeyHolder?> FindAsync(string hash, CancellationToken cancel)
    {
        await using var command = registry.CreateCommand(
            """
            WITH used AS (UPDATE identity.api_key SET last_used_on = current_date
                          WHERE hash = $1 AND revoked_at IS NULL AND last_used_on IS DISTINCT FROM current_date)
            SELECT k.id, k.municipality, k.scopes FROM identity.api_key k JOIN identity.municipality m ON m.id = k.municipality
            WHERE k.hash = $1 AND k.revoked_at IS NULL AND m.state = 'ready'
            """);
        command.Parameters.Add(new() { Value = hash });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? new(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<string[]>(2)) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<ApiKeyHolder?> VerifyAsync(string? municipality, string key, CancellationToken cancel) =>
        ApiKey.Fits(key, ApiKey.MunicipalityPrefix) ? await FindAsync(ApiKey.Hash(key), cancel) : null;

    static NpgsqlBatchCommand Insert(string municipality, string hash, ApiKeyInfo info) => new(
        "INSERT INTO identity.api_key (id, municipality, name, scopes, hash, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
    {
        Parameters =
        {
            new() { Value = info.Id },
            new() { Value = municipality },
            new() { Value = info.Name },
            new() { Value = info.Scopes },
            new() { Value = hash },
            new() { Value = info.CreatedAt },
            new() { Value = info.CreatedBy },
        },
    };
}

/// <summary>What may be said of an API key.</summary>
/// <param name="Id">Its id; not secret.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="CreatedBy">By which client.</param>
/// <param name="LastUsedOn">The last day it was used; null when never.</param>
public sealed record ApiKeyInfo(string Id, string Name, string[] Scopes, DateTimeOffset CreatedAt, string CreatedBy, DateOnly? LastUsedOn);
