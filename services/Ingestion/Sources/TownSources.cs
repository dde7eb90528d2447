namespace Allmende.Ingestion.Sources;

/// <summary>The sources of one municipality that this process runs.</summary>
sealed class TownSources(string municipality, SourceStore store, SourceMessages messages, SourceOptions options, ILogger logger) : IAsyncDisposable
{
    readonly Dictionary<string, SourceRunner> running = new(StringComparer.Ordinal);
    readonly HashSet<string> held = new(StringComparer.Ordinal);
    SourceLocks? locks;

    /// <summary>Whether there were any when it was last looked.</summary>
    public bool HasSources { get; private set; } = true;

    /// <summary>Ends what is gone, changed or another's, and begins what is nobody's.</summary>
    public async Task CompareAsync(CancellationToken cancellation)
    {
        var rows = await store.ListAsync(municipality, cancellation);
        HasSources = rows.Count > 0;
        var wanted = rows.Where(row => row.Source.Enabled).ToDictionary(row => row.Id, StringComparer.Ordinal);
        foreach (var (id, runner) in running.ToList())
        {
            if (wanted.TryGetValue(id, out var row) && row.Version == runner.Version && !runner.HasEnded) continue;
            await StopAsync(id, forget: rows.TrueForAll(other => other.Id != id));
        }
        if (locks is not null)
            foreach (var id in held.Where(id => !wanted.ContainsKey(id)).ToList())
            {
                await locks.GiveAsync(id, cancellation);
                held.Remove(id);
            }
        if (wanted.Count == 0)
        {
            await LoseLocksAsync();
            return;
        }
        if (locks is null) locks = await store.OpenLocksAsync(municipality, cancellation);
        else await locks.CheckAsync(cancellation);
        foreach (var row in wanted.Values)
        {
            if (!held.Contains(row.Id) && await locks.TryTakeAsync(row.Id, cancellation)) held.Add(row.Id);
            if (!held.Contains(row.Id)) await StopAsync(row.Id, forget: false);
            else if (!running.ContainsKey(row.Id)) Start(row);
        }
    }

    /// <summary>The connection of the locks is of no use any more; what runs goes on until somebody else is seen to have its lock.</summary>
    public async Task LoseLocksAsync()
    {
        held.Clear();
        if (locks is not null) await locks.DisposeAsync();
        locks = null;
    }

    void Start(SourceRow row)
    {
        var runner = new SourceRunner(municipality, row, messages, store, options, logger);
        running.Add(row.Id, runner);
        runner.Start();
    }

    async Task StopAsync(string id, bool forget)
    {
        if (running.Remove(id, out var runner)) await runner.StopAsync(forget);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(running.Values.Select(runner => runner.StopAsync(forget: false)));
        running.Clear();
        await LoseLocksAsync();
    }
}
