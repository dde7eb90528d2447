using System.Globalization;
using System.Text;
using Allmende.Contracts;
using Allmende.Platform.Log;

namespace Allmende.Observations.Live;

/// <summary>
/// Where a reader stands in a municipality's topics <c>observations</c> and <c>entities</c>: what lies after it is new to it. As text
/// <c>0:1764150000000.0,1:1764150000007.2,e0:1764140000000.0</c>: partition, place, those of <c>entities</c> with an <c>e</c>.
/// </summary>
sealed class LogPlace
{
    const int MostPartitions = 128;
    readonly LogPosition[] observations;
    readonly LogPosition[] entities;
    string? text, observationsText;

    LogPlace(LogPosition[] observations, LogPosition[] entities) => (this.observations, this.entities) = (observations, entities);

    public static LogPlace Of(IEnumerable<LogPosition> observations, IEnumerable<LogPosition> entities) =>
        new([.. observations.OrderBy(position => position.Partition)], [.. entities.OrderBy(position => position.Partition)]);

    /// <summary>The places in one topic, one for each partition that is known.</summary>
    public IReadOnlyList<LogPosition> In(string topic) => topic == Topics.Entities ? entities : observations;

    /// <summary>The same but for one partition.</summary>
    public LogPlace With(string topic, LogPosition position) =>
        topic == Topics.Entities ? new(observations, Put(entities, position)) : new(Put(observations, position), entities);

    /// <summary>This place where it names a partition, <paramref name="other"/> elsewhere.</summary>
    public LogPlace Or(LogPlace other) => new(Or(observations, other.observations), Or(entities, other.entities));

    /// <summary>The later place of each partition.</summary>
    public LogPlace Later(LogPlace other) => new(Later(observations, other.observations), Later(entities, other.entities));

    /// <summary>True if this place lies before <paramref name="other"/> in some partition.</summary>
    public bool IsBefore(LogPlace other) => IsBefore(observations, other.observations) || IsBefore(entities, other.entities);

    static LogPosition[] Put(LogPosition[] positions, LogPosition position)
    {
        var index = Array.FindIndex(positions, one => one.Partition == position.Partition);
        if (index < 0) return [.. positions.Append(position).OrderBy(one => one.Partition)];
        var copy = (LogPosition[])positions.Clone();
        copy[index] = position;
        return copy;
    }

    static LogPosition[] Or(LogPosition[] own, LogPosition[] other) =>
        [.. own.Concat(other.Where(one => !Array.Exists(own, known => known.Partition == one.Partition))).OrderBy(one => one.Partition)];

    static LogPosition[] Later(LogPosition[] own, LogPosition[] other) =>
        [.. own.Concat(other).GroupBy(one => one.Partition).Select(group => group.Max()).OrderBy(one => one.Partition)];

    static bool IsBefore(LogPosition[] own, LogPosition[] other) =>
        Array.Exists(other, one => Array.Exists(own, position => position.Partition == one.Partition && position < one));

    /// <summary>The places in <c>observations</c> alone, as text.</summary>
    public string ObservationsText => observationsText ??= Write(observations, "", new StringBuilder());

    public override string ToString() => text ??= Write(entities, "e", new StringBuilder(ObservationsText));

    static string Write(LogPosition[] positions, string prefix, StringBuilder into)
    {
        foreach (var (partition, major, minor) in positions)
            into.Append(into.Length > 0 ? "," : "").Append(prefix).Append(CultureInfo.InvariantCulture, $"{partition}:{major}.{minor}");
        return into.ToString();
    }

    /// <summary>Reads a place from its text; null if it is none. Of an empty one nothing is known: it is that of a topic without partitions.</summary>
    public static LogPlace? Parse(string text)
    {
        List<LogPosition> observations = [], entities = [];
        foreach (var part in text.Split(',', text.Length == 0 ? StringSplitOptions.RemoveEmptyEntries : StringSplitOptions.None))
        {
            var inEntities = part.StartsWith('e');
            var fields = part[(inEntities ? 1 : 0)..].Split(':', '.');
            if (fields.Length != 3 || !int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var partition) || partition >= MostPartitions
                || !long.TryParse(fields[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var major)
                || !long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var minor)) return null;
            var positions = inEntities ? entities : observations;
            if (positions.Exists(position => position.Partition == partition)) return null;
            positions.Add(new LogPosition(partition, major, minor));
        }
        return Of(observations, entities);
    }
}
