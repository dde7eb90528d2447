using System.Buffers;
using System.Security.Claims;
using System.Text.Json.Serialization;
using Allmende.Ingestion.Uplinks;

namespace Allmende.Ingestion.Mappings;

/// <summary>Messages of any form, by a mapping, over HTTP and MQTT.</summary>
sealed class MappedUplinks(UplinkDoor door, KnownMappings mappings, IngestionOptions options)
{
    /// <summary>
    /// Takes all readings of a message. A refusal that will pass concerns the whole message, which is to be sent again: what of it is stored already has the same
    /// id then. A reading that could never be taken does not keep the others away.
    /// </summary>
    /// <param name="municipality">Whose; <see cref="UplinkDoor.TurnedAway"/> was asked for the message.</param>
    /// <param name="caller">Who sends it.</param>
    /// <param name="mapping">How to read it.</param>
    /// <param name="body">The whole message.</param>
    /// <param name="topic">The topic that it came by, over MQTT.</param>
    /// <param name="cancellation">Gives up before the first append.</param>
    public async ValueTask<MappedOutcome> TakeAsync(
        string municipality, ClaimsPrincipal caller, ReadyMapping mapping, ReadOnlySequence<byte> body, string? topic, CancellationToken cancellation)
    {
        var (readings, fault) = mapping.Read(body, topic, options.MostReadings);
        if (fault is not null) return new(fault.Value, []);
        var taken = new Task<UplinkOutcome>[readings.Count];
        // In their order into the log, and then side by side.
        for (var i = 0; i < taken.Length; i++)
            taken[i] = readings[i].Fault is { } wrong ? Task.FromResult(wrong)
                : i > 0 && door.TurnedAway(municipality) is { } away ? Task.FromResult(away)
                : door.TakeAsync(municipality, caller, readings[i].Message, cancellation).AsTask();
        var outcomes = await Task.WhenAll(taken);
        foreach (var outcome in outcomes)
            if (outcome.RetryAfter is not null) return new(outcome, outcomes);
        if (outcomes.Length == 0) return new(UplinkOutcome.Ignored, outcomes);
        var accepted = Array.FindIndex(outcomes, outcome => outcome.Uplink is not null);
        return new(outcomes[Math.Max(accepted, 0)], outcomes);
    }

    /// <summary>The mapping, or null if there is none.</summary>
    public ValueTask<ReadyMapping?> FindAsync(string municipality, string id, CancellationToken cancellation) => mappings.FindAsync(municipality, id, cancellation);
}

/// <summary>What became of a message.</summary>
/// <param name="Whole">Of the message: taken if any reading was.</param>
/// <param name="Readings">Of each reading.</param>
readonly record struct MappedOutcome(UplinkOutcome Whole, IReadOnlyList<UplinkOutcome> Readings);

/// <summary>The answer when the readings of a list are durable.</summary>
/// <param name="Uplinks">The ids of those that were taken.</param>
/// <param name="Refused">Those that were not; missing if there are none.</param>
public sealed record ReadingsAccepted(IReadOnlyList<string> Uplinks, IReadOnlyList<RefusedReading>? Refused);

/// <summary>A reading that was not taken, and never will be as it is.</summary>
/// <param name="Index">Its place in the list, from 0.</param>
/// <param name="Type">The error's name.</param>
/// <param name="Detail">What is wrong.</param>
/// <param name="Field">The path at fault.</param>
public sealed record RefusedReading(int Index, string Type, string? Detail, string? Field);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReadingsAccepted))]
sealed partial class ReadingsJson : JsonSerializerContext;
