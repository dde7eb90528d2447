using System.Diagnostics.Metrics;

namespace Allmende.OpenData;

/// <summary>OpenData's instruments.</summary>
static class Telemetry
{
    static readonly Meter Meter = new("Allmende.OpenData");

    /// <summary>Downloads by format and outcome (<c>complete</c>, <c>abandoned</c> by the client, <c>failed</c>).</summary>
    public static readonly Counter<long> Exports = Meter.CreateCounter<long>("allmende.opendata.exports", description: "Downloads by format and outcome");

    /// <summary>Observations and Things that were written into downloads.</summary>
    public static readonly Counter<long> Rows = Meter.CreateCounter<long>("allmende.opendata.rows", description: "Rows and features written into downloads");
}
