using System.Diagnostics.Metrics;

namespace Allmende.Catalog;

/// <summary>Catalog's instruments.</summary>
static class Telemetry
{
    static readonly Meter Meter = new("Allmende.Catalog");

    /// <summary>Events <c>dataset.changed</c> that were published.</summary>
    public static readonly Counter<long> Announced = Meter.CreateCounter<long>("allmende.catalog.announced", description: "dataset.changed events published");

    /// <summary>Attempts to publish that failed; they are made again.</summary>
    public static readonly Counter<long> NotAnnounced = Meter.CreateCounter<long>("allmende.catalog.announce.failures", description: "failed attempts to publish dataset.changed");
}
