using System.Collections.Concurrent;
using Allmende.Platform;

namespace Allmende.Ingestion.Mappings;

/// <summary>
/// The mappings as doors ask for them: in memory, read again after some seconds, so that another instance's change is seen by then. While the database is away
/// what is known goes on.
/// </summary>
sealed class KnownMappings(MappingStore store, IngestionOptions options)
{
    readonly ConcurrentDictionary<(string Municipality, string Id), (ReadyMapping? Mapping, long At)> known = new();

    /// <summary>The mapping, or null if there is none of that id.</summary>
    public async ValueTask<ReadyMapping?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        if (!MappingRoutes.IsId(id)) return null;
        var key = (municipality, id);
        var isKnown = known.TryGetValue(key, out var entry);
        if (isKnown && Environment.TickCount64 - entry.At < options.DevicesRefreshedEvery.TotalMilliseconds) return entry.Mapping;
        try
        {
            var mapping = await store.FindAsync(municipality, id, cancellation) is { } row ? row.Mapping.Ready(id, []) : null;
            // Names that are nobody's are not kept: there is no end to them.
            if (mapping is null) known.TryRemove(key, out _);
            else known[key] = (mapping, Environment.TickCount64);
            return mapping;
        }
        catch (Exception fault) when (isKnown && !cancellation.IsCancellationRequested && Infrastructure.IsAtFault(fault))
        {
            return entry.Mapping;
        }
    }

    /// <summary>It was changed or removed here.</summary>
    public void Forget(string municipality, string id) => known.TryRemove((municipality, id), out _);
}
