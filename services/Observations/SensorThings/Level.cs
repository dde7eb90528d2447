using System.Globalization;
using System.Text;
using Npgsql;

namespace Allmende.Observations.SensorThings;

/// <summary>Where a row's JSON stands (without the closing brace of an object) and what links its expansions to it.</summary>
readonly record struct Row(int Start, int Length, string IdInPath, long?[] Links)
{
    /// <summary>The id of an Observation: it is always quoted and never escaped.</summary>
    public string ObservationId => IdInPath[1..^1];
}

/// <summary>One set in the tree of an answer: its options, its rows, its expansions.</summary>
/// <param name="set">What is read.</param>
/// <param name="options">How.</param>
/// <param name="from">The set that one comes from, by the path or by <paramref name="parent"/>.</param>
/// <param name="reached">How one comes here from there.</param>
/// <param name="parent">The level that this one is an expansion of.</param>
/// <param name="index">Place among the parent's expansions.</param>
/// <param name="asArrays">Rows are written as arrays of values, without names and links.</param>
sealed class Level(EntitySet set, QueryOptions options, EntitySet? from, Navigation? reached, Level? parent, int index, bool asArrays = false)
{
    /// <summary>Bytes of one answer at the most.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    readonly List<Property> properties = set.Properties.Where(property => options.Select?.Contains(property.Name) ?? !property.OnDemand).ToList();
    readonly bool writesId = options.Select is null || options.Select.Contains("id") || options.Select.Contains("@iot.id");
    readonly bool writesSelfLink = options.Select is null ? !asArrays : options.Select.Contains("@iot.selfLink") || options.Select.Contains("selfLink");
    byte[] root = [];
    (Navigation Navigation, bool? OfMulti)[] links = [];

    public EntitySet Set { get; } = set;
    public QueryOptions Options { get; } = options;
    public Level? Parent { get; } = parent;
    /// <summary>How one comes here from the parent; null at the root.</summary>
    public Navigation? Via { get; } = parent is null ? null : reached;
    /// <summary>Place among the parent's expansions.</summary>
    public int Index { get; } = index;
    /// <summary>What stands in FROM.</summary>
    public string Table { get; } = reached is null ? set.Table : Model.TableOf(reached);
    /// <summary>SQL of the order without $orderby.</summary>
    public string[] Order { get; } = reached?.Order is { } order ? [order, .. set.Order] : set.Order;
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;
    public List<Level> Children { get; } = [];
    public JsonBuffer Buffer { get; } = new();
    public List<Row> Rows { get; } = [];
    /// <summary>Rows of a link: they come one after the other.</summary>
    public Dictionary<long, (int First, int Count)> ByLink { get; } = [];
    /// <summary>Links that have more rows than the page.</summary>
    public HashSet<long> More { get; } = [];
    public Dictionary<long, long>? Counts { get; set; }

    /// <summary>The names of a row's values, where rows are arrays.</summary>
    public IEnumerable<string> Components =>
        [.. writesId ? ["id"] : Array.Empty<string>(), .. writesSelfLink ? ["@iot.selfLink"] : Array.Empty<string>(), .. properties.Select(property => property.Name)];

    /// <summary>
    /// An Observation is linked to a Datastream or a MultiDatastream. Which one is known where one comes from there; elsewhere it is asked, if a link is to be written.
    /// </summary>
    bool AsksOfMulti => Set == Model.Observations && !asArrays && from != Model.Datastreams && from != Model.MultiDatastreams
        && Links.Any(link => link.Target is "Datastreams" or "MultiDatastreams");

    IEnumerable<Navigation> Links => asArrays ? [] : Set.Navigations.Where(navigation =>
        !Children.Exists(child => child.Via == navigation) && (Options.Select is null || Options.Select.Contains(navigation.Name))
        && !(Set == Model.Observations && (from == Model.Datastreams && navigation.Target == "MultiDatastreams" || from == Model.MultiDatastreams && navigation.Target == "Datastreams")));

    /// <summary>True for the newest Observation of each Datastream, which is kept apart.</summary>
    public bool IsLatest => Via is { Name: "Observations", Condition: "{0}.datastream = {1}" } && Options is { Page: 1, Skip: 0, Filter: null }
        && Options.OrderBy is [(PathNode { Segments: ["phenomenonTime"] }, true)];

    /// <summary>Columns of row <c>r</c>: link, what makes the id, links of the expansions, properties.</summary>
    public string SelectList(string link)
    {
        var list = new StringBuilder(link, 512).Append(", ").Append(Set.SelectedId);
        foreach (var child in Children) list.Append(", ").Append(child.Via!.SelectedLink);
        foreach (var property in properties) list.Append(", ").Append(Selected(property));
        if (AsksOfMulti) list.Append(", ").Append(Model.Format(Model.IsOfMulti, "r"));
        return list.ToString();
    }

