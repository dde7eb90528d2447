namespace Allmende.Observations.SensorThings;

/// <summary>What a $filter of Observations says about whole chunks of them (<c>observation_pack</c>, or the view's columns <c>chunk_…</c>).</summary>
sealed partial class SqlFilter
{
    /// <summary>The conditions that all must hold.</summary>
    public static List<Node> Conjuncts(Node? filter) => filter switch
    {
        null => [],
        Binary { Operator: "and" } and => [.. Conjuncts(and.Left), .. Conjuncts(and.Right)],
        _ => [filter],
    };

    /// <summary>True if the condition speaks of nothing but what all of a chunk have in common: their Datastream and feature of interest.</summary>
    public static bool IsDecidedByChunk(Node node)
    {
        var paths = Paths(node).ToList();
        return paths.Count > 0 && paths.TrueForAll(path => path.Segments is ["Datastream" or "MultiDatastream" or "FeatureOfInterest", _, ..]);
    }

    /// <summary>A condition that a chunk fulfils if an observation in it fulfils <paramref name="node"/>; null if there is none to be had.</summary>
    public string? OfChunk(string chunk, Node node) => node switch
    {
        _ when IsDecidedByChunk(node) => Condition(Model.Observations, chunk, node),
        Binary { Operator: "and" } and => (OfChunk(chunk, and.Left), OfChunk(chunk, and.Right)) switch
        {
            (null, var right) => right,
            (var left, null) => left,
            var (left, right) => $"({left} AND {right})",
        },
        Binary { Operator: "or" } or => OfChunk(chunk, or.Left) is { } left && OfChunk(chunk, or.Right) is { } right ? $"({left} OR {right})" : null,
        Binary { Left: PathNode path } comparison => Bounds(chunk, path, comparison.Operator, comparison.Right),
        Binary { Right: PathNode path } comparison => Bounds(chunk, path, Mirrored(comparison.Operator), comparison.Left),
        Call { Function: "before", Arguments: [PathNode path, var time] } => Bounds(chunk, path, "lt", time),
        Call { Function: "after", Arguments: [PathNode path, var time] } => Bounds(chunk, path, "gt", time),
        Call { Function: "during", Arguments: [PathNode path, var time] } => Bounds(chunk, path, "eq", time),
        _ => null,
    };

    /// <summary>Bounds that follow from comparing phenomenonTime or result with something that is the same for every observation.</summary>
    string? Bounds(string chunk, PathNode path, string comparison, Node other)
    {
        if (path.Segments.Count != 1 || Paths(other).Any()) return null;
        if (path.Segments[0] == "phenomenonTime")
        {
            var time = Value(Model.Observations, chunk, other);
            // What is packed has no end of its own, so it lies between; of an interval either bound may be meant.
            return time.Type is SqlType.Time or SqlType.Interval ? Bounds($"{chunk}.chunk_from", $"{chunk}.chunk_to", comparison, time.Text, time.Second ?? time.Text) : null;
        }
        if (path.Segments[0] == "result")
        {
            var number = Value(Model.Observations, chunk, other);
            return number.Type == SqlType.Number ? Bounds($"{chunk}.chunk_min", $"{chunk}.chunk_max", comparison, number.Text, number.Text) : null;
        }
        return null;
    }

    static string? Bounds(string least, string greatest, string comparison, string from, string to) => comparison switch
    {
        "gt" or "ge" => $"{greatest} >= {from}",
        "lt" or "le" => $"{least} <= {to}",
        "eq" => $"({greatest} >= {from} AND {least} <= {to})",
        _ => null,
    };

    static string Mirrored(string comparison) => comparison switch { "gt" => "lt", "ge" => "le", "lt" => "gt", "le" => "ge", _ => comparison };

    static IEnumerable<PathNode> Paths(Node node) => node switch
    {
        PathNode path => [path],
        Unary unary => Paths(unary.Operand),
        Binary binary => Paths(binary.Left).Concat(Paths(binary.Right)),
        Call call => call.Arguments.SelectMany(Paths),
        _ => [],
    };
}
