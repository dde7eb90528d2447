using System.Globalization;
using System.Text;
using Npgsql;

namespace Allmende.Observations.SensorThings;

/// <summary>Where a row's JSON stands (without its closing brace) and what links its expansions to it.</summary>
readonly record struct Row(int Start, int Length, string IdInPath, long?[] Links);

/// <summary>One set in the tree of an answer: its options, its rows, its expansions.</summary>
sealed class Level(EntitySet set, QueryOptions options, Level? parent, Navigation? via, int index)
{
    readonly List<Property> properties = set.Properties.Where(property => options.Select is null || options.Select.Contains(property.Name)).ToList();
    readonly bool writesId = options.Select is null || options.Select.Contains("id") || options.Select.Contains("@iot.id");
    readonly bool writesSelfLink = options.Select is null || options.Select.Contains("@iot.selfLink") || options.Select.Contains("selfLink");
    string root = "";
    byte[] selfLinkStart = [];
    byte[][] propertyNames = [];
    byte[][] navigationLinks = [];

    public EntitySet Set { get; } = set;
    public QueryOptions Options { get; } = options;
    public Level? Parent { get; } = parent;
    public Navigation? Via { get; } = via;
    /// <summary>Place among the parent's expansions.</summary>
    public int Index { get; } = index;
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;
    public List<Level> Children { get; } = [];
    public JsonBuffer Buffer { get; } = new();
    public List<Row> Rows { get; } = [];
    /// <summary>Rows of a link: they come one after the other.</summary>
    public Dictionary<long, (int First, int Count)> ByLink { get; } = [];
    /// <summary>Links that have more rows than the page.</summary>
    public HashSet<long> More { get; } = [];
    public Dictionary<long, long>? Counts { get; set; }

    /// <summary>True for the newest Observation of each Datastream, which is kept apart.</summary>
    public bool IsLatest => Via is { Name: "Observations", Condition: "{0}.datastream = {1}" } && Options is { Page: 1, Skip: 0, Filter: null }
        && Options.OrderBy is [(PathNode { Segments: ["phenomenonTime"] }, true)];

    /// <summary>Columns: link, what makes the id, links of the expansions, properties.</summary>
    public string SelectList(string row, string link)
    {
        var list = new StringBuilder(link);
        list.Append(Set == Model.Observations ? $", {row}.datastream, {row}.time" : $", {Model.Format(Set.Id, row)}, {row}.quoted");
        foreach (var child in Children) list.Append(", ").Append(Model.Format(child.Via!.Link, row));
        foreach (var property in properties)
            foreach (var column in property.Columns) list.Append(", ").Append(Model.Format(column, row));
        return list.ToString();
    }

    public async Task ReadAsync(NpgsqlDataReader reader, string rootAddress, CancellationToken cancellation)
    {
        root = rootAddress;
        selfLinkStart = Encoding.UTF8.GetBytes($"{root}{Set.Name}(");
        navigationLinks = Set.Navigations
            .Where(navigation => !Children.Exists(child => child.Via == navigation) && (Options.Select is null || Options.Select.Contains(navigation.Name)))
            .SelectMany(navigation => new[] { $"\"{navigation.Name}@iot.navigationLink\":\"", $"/{navigation.Name}\"," }.Select(Encoding.UTF8.GetBytes)).ToArray();
        propertyNames = properties.ConvertAll(property => Encoding.UTF8.GetBytes($"\"{property.Name}\":")).ToArray();
        foreach (var name in Options.Select ?? (IReadOnlySet<string>)new HashSet<string>())
            if (name is not ("id" or "@iot.id" or "@iot.selfLink" or "selfLink") && Set.Property(name) is null && Set.Navigation(name) is null)
                throw new SensorThingsException(400, $"{Set.Name} have no property '{name}' to select");
        while (await reader.ReadAsync(cancellation)) ReadRow(reader);
    }

    void ReadRow(NpgsqlDataReader reader)
    {
        var link = reader.GetInt64(0);
        var rows = ByLink.TryGetValue(link, out var known) ? known : (First: Rows.Count, Count: 0);
        if (Via is null or { Many: true } && rows.Count >= Options.Page)
        {
            More.Add(link);
            ByLink[link] = rows;
            return;
        }
        var at = 1;
        string id;
        var quoted = false;
        if (Set == Model.Observations)
        {
            id = Ids.OfObservation(reader.GetInt64(1), reader.GetDateTime(2));
            at = 3;
        }
        else
        {
            id = reader.GetString(at++);
            quoted = reader.GetBoolean(at++);
        }
        var links = Children.Count == 0 ? [] : new long?[Children.Count];
        for (var i = 0; i < links.Length; i++, at++) links[i] = reader.IsDBNull(at) ? null : reader.GetInt64(at);
        var start = Buffer.Length;
        var inPath = Ids.InPath(id, quoted);
        WriteRow(reader, id, inPath, at);
        Rows.Add(new Row(start, Buffer.Length - start, inPath, links));
        ByLink[link] = (rows.First, rows.Count + 1);
        if (IsLatest && reader.GetInt64(reader.FieldCount - 1) > 1) More.Add(link);
    }

