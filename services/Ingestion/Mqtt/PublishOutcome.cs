using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Whether a message that was not taken is worth sending again.</summary>
enum Retry
{
    /// <summary>It was taken, or never will be.</summary>
    Never,
    /// <summary>Later: too much is there already. MQTT 5 has a reason code for it; 3.1.1 can only be hung up on.</summary>
    Later,
    /// <summary>At once, it may even be durable: nothing is acknowledged, and the connection closes.</summary>
    Now,
}

/// <summary>What became of a PUBLISH.</summary>
/// <param name="Code">As PUBACK or PUBREC says it.</param>
/// <param name="Reason">In words.</param>
/// <param name="Retry">Whether sending it again may help.</param>
/// <param name="Message">What subscribers are to get, if it was taken; null where nobody could.</param>
readonly record struct PublishOutcome(ReasonCode Code, string? Reason = null, Retry Retry = Retry.Never, MqttMessage? Message = null)
{
    public static readonly PublishOutcome Taken = new(ReasonCode.Success);

    public bool IsTaken => Code < ReasonCode.Unspecified;
}
