using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Profiles;

namespace Allmende.Streams.Replays;

/// <summary>What a replay can be.</summary>
static class ReplayStates
{
    public const string Waiting = "waiting", Running = "running", Done = "done", Failed = "failed", Cancelled = "cancelled";
}

/// <summary>A replay as it is kept. What it decodes with is fixed when it is accepted, so that one that goes on after a death gives the same.</summary>
sealed class Replay
{
    public required string Id { get; init; }

    /// <summary>The device whose uplinks it is about; null where it is about those that were sent with <see cref="Profile"/>.</summary>
    public string? Device { get; init; }

    /// <summary>The profile that it decodes with.</summary>
    public required string Profile { get; init; }

    /// <summary>That profile, as JSON.</summary>
    public required string Definition { get; init; }

    public string? Codec { get; init; }

    /// <summary>Of the municipality's codec; null for the library's.</summary>
    public int? CodecVersion { get; init; }

    public DateTime FromTime { get; init; }

    public DateTime ToTime { get; init; }

    public string State { get; init; } = ReplayStates.Waiting;

    public string? Reason { get; init; }

    public long Total { get; init; }

    public long Uplinks { get; init; }

    public long Observations { get; init; }

    public long Failures { get; init; }

    public string? FirstFailure { get; init; }

    /// <summary>Arrival and id of the last uplink that was taken.</summary>
    public DateTime PlaceTime { get; init; }

    public string PlaceId { get; init; } = "";

    public DateTime AcceptedAt { get; init; }

    public required string AcceptedBy { get; init; }

    public DateTime? StartedAt { get; init; }

    public DateTime? EndedAt { get; init; }

    public string? CancelledBy { get; init; }

    public ReplayedUplinks Which => new(Device, Profile, FromTime, ToTime);

    public ReadyProfile ReadyProfile() => new(JsonSerializer.Deserialize(Definition, ContractsJson.Default.DeviceProfile)!);
}