    /// <summary>SQL of what is joined to row <c>r</c> for <see cref="SelectList"/>; empty, or with a space before it.</summary>
    public string Joins => string.Concat(properties.Select(property => property.Join));

    /// <summary>The column, or of a JSON property the selected parts alone.</summary>
    string Selected(Property property) => Options.SelectedParts.Contains(property.Name) && property.Kind is PropertyKind.Json or PropertyKind.Extra
        ? $"jsonb_strip_nulls({PartsOf(property.Selected, Options.SelectedParts[property.Name].ToList())})"
        : property.Selected;

    /// <summary>SQL of an object that holds those parts of <paramref name="json"/>.</summary>
    static string PartsOf(string json, List<string[]> parts) => "jsonb_build_object(" + string.Join(", ", parts.GroupBy(path => path[0], StringComparer.Ordinal).Select(group =>
    {
        var name = "'" + group.Key.Replace("'", "''", StringComparison.Ordinal) + "'";
        var part = $"({json} -> {name})";
        return $"{name}, {(group.Any(path => path.Length == 1) ? part : PartsOf(part, group.Select(path => path[1..]).ToList()))}";
    })) + ")";

    /// <summary>Reads the rows of a statement.</summary>
    /// <returns>Bytes that are left of <paramref name="budget"/>.</returns>
    public async Task<int> ReadAsync(NpgsqlDataReader reader, byte[] rootAddress, int budget, CancellationToken cancellation)
    {
        root = rootAddress;
        var asks = AsksOfMulti;
        links = Links.Select(navigation => (navigation, asks && navigation.Target is "Datastreams" or "MultiDatastreams" ? navigation.Target == "MultiDatastreams" : (bool?)null)).ToArray();
        while (await reader.ReadAsync(cancellation))
        {
            ReadRow(reader);
            if (Buffer.Length > budget) throw new SensorThingsException(400, $"the answer would be larger than {MostBytes >> 20} MiB; ask for less with $top, $select or $filter");
        }
        return budget - Buffer.Length;
    }

    /// <summary>Refuses a $select of what there is not.</summary>
    public void CheckSelect()
    {
        foreach (var name in Options.Select ?? (IReadOnlySet<string>)new HashSet<string>())
        {
            if (name is "id" or "@iot.id" or "@iot.selfLink" or "selfLink" || Set.Navigation(name) is not null) continue;
            if (Set.Property(name) is not { } property) throw new SensorThingsException(400, $"{Set.Name} have no property '{name}' to select");
            if (Options.SelectedParts.Contains(name) && property.Kind is not (PropertyKind.Json or PropertyKind.Extra or PropertyKind.Result or PropertyKind.Quality))
                throw new SensorThingsException(400, $"'{name}' has no parts to select");
        }
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
        if (asArrays)
        {
            WriteArray(reader, id, inPath, at);
            return;
        }
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
            WriteProperty(reader, properties[i], at);
            at += properties[i].Columns.Length;
        }
        foreach (var (navigation, ofMulti) in links)
        {
            if (ofMulti is { } kind && kind != reader.GetBoolean(at)) continue;
            Buffer.Raw(navigation.LinkStart);
            WriteSelfLink(inPath);
            Buffer.Raw(navigation.LinkEnd);
        }
        if (Buffer.Slice(Buffer.Length - 1, 1)[0] == ',') Buffer.Back();
    }

    /// <summary>The values alone; what is missing is null, so that each stands at its place.</summary>
    void WriteArray(NpgsqlDataReader reader, string id, string inPath, int at)
    {
        Buffer.Raw("["u8);
        if (writesId)
        {
            Buffer.Text(id);
            Buffer.Raw(","u8);
        }
        if (writesSelfLink)
        {
            Buffer.Raw("\""u8);
            WriteSelfLink(inPath);
            Buffer.Raw("\","u8);
        }
        for (var i = 0; i < properties.Count; i++)
        {
            var before = Buffer.Length;
            WriteProperty(reader, properties[i], at);
            if (Buffer.Length == before) Buffer.Raw("null,"u8);
            at += properties[i].Columns.Length;
        }
        if (Buffer.Slice(Buffer.Length - 1, 1)[0] == ',') Buffer.Back();
        Buffer.Raw("]"u8);
    }

    void WriteSelfLink(string idInPath)
    {
        Buffer.Raw(root);
        Buffer.Raw(Set.AddressStart);
        Buffer.Raw(idInPath);
        Buffer.Raw(")"u8);
    }

    public string SelfLink(Row row) => string.Create(CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetString(root)}{Set.Name}({row.IdInPath})");

    void WriteProperty(NpgsqlDataReader reader, Property property, int at)
    {
        // What the standard calls optional is left out where there is nothing.
        var missing = reader.IsDBNull(at);
        if (missing && property.Kind is PropertyKind.OptionalInterval or PropertyKind.Extra) return;
        if (missing && property.Name == "observedArea") return;
        if (!asArrays) Buffer.Raw(property.JsonName);
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
