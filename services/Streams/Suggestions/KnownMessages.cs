using System.Collections.Frozen;
using Allmende.Streams.Library;

namespace Allmende.Streams.Suggestions;

/// <summary>What the library's examples tell of a codec's messages: on which ports they come, and how long they are.</summary>
sealed class KnownMessages(IEnumerable<CodecExample> examples)
{
    readonly FrozenDictionary<int, int[]> lengths = examples.Where(example => !example.Downlink)
        .GroupBy(example => example.FPort).ToFrozenDictionary(port => port.Key, port => port.Select(example => example.Payload.Length).Distinct().ToArray());

    /// <summary>Of every codec of the library, by its id.</summary>
    public static FrozenDictionary<string, KnownMessages> Of(DeviceLibrary library) =>
        library.Examples.ToFrozenDictionary(pair => pair.Key, pair => new KnownMessages(pair.Value), StringComparer.Ordinal);

    /// <summary>Whether messages come on this port.</summary>
    public bool HasPort(int port) => lengths.ContainsKey(port);

    /// <summary>1 if a message of exactly this length is known (on this port, where the port is known), 0.5 if shorter and longer ones are, else 0.</summary>
    public double Length(int port, int length)
    {
        var known = lengths.TryGetValue(port, out var onPort) ? onPort : [.. lengths.Values.SelectMany(all => all)];
        return known.Contains(length) ? 1 : known.Length > 0 && known.Min() < length && length < known.Max() ? 0.5 : 0;
    }
}