    void WriteRow(NpgsqlDataReader reader, string id, string inPath, int at)
    {
        Buffer.Raw("{"u8);
        if (writesId)
        {
            Buffer.Raw("\"@iot.id\":"u8);
            if (inPath[0] == '\'') Buffer.Text(id); else Buffer.Raw(id);
            Buffer.Raw(","u8);
        }
        if (writesSelfLink)
        {
            Buffer.Raw("\"@iot.selfLink\":\""u8);
            WriteSelfLink(inPath);
            Buffer.Raw("\","u8);
        }
        for (var i = 0; i < properties.Count; i++)
        {
            WriteProperty(reader, properties[i], propertyNames[i], at);
            at += properties[i].Columns.Length;
        }
        for (var i = 0; i < navigationLinks.Length; i += 2)
        {
            Buffer.Raw(navigationLinks[i]);
            WriteSelfLink(inPath);
            Buffer.Raw(navigationLinks[i + 1]);
        }
        if (Buffer.Slice(Buffer.Length - 1, 1)[0] == ',') Buffer.Back();
    }

    void WriteSelfLink(string idInPath)
    {
        Buffer.Raw(selfLinkStart);
        Buffer.Raw(idInPath);
        Buffer.Raw(")"u8);
    }

    public string SelfLink(Row row) => string.Create(CultureInfo.InvariantCulture, $"{root}{Set.Name}({row.IdInPath})");

    void WriteProperty(NpgsqlDataReader reader, Property property, ReadOnlySpan<byte> name, int at)
    {
        // What the standard calls optional is left out where there is nothing.
        var missing = reader.IsDBNull(at);
        if (missing && property.Kind is PropertyKind.OptionalInterval or PropertyKind.Extra) return;
        if (missing && property.Name == "observedArea") return;
        Buffer.Raw(name);
        switch (property.Kind)
        {
            case PropertyKind.Result:
                if (!missing) Buffer.Number(reader.GetDouble(at));
                else if (reader.IsDBNull(at + 1)) Buffer.Raw("null"u8);
                else Buffer.Raw(reader.GetString(at + 1));
                break;
            case PropertyKind.Quality when !reader.IsDBNull(at + 1): Buffer.Raw(reader.GetString(at + 1)); break;
            case PropertyKind.Quality: QualityJson.Write(Buffer, (Contracts.Quality)reader.GetInt16(at)); break;
            case var _ when missing: Buffer.Raw("null"u8); break;
            case PropertyKind.Text: Buffer.Text(reader.GetString(at)); break;
            case PropertyKind.Json or PropertyKind.Extra: Buffer.Raw(reader.GetString(at)); break;
            case PropertyKind.Time: Buffer.Time(reader.GetDateTime(at)); break;
            case PropertyKind.Interval: Buffer.Interval(reader.GetDateTime(at), reader.IsDBNull(at + 1) ? null : reader.GetDateTime(at + 1)); break;
            case PropertyKind.OptionalInterval: Buffer.Interval(reader.GetDateTime(at), reader.GetDateTime(at + 1)); break;
            default: throw new InvalidOperationException($"a property of kind {property.Kind}");
        }
        Buffer.Raw(","u8);
    }
}

/// <summary>Our flags as resultQuality.</summary>
static class QualityJson
{
    static readonly byte[] Good = """{"flag":"good","reasons":[]}"""u8.ToArray();

    public static void Write(JsonBuffer buffer, Contracts.Quality quality)
    {
        if (quality == Contracts.Quality.Good) { buffer.Raw(Good); return; }
        buffer.Raw(Text(quality));
    }

    public static string Text(Contracts.Quality quality) =>
        $$"""{"flag":"{{Contracts.QualityRules.Flag(quality)}}","reasons":[{{string.Join(',', Contracts.QualityRules.Reasons(quality).Select(reason => $"\"{reason}\""))}}]}""";
}
