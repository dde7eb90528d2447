using System.Collections.Concurrent;

namespace Allmende.Ingestion.Devices;

/// <summary>What the doors must know of a device.</summary>
/// <param name="Id">Its id.</param>
/// <param name="DevEui">Its DevEUI, if any.</param>
/// <param name="Profile">Its profile.</param>
/// <param name="DecodedBySender">The profile has no codec: what the network server decoded is taken.</param>
/// <param name="KeyHash">SHA-256 of its key.</param>
/// <param name="Retired">Its uplinks are refused.</param>
/// <param name="CertificateHash">SHA-256 of its own certificate, if it has one.</param>
sealed record KnownDevice(string Id, string? DevEui, string Profile, bool DecodedBySender, string KeyHash, bool Retired, string? CertificateHash);

/// <summary>By what a device is asked for.</summary>
enum DeviceNameKind
{
    Id,
    DevEui,
    KeyHash,
    CertificateHash,
}

/// <summary>A name of a device.</summary>
readonly record struct DeviceName(DeviceNameKind Kind, string Value)
{
    /// <summary>False for what no device can be called; the database need not be asked then.</summary>
    public bool IsPossible => Kind != DeviceNameKind.Id || Device.IsId(Value);
}

/// <summary>
/// The devices of each municipality as the doors look them up: in memory, read from the database when first asked for, also the answer that there
/// is none. A change made here is seen at once, another instance's with the next comparison. A database that is down stops no known device.
/// </summary>
sealed partial class DeviceDirectory(DeviceStore store, IngestionOptions options, ILogger<DeviceDirectory> logger) : BackgroundService
{
    const int ComparedAtOnce = 5_000;

    readonly ConcurrentDictionary<string, Town> towns = new(StringComparer.Ordinal);

    /// <summary>The device of that name, or null. The municipality must exist.</summary>
    public ValueTask<KnownDevice?> FindAsync(string municipality, DeviceName name, CancellationToken cancellation)
    {
        var town = towns.GetOrAdd(municipality, static _ => new Town());
        if (!town.Entries.TryGetValue(name, out var entry)) return LoadAsync(municipality, town, name, cancellation);
        entry.AskedAt = Environment.TickCount64;
        return ValueTask.FromResult(entry.Device);
    }

    /// <summary>Forgets what was known of a device, and of names that were unknown: it is new, changed or gone.</summary>
    public void Forget(string municipality, string id)
    {
        if (!towns.TryGetValue(municipality, out var town)) return;
        town.Change();
        foreach (var (name, entry) in town.Entries)
            if (entry.Device is null || entry.Device.Id == id) town.Entries.TryRemove(name, out _);
    }

    /// <summary>Forgets all devices of a municipality: many have changed at once.</summary>
    public void ForgetAll(string municipality)
    {
        if (!towns.TryGetValue(municipality, out var town)) return;
        town.Change();
        town.Entries.Clear();
    }

    async ValueTask<KnownDevice?> LoadAsync(string municipality, Town town, DeviceName name, CancellationToken cancellation)
    {
        if (!name.IsPossible) return null;
        var version = town.Version;
        var device = await store.FindKnownAsync(municipality, name, cancellation);
        // What was read while something changed may be old: it answers this one question and is not kept.
        if (version == town.Version && town.Entries.Count < 2 * options.MostDevicesKept) town.Entries[name] = new Entry(device);
        return device;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.DevicesRefreshedEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                // Some at a time: a database that hangs holds up its own municipality, and the others by little.
                await Parallel.ForEachAsync(towns, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stoppingToken },
                    async (town, cancellation) => await CompareSafelyAsync(town.Key, town.Value, cancellation));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    async Task CompareSafelyAsync(string municipality, Town town, CancellationToken cancellation)
    {
        try
        {
            await CompareAsync(municipality, town, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogNotCompared(municipality, fault);
        }
    }

    /// <summary>Puts right what another instance has changed, and lets go of who is silent and of names that are nobody's.</summary>
    async Task CompareAsync(string municipality, Town town, CancellationToken cancellation)
    {
        var silentSince = Environment.TickCount64 - (long)options.DevicesKeptFor.TotalMilliseconds;
        foreach (var (name, entry) in town.Entries)
            if (entry.Device is null || entry.AskedAt < silentSince) town.Entries.TryRemove(name, out _);

        var ids = town.Entries.Values.Select(entry => entry.Device).OfType<KnownDevice>().Select(device => device.Id).Distinct(StringComparer.Ordinal);
        foreach (var some in ids.Chunk(ComparedAtOnce))
        {
            var version = town.Version;
            var now = (await store.FindKnownAsync(municipality, some, cancellation)).ToDictionary(device => device.Id, StringComparer.Ordinal);
            if (version != town.Version) return; // the next comparison sees both
            var asked = some.ToHashSet(StringComparer.Ordinal);
            foreach (var (name, entry) in town.Entries)
                if (entry.Device is { } device && asked.Contains(device.Id) && now.GetValueOrDefault(device.Id) != device) town.Entries.TryRemove(name, out _);
        }
    }

    [LoggerMessage(2000, LogLevel.Warning, "devices of {Municipality} cannot be compared with the database")]
    partial void LogNotCompared(string municipality, Exception fault);

    /// <summary>What is known of one municipality's devices.</summary>
    sealed class Town
    {
        long version;

        public ConcurrentDictionary<DeviceName, Entry> Entries { get; } = new();

        public long Version => Volatile.Read(ref version);

        public void Change() => Interlocked.Increment(ref version);
    }

    sealed class Entry(KnownDevice? device)
    {
        long askedAt = Environment.TickCount64;

        public KnownDevice? Device { get; } = device;

        public long AskedAt { get => Volatile.Read(ref askedAt); set => Volatile.Write(ref askedAt, value); }
    }
}
