using System.Text.Json;

namespace Allmende.Simulator.Sending;

/// <summary>
/// Which stretches of time have been delivered completely, kept in a file. A run sends what is missing and nothing twice; one that was interrupted,
/// a back-fill among them, goes on where it ended.
/// </summary>
sealed class Coverage
{
    readonly string file;
    readonly string town;
    List<Stretch> stretches;

    Coverage(string file, string town, List<Stretch> stretches) => (this.file, this.town, this.stretches) = (file, town, stretches);

    /// <summary>From (inclusive) to (exclusive), UTC.</summary>
    public readonly record struct Stretch(DateTime From, DateTime To);

    sealed record Content(string Town, List<Stretch> Delivered);

    /// <summary>What the file says, if it speaks of the same town; nothing otherwise.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="town">Name, seed and size: another town shares no message with this one.</param>
    public static Coverage Load(string file, string town)
    {
        try
        {
            var content = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(file));
            return new Coverage(file, town, content?.Town == town ? content.Delivered : []);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return new Coverage(file, town, []);
        }
    }

    /// <summary>The parts between two times that were not delivered, oldest first.</summary>
    public IReadOnlyList<Stretch> Missing(DateTime from, DateTime to)
    {
        var missing = new List<Stretch>();
        foreach (var stretch in stretches.Where(stretch => stretch.To > from && stretch.From < to))
        {
            if (stretch.From > from)
                missing.Add(new Stretch(from, stretch.From));
            from = stretch.To;
        }
        if (from < to)
            missing.Add(new Stretch(from, to));
        return missing;
    }

    /// <summary>Notes a stretch as delivered.</summary>
    public void Add(DateTime from, DateTime to)
    {
        if (to <= from)
            return;
        var merged = new List<Stretch>();
        foreach (var stretch in stretches.Append(new Stretch(from, to)).OrderBy(stretch => stretch.From))
        {
            if (merged.Count > 0 && stretch.From <= merged[^1].To)
                merged[^1] = new Stretch(merged[^1].From, stretch.To > merged[^1].To ? stretch.To : merged[^1].To);
            else
                merged.Add(stretch);
        }
        stretches = merged;
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Save()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var draft = file + ".tmp";
        File.WriteAllBytes(draft, JsonSerializer.SerializeToUtf8Bytes(new Content(town, stretches)));
        File.Move(draft, file, overwrite: true);
    }
}
