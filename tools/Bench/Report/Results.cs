using Allmende.Bench.Measurements;
using Allmende.Bench.Mqtt;
using Allmende.Supervisor.Processes;

namespace Allmende.Bench.Report;

/// <summary>One row of the table.</summary>
sealed record Row(Scenario Scenario, string Door, int Connections, LoadResult Result);

/// <summary>Everything that was measured.</summary>
/// <param name="options">What was asked.</param>
/// <param name="first">Time to ready of a fresh installation.</param>
/// <param name="second">Time to ready of its second start.</param>
sealed class Results(BenchOptions options, TimeSpan first, TimeSpan second)
{
    public BenchOptions Options => options;

    public TimeSpan FirstStart => first;

    public TimeSpan SecondStart => second;

    public List<Row> Rows { get; } = [];

    public FreshnessResult? Freshness { get; set; }

    public LoadResult? Mqtt { get; set; }

    public IdleResult? Idle { get; set; }

    public IReadOnlyList<ProcessUsage> AtRest { get; set; } = [];

    public IReadOnlyList<ProcessUsage> AfterLoad { get; set; } = [];

    /// <summary>Observations that were acknowledged, and that are stored.</summary>
    public (long Accepted, long Stored) Counted { get; set; }
}
