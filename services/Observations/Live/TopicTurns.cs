using System.Collections.Concurrent;

namespace Allmende.Observations.Live;

/// <summary>
/// Whose statement is next. A caller has one at a time, a municipality a few: a thousand topics of one caller, or one whose filter takes seconds, take one of
/// these places, and the others' go on beside it.
/// </summary>
sealed class TopicTurns
{
    const int OfMunicipality = 3;
    const int Lanes = 256;

    readonly ConcurrentDictionary<string, Municipality> municipalities = new(StringComparer.Ordinal);

    /// <summary>Waits for a turn; its disposal passes it on.</summary>
    public async Task<IDisposable> TakeAsync(string municipality, string caller, CancellationToken cancellation)
    {
        var turns = municipalities.GetOrAdd(municipality, _ => new Municipality());
        var own = turns.Callers[(uint)string.GetHashCode(caller, StringComparison.Ordinal) % Lanes];
        await own.WaitAsync(cancellation);
        try
        {
            await turns.All.WaitAsync(cancellation);
        }
        catch
        {
            own.Release();
            throw;
        }
        return new Turn(own, turns.All);
    }

    sealed class Municipality
    {
        public SemaphoreSlim All { get; } = new(OfMunicipality);
        public SemaphoreSlim[] Callers { get; } = [.. Enumerable.Range(0, Lanes).Select(_ => new SemaphoreSlim(1))];
    }

    sealed class Turn(SemaphoreSlim own, SemaphoreSlim all) : IDisposable
    {
        public void Dispose()
        {
            all.Release();
            own.Release();
        }
    }
}
