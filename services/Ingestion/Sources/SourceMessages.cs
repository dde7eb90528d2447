using System.Security.Claims;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mappings;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Sources;

/// <summary>What became of a source's message.</summary>
/// <param name="Verdict">Whether it may be acknowledged.</param>
/// <param name="Reason">Why it was not taken.</param>
/// <param name="Pause">For <see cref="Verdict.Later"/>: when to try again.</param>
readonly record struct SourceOutcome(Verdict Verdict, string? Reason = null, TimeSpan Pause = default);

enum Verdict
{
    /// <summary>Durable, or of no use.</summary>
    Taken,
    /// <summary>It could never be taken.</summary>
    Refused,
    /// <summary>Not now.</summary>
    Later,
}

/// <summary>Hands messages of other brokers to the doors, by what they are.</summary>
sealed partial class SourceMessages(UplinkDoor door, MappedUplinks mapped, IngestionOptions options, ILogger<SourceMessages> logger)
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(2), MappingPause = TimeSpan.FromSeconds(5);

    /// <summary>Takes a message. It does not fail.</summary>
    /// <param name="municipality">Whose source it is.</param>
    /// <param name="source">The source.</param>
    /// <param name="caller">May write all uplinks of the municipality.</param>
    /// <param name="message">The message.</param>
    public async Task<SourceOutcome> TakeAsync(string municipality, MqttSource source, ClaimsPrincipal caller, Incoming message)
    {
        try
        {
            if (message.Payload.Length > options.LargestUplink) return Told(municipality, UplinkOutcome.Refused(PlatformErrors.TooLarge, $"at most {options.LargestUplink} bytes"));
            if (door.TurnedAway(municipality) is { } away) return Told(municipality, away);
            if (source.Kind == "mapped") return await TakeMappedAsync(municipality, source.Mapping!, caller, message);
            if (ReaderOf(source.Kind!, message.Topic) is not { } how) return Told(municipality, UplinkOutcome.Ignored);
            var (uplink, fault) = UplinkDoor.Parse(message.Payload, how.Read, how.Device);
            uplink.Door = source.Kind;
            return Told(municipality, fault ?? await door.TakeAsync(municipality, caller, uplink, CancellationToken.None));
        }
        catch (Exception fault)
        {
            Telemetry.CountUplink(municipality, "mqtt-source", "unavailable");
            if (Infrastructure.IsAtFault(fault)) return new(Verdict.Later, "the database does not answer", Soon);
            LogFault(municipality, fault);
            return new(Verdict.Refused, "it could not be handled");
        }
    }

    async Task<SourceOutcome> TakeMappedAsync(string municipality, string id, ClaimsPrincipal caller, Incoming message)
    {
        // Whoever removed the mapping may bring it back; until then the broker keeps what comes.
        if (await mapped.FindAsync(municipality, id, CancellationToken.None) is not { } mapping) return new(Verdict.Later, $"there is no mapping '{id}'", MappingPause);
        var (whole, readings) = await mapped.TakeAsync(municipality, caller, mapping, new(message.Payload), message.Topic, CancellationToken.None);
        if (whole.Error is not null || readings.Count == 0) return Told(municipality, whole);
        foreach (var reading in readings) Telemetry.CountUplink(municipality, "mqtt-source", reading.Name);
        var refused = readings.FirstOrDefault(reading => reading.Error is not null);
        return new(Verdict.Taken, refused.Error is null ? null : ReasonOf(refused));
    }

    /// <summary>How to read a message of this topic, and the device if the topic says it; null for topics of no use.</summary>
    internal static (UplinkReader Read, string? Device)? ReaderOf(string kind, string topic)
    {
        var levels = topic.Split('/');
        return kind switch
        {
            "tts" => (TheThingsStack.Read, null),
            "actility" => (Actility.Read, null),
            // application/{id}/device/{devEui}/event/{event}
            "chirpstack" => levels is [.., "event", var name] && ChirpStackEvents.ReaderOf(name) is { } reader ? (reader, null) : null,
            // mioty/{acEui}/{epEui}/uplink, mioty/{organisation}/device/{epEui}/event/{event}, ep/{epEui}/ul; what is sent down goes by topics beside them.
            "mioty" => levels is [.., "uplink" or "up" or "ul"] or [.., "event", _] ? (Mioty.Read, levels.Select(NormalizeEui).LastOrDefault(eui => eui is not null)) : null,
            _ => (PlainJson.Read, levels is [.., "devices", var device, "up"] ? device : null),
        };
    }

    /// <summary>Also with spaces between the bytes, as Fraunhofer writes it.</summary>
    static string? NormalizeEui(string level) => Device.NormalizeDevEui(level.Replace(' ', '-'));

    static SourceOutcome Told(string municipality, in UplinkOutcome outcome)
    {
        Telemetry.CountUplink(municipality, "mqtt-source", outcome.Name);
        if (outcome.Error is null) return new(Verdict.Taken);
        return outcome.RetryAfter is { } pause ? new(Verdict.Later, ReasonOf(outcome), pause) : new(Verdict.Refused, ReasonOf(outcome));
    }

    static string ReasonOf(in UplinkOutcome outcome) => string.Join(' ', new[] { outcome.Error!.Title + ":", outcome.Field, outcome.Detail }.Where(part => !string.IsNullOrEmpty(part))).TrimEnd(':');

    [LoggerMessage(2085, LogLevel.Error, "a message of a source of {Municipality} could not be handled")]
    partial void LogFault(string municipality, Exception fault);
}
