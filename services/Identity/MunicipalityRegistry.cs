using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;

namespace Allmende.Identity;

/// <summary>The installation's municipalities and how far each one's onboarding has come.</summary>
sealed class MunicipalityRegistry(MunicipalDatabases databases)
{
    readonly NpgsqlDataSource registry = databases.Installation;

    /// <summary>
    /// Makes sure that one call at a time onboards <paramref name="id"/>, over all instances; null when another one does.
    /// The lock ends with the connection, so a killed process leaves none behind.
    /// </summary>
    public async Task<IAsyncDisposable?> TryLockAsync(string id, CancellationToken cancel)
    {
        var connection = await registry.OpenConnectionAsync(cancel);
        var taken = false;
        try
        {
            await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock(hashtextextended('onboard ' || $1, 0))", connection) { Parameters = { new() { Value = id } } };
            taken = (bool)(await command.ExecuteScalarAsync(cancel))!;
            return taken ? new OnboardingLock(connection) : null;
        }
        finally
        {
            if (!taken) await connection.DisposeAsync();
        }
    }

    /// <summary>The state of <paramref name="id"/>, or null where it is free.</summary>
    public async Task<OnboardingState?> StateAsync(string id, CancellationToken cancel)
    {
        await using var command = registry.CreateCommand("SELECT state FROM identity.municipality WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteScalarAsync(cancel) is string state ? Enum.Parse<OnboardingState>(state, ignoreCase: true) : null;
    }

    /// <summary>True once it is open.</summary>
    public async Task<bool> IsReadyAsync(string id, CancellationToken cancel) => await StateAsync(id, cancel) == OnboardingState.Ready;

    /// <summary>Notes that onboarding has begun, or begins anew with other details.</summary>
    public Task BeginAsync(Municipality municipality, CancellationToken cancel) => ExecuteAsync(
        """
        INSERT INTO identity.municipality (id, state, details) VALUES ($1, 'preparing', $2::jsonb)
        ON CONFLICT (id) DO UPDATE SET details = excluded.details, state = 'preparing' WHERE municipality.state <> 'ready'
        """, cancel, municipality.Id, JsonSerializer.Serialize(municipality, ContractsJson.Default.Municipality));

    /// <summary>From now on the services are told of it.</summary>
    public Task AnnounceAsync(string id, CancellationToken cancel) =>
        ExecuteAsync("UPDATE identity.municipality SET state = 'announced' WHERE id = $1", cancel, id);

    /// <summary>It is open. Written together with the audit of it.</summary>
    public async Task OpenAsync(string id, NpgsqlBatchCommand audit, CancellationToken cancel)
    {
        await using var batch = registry.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE identity.municipality SET state = 'ready', ready_at = now() WHERE id = $1") { Parameters = { new() { Value = id } } });
        batch.BatchCommands.Add(audit);
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Those in one of <paramref name="states"/>, by id.</summary>
    public async Task<Municipality[]> ListAsync(OnboardingState[] states, CancellationToken cancel)
    {
        await using var command = registry.CreateCommand("SELECT details FROM identity.municipality WHERE state = ANY($1) ORDER BY id");
        command.Parameters.Add(new() { Value = states.Select(state => state.ToString().ToLowerInvariant()).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var found = new List<Municipality>();
        while (await reader.ReadAsync(cancel)) found.Add(JsonSerializer.Deserialize(reader.GetString(0), ContractsJson.Default.Municipality)!);
        return [.. found];
    }

    async Task ExecuteAsync(string sql, CancellationToken cancel, params string[] values)
    {
        await using var command = registry.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(cancel);
    }
}

/// <summary>An advisory lock and the connection that holds it.</summary>
sealed class OnboardingLock(NpgsqlConnection connection) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await using (connection)
        {
            // Back in the pool, the connection lives on, and so would the lock.
            await using var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            try
            {
                await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (Exception fault) when (fault is NpgsqlException or InvalidOperationException)
            {
                // The connection broke, and the lock went with it.
            }
        }
    }
}

/// <summary>How far an onboarding has come.</summary>
enum OnboardingState
{
    /// <summary>Database and clients are being made.</summary>
    Preparing,
    /// <summary>The services may take it in.</summary>
    Announced,
    /// <summary>It is open.</summary>
    Ready,
}
