using System.Text.Json;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Mqtt;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// What devices publish to <c>{m}/devices/{device}/down/ack</c>, <c>{"id":…}</c>: that they have a downlink. For those whose client does not say PUBACK when the
/// device has done what it was told, but when the message came. Taken when it is written down.
/// </summary>
sealed partial class DownlinkAnswers(DownlinkStore store, RateLimits limits, ILogger<DownlinkAnswers> logger)
{
    const int LongestAnswer = 1024;

    /// <summary>Takes one. It does not fail.</summary>
    public Task<PublishOutcome> TakeAsync(MqttTopic topic, ReadOnlySpan<byte> payload)
    {
        if (!limits.TryTake(topic.Municipality, topic.Name, out _)) return Task.FromResult(new PublishOutcome(ReasonCode.QuotaExceeded, "too many", Retry.Later));
        return payload.Length <= LongestAnswer && IdOf(payload) is { } id
            ? WriteAsync(topic, id)
            : Task.FromResult(new PublishOutcome(ReasonCode.PayloadFormatInvalid, "must be {\"id\":…} of a downlink"));
    }

    async Task<PublishOutcome> WriteAsync(MqttTopic topic, Guid id)
    {
        try
        {
            // One that nobody knows is let pass: it may be of a device that was replaced, and sending it again would not help.
            var changed = await store.ToldAsync(
                topic.Municipality, topic.Name, Downlink.CorrelationPrefix + id.ToString("N"), DownlinkReport.Acknowledged, DateTimeOffset.UtcNow, "device", null, CancellationToken.None);
            if (changed) Telemetry.CountDownlink(topic.Municipality, DownlinkState.Acknowledged);
            return PublishOutcome.Taken;
        }
        catch (Exception fault)
        {
            if (!Infrastructure.IsAtFault(fault)) LogFault(topic.Municipality, fault);
            return new(ReasonCode.ImplementationSpecific, "this cannot be done right now; send it again", Retry.Now);
        }
    }

    static Guid? IdOf(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            var json = JsonElement.ParseValue(ref reader);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && id.TextOrNull() is { } text ? Downlink.IdOf(text) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(2090, LogLevel.Error, "an answer of a device of {Municipality} to a downlink could not be handled")]
    partial void LogFault(string municipality, Exception fault);
}
