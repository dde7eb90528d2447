using System.Globalization;
using System.Text.RegularExpressions;

namespace Allmende.Observations.SensorThings;

/// <summary>The system query options of a request or of one $expand (OGC 18-088 section 9.3).</summary>
sealed partial class QueryOptions
{
    /// <summary>Entities of a page where the client does not say.</summary>
    public const int DefaultPage = 100;
    /// <summary>Entities of a page at the most.</summary>
    public const int LargestPage = 10_000;
    const int DeepestExpand = 6;
    const int MostExpands = 24;
    const int MostParts = 50;

    public int? Top { get; private set; }
    public long Skip { get; private set; }
    public bool Count { get; private set; }
    public Node? Filter { get; private set; }
    public IReadOnlyList<(Node Node, bool Descending)> OrderBy { get; private set; } = [];
    /// <summary>What is written of each entity; null for everything.</summary>
    public IReadOnlySet<string>? Select { get; private set; }
    /// <summary>Of a selected property these parts alone.</summary>
    public ILookup<string, string[]> SelectedParts { get; private set; } = NoParts;
    public List<Expansion> Expand { get; } = [];
    public ResultFormat Format { get; private set; }
    /// <summary>The last Observation of the page before: this one begins behind it, whatever was added since.</summary>
    public (long Datastream, DateTime Time)? After { get; private set; }

    /// <summary>The options as they were given, for the link to the next page.</summary>
    public List<(string Name, string Value)> Given { get; } = [];

    /// <summary>
    /// The query of the page that begins at <paramref name="skip"/>: what the client asked, and not a <c>$top</c> that it did not send. Clients look at $skip to see
    /// how far they are; where there is an <paramref name="after"/>, that decides.
    /// </summary>
    public string Next(long skip, string? after)
    {
        var options = Given.Where(option => option.Name is not ("$skip" or "$skiptoken")).Append(("$skip", skip.ToString(CultureInfo.InvariantCulture)));
        if (after is not null) options = options.Append(("$skiptoken", after));
        return string.Join('&', options.Select(option => option.Item1 + "=" + Uri.EscapeDataString(option.Item2)));
    }

    /// <summary>Writes one property alone, e.g. that which a path ends in, or the link of a <c>$ref</c>.</summary>
    public void SelectOnly(string property) => (Select, SelectedParts) = (new HashSet<string>(StringComparer.Ordinal) { property }, NoParts);

    static readonly ILookup<string, string[]> NoParts = Array.Empty<string[]>().ToLookup(path => path[0], StringComparer.Ordinal);

    /// <summary>Entities of this page.</summary>
    public int Page => Math.Min(Top ?? DefaultPage, LargestPage);

    /// <summary>The page becomes as large as it can be.</summary>
    public void TakeLargestPage() => Top = LargestPage;

    /// <summary>Parses the query part of an address, with or without its question mark.</summary>
    public static QueryOptions Parse(string query)
    {
        var options = new QueryOptions();
        foreach (var part in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(equals < 0 ? part : part[..equals]);
            if (name.StartsWith('$')) options.Set(name, equals < 0 ? "" : Decode(part[(equals + 1)..]), 0);
        }
        if (options.After is not null && !options.IsByTime) throw new SensorThingsException(400, "$skiptoken goes with the link that it came in, and not with this $orderby");
        return options;
    }

    /// <summary>In a query a plus is a space, but for the one that begins a time zone.</summary>
    static string Decode(string text) => Uri.UnescapeDataString(PlusForSpace().Replace(text, " "));

    [GeneratedRegex(@"\+(?!\d\d:?\d\d)")]
    private static partial Regex PlusForSpace();

    /// <summary>True where Observations come in an order that their key alone continues.</summary>
    public bool IsByTime => OrderBy is [] or [(PathNode { Segments: ["phenomenonTime"] }, _)];

    void Set(string name, string value, int depth)
    {
        Given.Add((name, value));
        if (depth > 0 && name is ("$resultFormat" or "$skiptoken")) throw new SensorThingsException(400, $"{name} is an option of the whole answer");
        switch (name)
        {
            case "$top": Top = (int)Number(name, value, int.MaxValue); break;
            case "$skip": Skip = Number(name, value, long.MaxValue); break;
            case "$count":
                Count = value switch { "true" => true, "false" => false, _ => throw new SensorThingsException(400, $"$count must be true or false, not '{value}'") };
                break;
            case "$filter": Filter = FilterParser.Parse(value); break;
            case "$orderby": OrderBy = ParseOrderBy(value); break;
            case "$select": ParseSelect(value); break;
            case "$expand": ParseExpand(new Lexer(value), depth); break;
            case "$resultFormat": Format = ParseFormat(value); break;
            case "$skiptoken":
                After = Ids.TryObservation(value, out var datastream, out var time) ? (datastream, time) : throw new SensorThingsException(400, $"'{value}' is no $skiptoken of ours");
                break;
            default: throw new SensorThingsException(400, $"there is no query option '{name}'");
        }
    }

