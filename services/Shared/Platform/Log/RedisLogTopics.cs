using System.Collections.Concurrent;
using System.Globalization;
using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>
/// Which topics there are: hash <c>log:topics</c>, <c>{municipality}/{topic}</c> → partitions. The number is fixed when a topic is first used, so that
/// another configuration later neither leaves records behind nor breaks the order of keys.
/// </summary>
sealed class RedisLogTopics(RedisConnection redis, LogOptions options)
{
    const string Key = "log:topics";
    readonly ConcurrentDictionary<(string Municipality, string Topic), int> known = new();

    /// <summary>Key of a partition's stream.</summary>
    public static string StreamOf(string municipality, string topic, int partition) =>
        string.Create(CultureInfo.InvariantCulture, $"log:{municipality}:{topic}:{partition}");

    /// <summary>The number of partitions, announcing the topic if it is new.</summary>
    public ValueTask<int> PartitionsAsync(string municipality, string topic) =>
        known.TryGetValue((municipality, topic), out var partitions) ? new(partitions) : new(AnnounceAsync(municipality, topic));

    async Task<int> AnnounceAsync(string municipality, string topic)
    {
        var name = municipality + "/" + topic;
        await redis.Commands.HashSetAsync(Key, name, options.Partitions, When.NotExists);
        return known[(municipality, topic)] = (int)await redis.Commands.HashGetAsync(Key, name);
    }

    /// <summary>The number of partitions, or what it would be if the topic came to be now.</summary>
    public async Task<int> PartitionsIfAnyAsync(string municipality, string topic) =>
        known.TryGetValue((municipality, topic), out var partitions) ? partitions
            : (int?)await redis.Commands.HashGetAsync(Key, municipality + "/" + topic) ?? options.Partitions;

    /// <summary>The municipalities that have the topic, with its partitions.</summary>
    public async Task<List<(string Municipality, int Partitions)>> WithAsync(string topic)
    {
        var suffix = "/" + topic;
        return (await redis.Commands.HashGetAllAsync(Key))
            .Select(entry => (Name: (string)entry.Name!, Partitions: (int)entry.Value))
            .Where(entry => entry.Name.EndsWith(suffix, StringComparison.Ordinal))
            .Select(entry => (entry.Name[..^suffix.Length], entry.Partitions))
            .ToList();
    }
}
