using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Events;
using Allmende.Streams.Library;
using Dapper;
using Microsoft.Extensions.Caching.Memory;

namespace Allmende.Streams.Profiles;

/// <summary>A municipality's device profiles, and behind them the library's.</summary>
sealed class ProfileStore(MunicipalDatabases databases, DeviceLibrary library) : IEventHandler, IDisposable
{
    static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);
    readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = 10_000 });

    /// <summary>Another instance changed one: forget ours.</summary>
    public IReadOnlyList<string> Types { get; } = [EventTypes.DeviceProfileChanged];

    public Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        cache.Remove((domainEvent.Municipality, domainEvent.Subject));
        return Task.CompletedTask;
    }

    /// <summary>The profile that counts: the municipality's own, else the library's; null if there is neither.</summary>
    public async ValueTask<DeviceProfile?> FindAsync(string municipality, string id, CancellationToken cancellation) =>
        (await FindReadyAsync(municipality, id, cancellation))?.Profile;

    /// <summary>The same, with its fields ready for mapping.</summary>
    public async ValueTask<ReadyProfile?> FindReadyAsync(string municipality, string id, CancellationToken cancellation)
    {
        if (cache.TryGetValue((municipality, id), out ReadyProfile? known)) return known;
        var profile = await FindNowAsync(municipality, id, cancellation);
        var ready = profile is null ? null : new ReadyProfile(profile);
        cache.Set((municipality, id), ready, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Remembered });
        return ready;
    }

    /// <summary>The profile that counts, as it is at this moment, also where another instance has just changed it.</summary>
    public async Task<DeviceProfile?> FindNowAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var json = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "SELECT profile::text FROM streams.device_profile WHERE id = @id", new { id }, cancellationToken: cancellation));
        return json is null ? library.Profiles.GetValueOrDefault(id) : Parse(json);
    }

    /// <summary>The municipality's own and those of the library that it does not override, by id.</summary>
    public async Task<IReadOnlyList<DeviceProfile>> ListAsync(string municipality, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var own = await connection.QueryAsync<string>(new CommandDefinition("SELECT profile::text FROM streams.device_profile", cancellationToken: cancellation));
        return own.Select(Parse).UnionBy(library.Profiles.Values, profile => profile.Id).OrderBy(profile => profile.Id, StringComparer.Ordinal).ToList();
    }

    /// <summary>Keeps a profile.</summary>
    /// <returns>Whether the municipality had none of this id before.</returns>
    public async Task<bool> PutAsync(string municipality, DeviceProfile profile, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        var created = await connection.ExecuteScalarAsync<bool>(new CommandDefinition("""
            INSERT INTO streams.device_profile (id, profile) VALUES (@Id, @json::jsonb)
            ON CONFLICT (id) DO UPDATE SET profile = excluded.profile, changed_at = now()
            RETURNING xmax = 0
            """, new { profile.Id, json = JsonSerializer.Serialize(profile, ContractsJson.Default.DeviceProfile) }, cancellationToken: cancellation));
        cache.Remove((municipality, profile.Id));
        return created;
    }

    public void Dispose() => cache.Dispose();

    static DeviceProfile Parse(string json) => JsonSerializer.Deserialize(json, ContractsJson.Default.DeviceProfile)!;
}
