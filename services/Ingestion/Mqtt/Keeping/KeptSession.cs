using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Sessions;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Mqtt.Keeping;

/// <summary>A session as it is on disk.</summary>
/// <param name="Key">Which.</param>
/// <param name="State">All but its messages.</param>
/// <param name="ExpiresAt">When it ends, UTC; null while its client is connected.</param>
/// <param name="Messages">What waits or is not acknowledged, in its order.</param>
sealed record KeptSession(SessionKey Key, KeptState State, DateTime? ExpiresAt, IReadOnlyList<KeptMessage> Messages);

/// <summary>A session without its messages.</summary>
/// <param name="Expiry">Seconds that it outlives a connection.</param>
/// <param name="Claims">Who it belongs to: type and value of each claim. The credential is not kept.</param>
/// <param name="LastId">The last packet id.</param>
/// <param name="Subscriptions">What it has subscribed to.</param>
/// <param name="Received">Messages of QoS 2 that the client has not released, and when each came.</param>
/// <param name="Will">The will that is published when its client does not come back.</param>
/// <param name="WillAt">When it is due, UTC; null while the client is connected.</param>
sealed record KeptState(
    uint Expiry, IReadOnlyList<string[]> Claims, ushort LastId, IReadOnlyList<KeptSubscription> Subscriptions, IReadOnlyList<KeptReceived> Received, WillPacket? Will, DateTime? WillAt)
{
    /// <summary>What rights come from, and whose they are; a token says more, which is nobody's business here.</summary>
    static readonly string[] KeptClaims = [Caller.ClientClaim, Caller.SubjectClaim, Roles.MunicipalityClaim, Roles.RoleClaim, Roles.ScopeClaim];

    public static IReadOnlyList<string[]> ClaimsOf(MqttClient client) =>
        [.. client.Principal.Claims.Where(claim => KeptClaims.Contains(claim.Type)).Select(claim => new[] { claim.Type, claim.Value })];

    /// <summary>The client, as far as it is known without its credential.</summary>
    public MqttClient ClientOf(string municipality) =>
        new(municipality, new ClaimsPrincipal(new ClaimsIdentity(Claims.Select(claim => new Claim(claim[0], claim[1])), "kept", Caller.ClientClaim, Roles.RoleClaim)), null, null);
}

/// <summary>A subscription, with the place of its feed up to which the session has what came.</summary>
sealed record KeptSubscription(string Filter, int Qos, bool NoLocal, bool RetainAsPublished, int RetainHandling, uint Identifier, string? Place);

/// <summary>A message of QoS 2 on its way in.</summary>
sealed record KeptReceived(ushort Id, DateTimeOffset At);

/// <summary>A message to the client.</summary>
/// <param name="Number">Its place in the session's order.</param>
/// <param name="PacketId">Once it may have been sent.</param>
/// <param name="Delivery">The message; null once the client has it (QoS 2).</param>
sealed record KeptMessage(long Number, ushort? PacketId, Delivery? Delivery);

/// <summary>What has changed in a session since it was written.</summary>
/// <param name="Session">Which.</param>
/// <param name="Version">As of which of its changes.</param>
/// <param name="IsWhole">All of it is given, and what is on disk is worth nothing.</param>
/// <param name="State">All but its messages.</param>
/// <param name="ExpiresAt">When it ends, UTC.</param>
/// <param name="Put">Messages that are new, or have another packet id or state.</param>
/// <param name="Gone">Numbers of messages that are done.</param>
sealed record SessionChange(MqttSession Session, long Version, bool IsWhole, KeptState State, DateTime? ExpiresAt, IReadOnlyList<KeptMessage> Put, IReadOnlyList<long> Gone);

/// <summary>How states are written.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeptState))]
sealed partial class KeepingJson : JsonSerializerContext;

/// <summary>Times of this process, which count milliseconds since the machine started, and times that outlast it.</summary>
static class Clock
{
    public static DateTime? TimeOf(long? ticks) => ticks is null or long.MaxValue ? null : DateTime.UtcNow.AddMilliseconds(ticks.Value - Environment.TickCount64);

    public static long TicksOf(DateTime? time) => time is { } at ? Environment.TickCount64 + (long)(at - DateTime.UtcNow).TotalMilliseconds : long.MaxValue;
}