    static long Number(string name, string value, long most) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw new SensorThingsException(400, $"{name} must be a whole number from 0 on, not '{value}'");

    static List<(Node, bool)> ParseOrderBy(string value)
    {
        var lexer = new Lexer(value);
        var parser = new FilterParser(lexer);
        var order = new List<(Node, bool)>();
        do
        {
            var node = parser.Expression();
            var descending = lexer.AcceptWord("desc");
            if (!descending) lexer.AcceptWord("asc");
            order.Add((node, descending));
        }
        while (lexer.Accept(TokenKind.Comma));
        lexer.Expect(TokenKind.End, "',' or the end");
        return order;
    }

    void ParseSelect(string value)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var whole = new HashSet<string>(StringComparer.Ordinal);
        var parts = new List<string[]>();
        var all = false;
        var lexer = new Lexer(value);
        do
        {
            if (lexer.Accept(TokenKind.Star)) { all = true; continue; }
            var path = new List<string> { lexer.Expect(TokenKind.Name, "a property").Text };
            while (lexer.Accept(TokenKind.Slash)) path.Add(lexer.Expect(TokenKind.Name, "a name").Text);
            names.Add(path[0]);
            if (path.Count == 1) whole.Add(path[0]); else parts.Add([.. path]);
            if (parts.Count > MostParts) throw SensorThingsException.At(lexer.Current.Position, $"more than {MostParts} parts of properties selected");
        }
        while (lexer.Accept(TokenKind.Comma));
        lexer.Expect(TokenKind.End, "',' or the end");
        Select = all ? null : names;
        SelectedParts = parts.Where(path => !all && !whole.Contains(path[0])).ToLookup(path => path[0], path => path[1..], StringComparer.Ordinal);
    }

    static ResultFormat ParseFormat(string value) => value.ToUpperInvariant() switch
    {
        "" or "JSON" => ResultFormat.Json,
        "DATAARRAY" => ResultFormat.DataArray,
        "CSV" => ResultFormat.Csv,
        "GEOJSON" => ResultFormat.GeoJson,
        _ => throw new SensorThingsException(400, $"$resultFormat must be dataArray, CSV or GeoJSON, not '{value}'"),
    };

    void ParseExpand(Lexer lexer, int depth)
    {
        if (depth >= DeepestExpand) throw SensorThingsException.At(lexer.Current.Position, $"$expand nested deeper than {DeepestExpand} levels");
        do ParseExpansion(lexer, depth);
        while (lexer.Accept(TokenKind.Comma));
        lexer.Expect(TokenKind.End, "',' or the end");
    }

    void ParseExpansion(Lexer lexer, int depth)
    {
        var name = lexer.Expect(TokenKind.Name, "a navigation property");
        var expansion = Expand.Find(known => known.Name == name.Text);
        if (expansion is null) Expand.Add(expansion = new Expansion(name.Text, new QueryOptions(), name.Position));
        if (Expand.Count > MostExpands) throw SensorThingsException.At(name.Position, $"more than {MostExpands} expansions");
        if (lexer.Accept(TokenKind.Slash))
        {
            if (depth + 1 >= DeepestExpand) throw SensorThingsException.At(name.Position, $"$expand nested deeper than {DeepestExpand} levels");
            expansion.Options.ParseExpansion(lexer, depth + 1);
            return;
        }
        if (!lexer.Accept(TokenKind.Open)) return;
        do
        {
            var option = lexer.Expect(TokenKind.Name, "a query option");
            if (lexer.Current.Kind != TokenKind.Equals) throw SensorThingsException.At(lexer.Current.Position, "'=' expected");
            lexer.Accept(TokenKind.Equals);
            var (text, position) = lexer.RestOfOption();
            try { expansion.Options.Set(option.Text, text.Trim(), depth + 1); }
            catch (SensorThingsException fault) { throw new SensorThingsException(400, $"in {option.Text} of {name.Text} (from character {position + 1}): {fault.Message}"); }
        }
        while (lexer.Accept(TokenKind.Semicolon));
        lexer.Expect(TokenKind.Close, "')'");
    }
}

/// <summary>How an answer is written.</summary>
enum ResultFormat
{
    /// <summary>OGC 18-088 section 8.</summary>
    Json,
    /// <summary>OGC 18-088 section 12.1: Observations as arrays, by Datastream.</summary>
    DataArray,
    /// <summary>RFC 4180, as FROST's extension has it.</summary>
    Csv,
    /// <summary>RFC 7946, as FROST's extension has it.</summary>
    GeoJson,
}

/// <summary>One expanded navigation property with its own options.</summary>
sealed record Expansion(string Name, QueryOptions Options, int Position);
