using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// Entities as a table (RFC 4180). The columns follow from the question alone, so that all pages have the same: properties by their names, units and selected
/// parts of properties by their paths, expansions that are one for each with theirs before it (<c>Datastream/name</c>). Other objects are JSON in a field.
/// </summary>
static class CsvAnswer
{
    const int FlushFrom = 64 * 1024;

    /// <summary>Refuses expansions that are more than one for each: they have no place in a row.</summary>
    public static void Check(QueryOptions options, EntitySet set)
    {
        foreach (var expansion in options.Expand)
        {
            if (set.Navigation(expansion.Name) is not { } navigation) continue; // refused where it is read
            if (navigation.Many && expansion.Options.Page > 1) throw SensorThingsException.At(expansion.Position, $"a row of CSV has room for one of {expansion.Name}: say $top=1, or ask from the other side");
            Check(expansion.Options, Model.TargetOf(navigation));
        }
    }

    public static async Task WriteAsync(PipeWriter output, EntityReader reader, CancellationToken cancellation)
    {
        var header = new List<string>();
        var root = Columns(reader.Top, "", header);
        using var line = new JsonBuffer();
        foreach (var name in header) WriteField(line, System.Text.Encoding.UTF8.GetBytes(name));
        EndLine(line);
        var entity = new ArrayBufferWriter<byte>(4096);
        using var values = new JsonBuffer();
        var cells = new (int Start, int Length)[header.Count];
        for (var i = 0; i < reader.Top.Rows.Count; i++)
        {
            entity.ResetWrittenCount();
            reader.WriteEntity(entity, i);
            values.Clear();
            Array.Clear(cells);
            var json = new Utf8JsonReader(entity.WrittenSpan);
            json.Read();
            Read(ref json, root, values, cells, entity.WrittenSpan);
            foreach (var (start, length) in cells) WriteField(line, values.Slice(start, length));
            EndLine(line);
            if (line.Length < FlushFrom) continue;
            output.Write(line.Slice(0, line.Length));
            line.Clear();
            await output.FlushAsync(cancellation);
        }
        output.Write(line.Slice(0, line.Length));
    }

    /// <summary>Where the values of an object go: to a column, or they are objects themselves.</summary>
    sealed class Node
    {
        public Dictionary<string, Node> Members { get; } = new(StringComparer.Ordinal);
        public int Column { get; init; } = -1;
    }

    static Node Columns(Level level, string prefix, List<string> header)
    {
        var node = new Node();
        foreach (var component in level.Components.Where(name => name != "@iot.selfLink" || level.Options.Select is not null))
        {
            var name = component == "id" ? "@iot.id" : component;
            if (name is "unitOfMeasurement" && !level.Options.SelectedParts.Contains(name)) node.Members[name] = Parts(prefix + name, [["name"], ["symbol"], ["definition"]], header);
            else if (level.Set.Property(name)?.Kind is PropertyKind.Json or PropertyKind.Extra && level.Options.SelectedParts.Contains(name))
                node.Members[name] = Parts(prefix + name, [.. level.Options.SelectedParts[name]], header);
            else node.Members[name] = Column(prefix + component, header);
        }
        foreach (var child in level.Children) node.Members[child.Via!.Name] = Columns(child, prefix + child.Via.Name + "/", header);
        return node;
    }

    static Node Column(string name, List<string> header)
    {
        header.Add(name);
        return new Node { Column = header.Count - 1 };
    }

    static Node Parts(string prefix, List<string[]> paths, List<string> header)
    {
        var node = new Node();
        foreach (var group in paths.GroupBy(path => path[0], StringComparer.Ordinal))
        {
            var name = prefix + "/" + group.Key;
            node.Members[group.Key] = group.Any(path => path.Length == 1) ? Column(name, header) : Parts(name, group.Select(path => path[1..]).ToList(), header);
        }
        return node;
    }

    static void Read(ref Utf8JsonReader json, Node node, JsonBuffer values, (int, int)[] cells, ReadOnlySpan<byte> source)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var known = node.Members.GetValueOrDefault(json.GetString()!);
            json.Read();
            if (known is null) json.Skip();
            else if (known.Column >= 0) cells[known.Column] = Take(ref json, values, source);
            else if (json.TokenType == JsonTokenType.StartObject) Read(ref json, known, values, cells, source);
            else if (json.TokenType == JsonTokenType.StartArray)
            {
                while (json.Read() && json.TokenType != JsonTokenType.EndArray)
                    if (json.TokenType == JsonTokenType.StartObject) Read(ref json, known, values, cells, source); else json.Skip();
            }
        }
    }

    static (int Start, int Length) Take(ref Utf8JsonReader json, JsonBuffer values, ReadOnlySpan<byte> source)
    {
        var start = values.Length;
        if (json.TokenType == JsonTokenType.String) values.Raw(json.GetString()!);
        else if (json.TokenType != JsonTokenType.Null)
        {
            var from = (int)json.TokenStartIndex;
            json.Skip();
            values.Raw(source[from..(int)json.BytesConsumed]);
        }
        return (start, values.Length - start);
    }

    static void WriteField(JsonBuffer line, ReadOnlySpan<byte> value)
    {
        if (value.IndexOfAny(",\"\r\n"u8) < 0) line.Raw(value);
        else
        {
            line.Raw("\""u8);
            for (var quote = value.IndexOf((byte)'"'); quote >= 0; quote = value.IndexOf((byte)'"'))
            {
                line.Raw(value[..(quote + 1)]);
                line.Raw("\""u8);
                value = value[(quote + 1)..];
            }
            line.Raw(value);
            line.Raw("\""u8);
        }
        line.Raw(","u8);
    }

    static void EndLine(JsonBuffer line)
    {
        if (line.Length > 0 && line.Slice(line.Length - 1, 1)[0] == ',') line.Back();
        line.Raw("\r\n"u8);
    }
}
