using System.Collections.Concurrent;
using System.Net.Http.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform;

/// <summary>
/// The municipalities of the installation, as Identity tells. One that is not known is asked for at once (not more than once a second), so a new
/// municipality is there without a restart; its schema is migrated before it is shown. One whose database does not answer keeps nobody else waiting.
/// </summary>
public sealed partial class Municipalities(IHttpClientFactory http, IServiceProvider services, ILogger<Municipalities> logger) : BackgroundService
{
    static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(30), AskedEvery = TimeSpan.FromSeconds(1);
    readonly ConcurrentDictionary<string, Municipality> known = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, bool> migrated = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, Task> comingIn = new(StringComparer.Ordinal);
    readonly CancellationTokenSource stopping = new();
    // Migrations of many at once would take all connections of the database.
    readonly SemaphoreSlim reading = new(1, 1), preparing = new(8);
    volatile HashSet<string> listed = [];
    DateTimeOffset refreshedAt = DateTimeOffset.MinValue;

    /// <summary>True once the list was read for the first time.</summary>
    public bool Loaded { get; private set; }

    /// <summary>All that are ready here.</summary>
    public IEnumerable<Municipality> All => known.Values;

    /// <summary>Raised when a municipality is ready here: at start for each, later for new and changed ones.</summary>
    public event Action<Municipality>? Ready;

    /// <summary>The municipality, or null if there is none of that id.</summary>
    public async ValueTask<Municipality?> FindAsync(string id, CancellationToken cancellation)
    {
        if (known.TryGetValue(id, out var municipality)) return municipality;
        if (!IsSlug(id)) return null;
        await RefreshAsync(id, AskedEvery, cancellation);
        return known.GetValueOrDefault(id);
    }

    /// <summary>
    /// For who follows the log: the municipality once it is ready here; null when it has left, so that what the log says of it is of no use to anybody. One that came a
    /// moment ago, or whose database is away, is not taken for one that has left.
    /// </summary>
    /// <exception cref="MunicipalityNotReadyException">It is there, but not ready here yet: what concerns it has to wait.</exception>
    public async ValueTask<Municipality?> FindUnlessLeftAsync(string id, CancellationToken cancellation)
    {
        if (known.TryGetValue(id, out var municipality)) return municipality;
        // One that is there, but not ready, is not looked for more often than requests look for it.
        await RefreshAsync(id, listed.Contains(id) ? AskedEvery : TimeSpan.Zero, cancellation);
        return known.GetValueOrDefault(id) ?? (listed.Contains(id) ? throw new MunicipalityNotReadyException(id) : null);
    }

    /// <summary>The municipality if it is known here already.</summary>
    public Municipality? Find(string id) => known.GetValueOrDefault(id);

    /// <summary>Reads the list again unless that was done less than <paramref name="atMostEvery"/> ago, and waits until those on it are ready, or cannot be for now.</summary>
    public async Task RefreshAsync(TimeSpan atMostEvery, CancellationToken cancellation)
    {
        await ReadAsync(atMostEvery, cancellation);
        await Task.WhenAll(comingIn.Values).WaitAsync(cancellation);
        Loaded = true;
    }

    /// <summary>The same, but waits for one alone.</summary>
    public async Task RefreshAsync(string id, TimeSpan atMostEvery, CancellationToken cancellation)
    {
        await ReadAsync(atMostEvery, cancellation);
        if (comingIn.TryGetValue(id, out var its)) await its.WaitAsync(cancellation);
    }

    async Task ReadAsync(TimeSpan atMostEvery, CancellationToken cancellation)
    {
        await reading.WaitAsync(cancellation);
        try
        {
            if (DateTimeOffset.UtcNow - refreshedAt < atMostEvery) return;
            using var client = http.CreateClient("identity");
            var list = await client.GetFromJsonAsync("internal/municipalities", ContractsJson.Default.MunicipalityArray, cancellation) ?? [];
            refreshedAt = DateTimeOffset.UtcNow;
            listed = list.Select(municipality => municipality.Id).ToHashSet(StringComparer.Ordinal);
            foreach (var municipality in list)
                if (!comingIn.TryGetValue(municipality.Id, out var its) || its.IsCompleted) comingIn[municipality.Id] = TakeInAsync(municipality, stopping.Token);
            foreach (var gone in known.Keys.Concat(comingIn.Keys).Where(id => !listed.Contains(id)).ToList())
            {
                known.TryRemove(gone, out _);
                migrated.TryRemove(gone, out _); // one that comes back has a new database
                comingIn.TryRemove(gone, out _);
            }
        }
        finally
        {
            reading.Release();
        }
    }

    async Task TakeInAsync(Municipality municipality, CancellationToken cancellation)
    {
        if (known.TryGetValue(municipality.Id, out var before) && Same(before, municipality)) return;
        await preparing.WaitAsync(cancellation);
        try
        {
            if (!migrated.ContainsKey(municipality.Id) && services.GetService<Migrations>() is { } migrations)
            {
                await migrations.RunAsync(services.GetRequiredService<MunicipalDatabases>().Of(municipality.Id), cancellation);
                foreach (var preparation in services.GetServices<IPrepareMunicipality>()) await preparation.PrepareAsync(municipality, cancellation);
            }
            if (!listed.Contains(municipality.Id)) return;
            migrated[municipality.Id] = true;
            known[municipality.Id] = municipality;
            Ready?.Invoke(municipality);
            LogReady(municipality.Id);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            // Tried again when the list is read again.
            LogNotReady(municipality.Id, fault);
        }
        finally
        {
            preparing.Release();
        }
    }

    static bool Same(Municipality a, Municipality b) =>
        a with { Center = b.Center, Bbox = b.Bbox, Colors = b.Colors } == b && a.Center.SequenceEqual(b.Center) && a.Bbox.SequenceEqual(b.Bbox)
        && (a.Colors ?? new Dictionary<string, string>()).OrderBy(pair => pair.Key).SequenceEqual((b.Colors ?? new Dictionary<string, string>()).OrderBy(pair => pair.Key));

    /// <summary>True for what may be an id: <c>^[a-z][a-z0-9-]{1,30}$</c>.</summary>
    public static bool IsSlug(string id) =>
        id.Length is >= 2 and <= 31 && id[0] is >= 'a' and <= 'z' && id.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-');

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await (Loaded ? ReadAsync(TimeSpan.Zero, stoppingToken) : RefreshAsync(TimeSpan.Zero, stoppingToken));
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                LogUnreachable(fault.Message);
            }
            var incomplete = !Loaded || known.IsEmpty;
            try { await Task.Delay(incomplete ? TimeSpan.FromMilliseconds(300) : RefreshEvery, stoppingToken); }
            catch (OperationCanceledException) { return; }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await base.StopAsync(cancellationToken);
    }

    [LoggerMessage(130, LogLevel.Information, "{Municipality} is ready")]
    partial void LogReady(string municipality);

    [LoggerMessage(131, LogLevel.Error, "{Municipality} is not ready")]
    partial void LogNotReady(string municipality, Exception fault);

    [LoggerMessage(132, LogLevel.Warning, "the list of municipalities cannot be read: {Reason}")]
    partial void LogUnreachable(string reason);
}

/// <summary>A municipality's database cannot be used here yet.</summary>
public sealed class MunicipalityNotReadyException(string municipality) : Exception($"{municipality} is not ready here yet");

/// <summary>What a service does for a municipality after its migrations, before it serves it. Idempotent.</summary>
public interface IPrepareMunicipality
{
    Task PrepareAsync(Municipality municipality, CancellationToken cancellation);
}
