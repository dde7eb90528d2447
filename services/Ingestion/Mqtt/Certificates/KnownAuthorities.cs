using System.Collections.Concurrent;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Certificates;

/// <summary>
/// The authorities as logins ask for them: in memory, read again after some seconds, so that another instance's change is seen by then. While the database is away
/// what is known goes on.
/// </summary>
sealed class KnownAuthorities(AuthorityStore store, IngestionOptions options)
{
    readonly ConcurrentDictionary<string, (IReadOnlyList<DeviceAuthority> Authorities, long At)> known = new(StringComparer.Ordinal);

    /// <summary>The authorities of a municipality that exists.</summary>
    public async ValueTask<IReadOnlyList<DeviceAuthority>> OfAsync(string municipality, CancellationToken cancellation)
    {
        var isKnown = known.TryGetValue(municipality, out var entry);
        if (isKnown && Environment.TickCount64 - entry.At < options.DevicesRefreshedEvery.TotalMilliseconds) return entry.Authorities;
        try
        {
            var authorities = await store.ListAsync(municipality, cancellation);
            known[municipality] = (authorities, Environment.TickCount64);
            return authorities;
        }
        catch (Exception fault) when (isKnown && !cancellation.IsCancellationRequested && Infrastructure.IsAtFault(fault))
        {
            return entry.Authorities;
        }
    }

    /// <summary>They were changed here.</summary>
    public void Forget(string municipality) => known.TryRemove(municipality, out _);
}
