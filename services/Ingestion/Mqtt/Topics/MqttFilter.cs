using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Platform;

namespace Allmende.Ingestion.Mqtt.Topics;

/// <summary>A topic filter (4.7), that of a shared subscription (4.8.2) without its group.</summary>
/// <param name="Group">The group's name; null where it is not shared.</param>
/// <param name="Municipality">The first level, never a wildcard.</param>
/// <param name="SensorThings">The whole topic, where it is SensorThings'; it has no wildcards.</param>
/// <param name="Levels">The levels, the municipality's among them.</param>
sealed record MqttFilter(string? Group, string Municipality, MqttTopic? SensorThings, string[] Levels)
{
    const string Shared = "$share/";

    /// <summary>The filter, or null and why there is none; <paramref name="own"/> as for <see cref="MqttTopic.Parse"/>.</summary>
    public static MqttFilter? Parse(string text, string? own, MqttOptions options, out ReasonCode fault)
    {
        string? group = null;
        fault = ReasonCode.TopicFilterInvalid;
        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > options.LongestTopic) return null;
        if (text.StartsWith(Shared, StringComparison.Ordinal))
        {
            var end = text.IndexOf('/', Shared.Length);
            if (end <= Shared.Length || end == text.Length - 1) return null;
            (group, text) = (text[Shared.Length..end], text[(end + 1)..]);
            if (group.AsSpan().ContainsAny('+', '#')) return null;
        }
        if (MqttTopic.Parse(text, own) is { Kind: TopicKind.SensorThings } topic)
        {
            // A path is read as it is: what + and # would mean in it, nobody has said.
            fault = ReasonCode.WildcardsNotSupported;
            if (text.AsSpan().ContainsAny('+', '#')) return null;
            fault = ReasonCode.Success;
            return new MqttFilter(group, topic.Municipality, topic, []);
        }
        var levels = text.Split('/');
        for (var i = 0; i < levels.Length; i++)
        {
            var wild = levels[i].AsSpan().ContainsAny('+', '#');
            if (wild && levels[i].Length > 1 || (levels[i] == "#" && i < levels.Length - 1)) return null;
        }
        if (levels.Length > options.MostLevels) return null;
        // A wildcard in the municipality's place, and what no municipality can be called, are foreign like any other.
        fault = Municipalities.IsSlug(levels[0]) ? ReasonCode.Success : ReasonCode.NotAuthorized;
        return fault == ReasonCode.Success ? new MqttFilter(group, levels[0], null, levels) : null;
    }
}
