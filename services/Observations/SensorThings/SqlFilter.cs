using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.SensorThings;

/// <summary>Type of a piece of SQL.</summary>
enum SqlType { Null, Boolean, Number, Text, Time, Interval, Duration, Json, Result, Geometry }

/// <summary>A piece of SQL; an interval and a result have two columns.</summary>
readonly record struct Sql(string Text, SqlType Type, string? Second = null);

/// <summary>Parameters of a statement; <c>$1</c> is always the access classes that the caller may read.</summary>
sealed class SqlParameters
{
    readonly NpgsqlParameterCollection parameters;

    public SqlParameters(NpgsqlParameterCollection parameters, string[] access)
    {
        this.parameters = parameters;
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = access });
    }

    public string Add<T>(T value)
    {
        parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return Name();
    }

    public string Add<T>(T value, NpgsqlDbType type)
    {
        parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
        return Name();
    }

    string Name() => "$" + parameters.Count.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Compiles $filter and $orderby to SQL. Literals become parameters. A comparison over a navigation path becomes EXISTS over what the path leads to,
/// with the visibility of each step: a filter must not tell what the caller may not see.
/// </summary>
sealed partial class SqlFilter(SqlParameters parameters)
{
    int aliases;

    /// <summary>A condition over row <paramref name="row"/> of <paramref name="set"/>.</summary>
    public string Condition(EntitySet set, string row, Node node) => node switch
    {
        Binary { Operator: "and" or "or" } logical =>
            $"({Condition(set, row, logical.Left)} {logical.Operator.ToUpperInvariant()} {Condition(set, row, logical.Right)})",
        Unary { Operator: "not" } not => $"(NOT coalesce({Condition(set, row, not.Operand)}, false))",
        _ => Atom(set, row, node),
    };

    /// <summary>Expressions to order by, the more important first.</summary>
    public string[] Order(EntitySet set, string row, Node node)
    {
        if (node is Literal) throw SensorThingsException.At(node.Position, "a constant gives no order");
        var sql = node is PathNode path ? OrderPath(set, row, path.Segments, path) : Value(set, row, node);
        return sql.Type switch
        {
            SqlType.Result => [sql.Text, sql.Second!],
            SqlType.Json => [$"nullif({sql.Text}, 'null'::jsonb)"],
            SqlType.Geometry => throw SensorThingsException.At(node.Position, "there is no order of geometries"),
            _ => [sql.Text],
        };
    }

    Sql OrderPath(EntitySet set, string row, IReadOnlyList<string> segments, PathNode path)
    {
        if (segments.Count == 1 || set.Navigation(segments[0]) is not { } navigation) return Value(set, row, path with { Segments = segments });
        if (navigation.Many) throw SensorThingsException.At(path.Position, $"cannot order by the collection {navigation.Name}");
        var target = Model.TargetOf(navigation);
        var alias = Alias();
        var inner = OrderPath(target, alias, segments.Skip(1).ToList(), path);
        string Led(string sql) => $"(SELECT {sql} FROM {Model.TableOf(navigation)} {alias} WHERE {Linked(navigation, target, row, alias)})";
        return inner with { Text = Led(inner.Text), Second = inner.Second is { } second ? Led(second) : null };
    }

    /// <summary>A comparison or a boolean function: what stands in it over a navigation is looked up together.</summary>
    string Atom(EntitySet set, string row, Node node)
    {
        if (NavigationIn(set, node) is not { } name)
        {
            var sql = Value(set, row, node);
            return sql.Type switch
            {
                SqlType.Boolean => sql.Text,
                SqlType.Json or SqlType.Result => $"{sql.Second ?? sql.Text} = 'true'::jsonb",
                _ => throw SensorThingsException.At(node.Position, "a condition expected"),
            };
        }
        var navigation = set.Navigation(name)!;
        var target = Model.TargetOf(navigation);
        var alias = Alias();
        var inner = Condition(target, alias, Strip(node, set, name, row));
        var exists = $"SELECT 1 FROM {Model.TableOf(navigation)} {alias} WHERE {Linked(navigation, target, row, alias)} AND {inner}";
        // Without OFFSET it would become a join with all observations, unpacked.
        return target == Model.Observations ? $"EXISTS ({exists} AND {OfChunk(alias, Strip(node, set, name, row)) ?? "true"} OFFSET 0)" : $"EXISTS ({exists})";
    }

    string Linked(Navigation navigation, EntitySet target, string row, string alias)
    {
        var link = Model.Format(navigation.Condition, alias, Model.Format(navigation.Link, row));
        return navigation.Inherits ? link : link + " AND " + Model.Format(target.Visible, alias);
    }

    string Alias() => "n" + (++aliases).ToString(CultureInfo.InvariantCulture);

    /// <summary>The first navigation that a path in <paramref name="node"/> takes.</summary>
    static string? NavigationIn(EntitySet set, Node node) => node switch
    {
        PathNode path => path.Segments.Count > 1 && set.Navigation(path.Segments[0]) is { } navigation ? navigation.Name : null,
        Unary unary => NavigationIn(set, unary.Operand),
        Binary binary => NavigationIn(set, binary.Left) ?? NavigationIn(set, binary.Right),
        Call call => call.Arguments.Select(argument => NavigationIn(set, argument)).FirstOrDefault(name => name is not null),
        _ => null,
    };

    /// <summary>The same expression seen from the navigation's target; paths that do not take it are bound to the outer row.</summary>
    static Node Strip(Node node, EntitySet set, string navigation, string row) => node switch
    {
        PathNode path when path.Segments.Count > 1 && path.Segments[0] == navigation => path with { Segments = path.Segments.Skip(1).ToList() },
        PathNode path => new OuterPath(set, row, path),
        Unary unary => unary with { Operand = Strip(unary.Operand, set, navigation, row) },
        Binary binary => binary with { Left = Strip(binary.Left, set, navigation, row), Right = Strip(binary.Right, set, navigation, row) },
        Call call => call with { Arguments = call.Arguments.Select(argument => Strip(argument, set, navigation, row)).ToList() },
        _ => node,
    };

    sealed record OuterPath(EntitySet Set, string Row, PathNode Path) : Node(Path.Position);

    Sql Value(EntitySet set, string row, Node node) => node switch
    {
        Literal literal => LiteralOf(literal),
        OuterPath outer => Value(outer.Set, outer.Row, outer.Path),
        PathNode path => PathOf(set, row, path),
        Unary { Operator: "-" } minus => new Sql($"(-{Number(Value(set, row, minus.Operand), minus)})", SqlType.Number),
        Unary or Binary { Operator: "and" or "or" } => new Sql(Condition(set, row, node), SqlType.Boolean),
        Binary { Operator: "add" or "sub" or "mul" or "div" or "mod" } arithmetic => Arithmetic(set, row, arithmetic),
        Binary comparison => new Sql(Compare(Value(set, row, comparison.Left), comparison.Operator, Value(set, row, comparison.Right), comparison), SqlType.Boolean),
        Call call => SqlFunctions.Call(call, call.Arguments.Select(argument => Value(set, row, argument)).ToList()),
        _ => throw SensorThingsException.At(node.Position, "a value expected"),
    };

    Sql LiteralOf(Literal literal) => literal.Value switch
    {
        null => new Sql("NULL", SqlType.Null),
        bool truth => new Sql(truth ? "true" : "false", SqlType.Boolean),
        double number => new Sql(parameters.Add(number), SqlType.Number),
        string text when text.Contains('\0', StringComparison.Ordinal) => throw SensorThingsException.At(literal.Position, "the text holds a NUL character"),
        string text => new Sql(parameters.Add(text), SqlType.Text),
        DateTime time => new Sql(parameters.Add(time, NpgsqlDbType.TimestampTz), SqlType.Time),
        TimeInterval interval => new Sql(parameters.Add(interval.Start, NpgsqlDbType.TimestampTz), SqlType.Interval, parameters.Add(interval.End, NpgsqlDbType.TimestampTz)),
        TimeSpan duration => new Sql(parameters.Add(duration, NpgsqlDbType.Interval), SqlType.Duration),
        GeometryLiteral geometry => new Sql($"ST_GeomFromText({parameters.Add(geometry.Wkt)}, 4326)", SqlType.Geometry),
        var other => throw new InvalidOperationException($"a literal of {other.GetType()}"),
    };

    Sql PathOf(EntitySet set, string row, PathNode path)
    {
        var name = path.Segments[0];
        if (name is "id" or "@iot.id" && path.Segments.Count == 1) return new Sql(Model.Format(set.Id, row), SqlType.Text);
        if (set.Navigation(name) is not null) throw SensorThingsException.At(path.Position, $"'{name}' leads to entities: say which property of theirs");
        if (set.Property(name) is not { } property) throw SensorThingsException.At(path.Position, $"{set.Name} have no property '{name}'");
        var first = Model.Format(property.Columns[0], row);
        if (path.Segments.Count > 1)
        {
            var json = property.Kind switch
            {
                PropertyKind.Json or PropertyKind.Extra => first,
                PropertyKind.Result => Model.Format(property.Columns[1], row),
                PropertyKind.Quality => Quality(property, row),
                _ => throw SensorThingsException.At(path.Position, $"'{name}' has no parts"),
            };
            return new Sql($"({json} #> {parameters.Add(path.Segments.Skip(1).ToArray())})", SqlType.Json);
        }
        return property.Kind switch
        {
            PropertyKind.Text => new Sql(first, SqlType.Text),
            PropertyKind.Time => new Sql(first, SqlType.Time),
            PropertyKind.Interval or PropertyKind.OptionalInterval => new Sql(first, SqlType.Interval, $"coalesce({Model.Format(property.Columns[1], row)}, {first})"),
            PropertyKind.Result => new Sql(first, SqlType.Result, Model.Format(property.Columns[1], row)),
            PropertyKind.Quality => new Sql(Quality(property, row), SqlType.Json),
            _ when property.Geometry is { } geometry => new Sql(Model.Format(geometry, row), SqlType.Geometry),
            _ => new Sql(first, SqlType.Json),
        };
    }

    /// <summary>resultQuality as it is written: the client's own, else our flags.</summary>
    static string Quality(Property property, string row)
    {
        var flags = Model.Format(property.Columns[0], row);
        var reasons = string.Join(", ", Enum.GetValues<Contracts.Quality>().Where(flag => flag != Contracts.Quality.Good)
            .Select(flag => $"CASE WHEN {flags} & {(short)flag} <> 0 THEN '{Contracts.QualityRules.Reasons(flag).Single()}' END"));
        return $"""
            coalesce({Model.Format(property.Columns[1], row)}, jsonb_build_object('flag', CASE WHEN {flags} = 0 THEN 'good' ELSE 'suspect' END,
              'reasons', to_jsonb(array_remove(ARRAY[{reasons}], NULL))))
            """;
    }

    Sql Arithmetic(EntitySet set, string row, Binary node)
    {
        var left = Value(set, row, node.Left);
        var right = Value(set, row, node.Right);
        if (node.Operator is "add" or "sub" && (left.Type is SqlType.Time or SqlType.Interval || left.Type == SqlType.Duration))
        {
            var sign = node.Operator == "add" ? '+' : '-';
            if (left.Type != SqlType.Duration && right.Type == SqlType.Duration) return new Sql($"({left.Text} {sign} {right.Text})", SqlType.Time);
            if (left.Type != SqlType.Duration && right.Type is SqlType.Time or SqlType.Interval && sign == '-') return new Sql($"({left.Text} - {right.Text})", SqlType.Duration);
            if (left.Type == SqlType.Duration && right.Type == SqlType.Duration) return new Sql($"({left.Text} {sign} {right.Text})", SqlType.Duration);
            if (left.Type == SqlType.Duration && right.Type is SqlType.Time or SqlType.Interval && sign == '+') return new Sql($"({right.Text} + {left.Text})", SqlType.Time);
        }
        var (a, b) = (Number(left, node.Left), Number(right, node.Right));
        return new Sql(node.Operator switch
        {
            "add" => $"({a} + {b})",
            "sub" => $"({a} - {b})",
            "mul" => $"({a} * {b})",
            "div" => $"({a} / nullif({b}, 0))",
            _ => $"mod(({a})::numeric, nullif(({b})::numeric, 0))::float8",
        }, SqlType.Number);
    }

    /// <summary>The piece as a number.</summary>
    internal static string Number(Sql sql, Node node) => sql.Type switch
    {
        SqlType.Number or SqlType.Null => sql.Text,
        SqlType.Result => sql.Text,
        SqlType.Json => $"(CASE WHEN jsonb_typeof({sql.Text}) = 'number' THEN ({sql.Text} #>> '{{}}')::float8 END)",
        _ => throw SensorThingsException.At(node.Position, "a number expected"),
    };

    /// <summary>The piece as text.</summary>
    internal static string Text(Sql sql, Node node) => sql.Type switch
    {
        SqlType.Text or SqlType.Null => sql.Text,
        SqlType.Result => $"({sql.Second} #>> '{{}}')",
        SqlType.Json => $"({sql.Text} #>> '{{}}')",
        _ => throw SensorThingsException.At(node.Position, "a text expected"),
    };

    /// <summary>The piece as a time; an interval counts by its start.</summary>
    internal static string Time(Sql sql, Node node) => sql.Type switch
    {
        SqlType.Time or SqlType.Interval or SqlType.Null => sql.Text,
        SqlType.Json or SqlType.Result => TimeIn(sql, 1),
        _ => throw SensorThingsException.At(node.Position, "a time expected"),
    };

    /// <summary>End of an interval; an instant ends where it begins.</summary>
    internal static string End(Sql sql, Node node) => sql.Type switch
    {
        SqlType.Interval => sql.Second!,
        SqlType.Json or SqlType.Result => $"coalesce({TimeIn(sql, 2)}, {TimeIn(sql, 1)})",
        _ => Time(sql, node),
    };

    /// <summary>The start (1) or end (2) of the time or interval that a JSON text holds; null if it holds none.</summary>
    static string TimeIn(Sql sql, int part)
    {
        var text = $"split_part({(sql.Type == SqlType.Result ? sql.Second : sql.Text)} #>> '{{}}', '/', {part})";
        return $"(CASE WHEN {text} ~ '^\\d{{4}}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d|$)' THEN ({text})::timestamptz END)";
    }

    string Compare(Sql left, string comparison, Sql right, Binary node)
    {
        var sign = comparison switch { "eq" => "=", "ne" => "<>", "gt" => ">", "ge" => ">=", "lt" => "<", _ => "<=" };
        if (left.Type == SqlType.Null || right.Type == SqlType.Null) return CompareNull(left, right, comparison, node);
        if (left.Type is SqlType.Time or SqlType.Interval && right.Type is SqlType.Json or SqlType.Result) right = AsInterval(right);
        if (right.Type is SqlType.Time or SqlType.Interval && left.Type is SqlType.Json or SqlType.Result) left = AsInterval(left);
        if (left.Type == SqlType.Interval || right.Type == SqlType.Interval) return CompareIntervals(left, right, comparison, sign, node);
        var type = left.Type is SqlType.Json or SqlType.Result ? right.Type : left.Type;
        return type switch
        {
            SqlType.Number => Pair(Number),
            SqlType.Text => Pair(Text),
            SqlType.Time => Pair(Time),
            SqlType.Boolean => $"{Json(left)} {sign} {Json(right)}",
            SqlType.Duration when left.Type == right.Type => $"{left.Text} {sign} {right.Text}",
            SqlType.Json or SqlType.Result => $"{Json(left)} {sign} {Json(right)}",
            SqlType.Geometry when comparison is "eq" or "ne" && left.Type == right.Type => $"{(comparison == "ne" ? "NOT " : "")}ST_Equals({left.Text}, {right.Text})",
            _ => throw SensorThingsException.At(node.Position, "these two cannot be compared"),
        };

        string Pair(Func<Sql, Node, string> cast)
        {
            // An id of digits alone is a number to clients and text to us.
            if (left.Type == SqlType.Text && right.Type == SqlType.Number) return $"{left.Text} {sign} {Digits(right, node.Right)}";
            if (left.Type == SqlType.Number && right.Type == SqlType.Text) return $"{Digits(left, node.Left)} {sign} {right.Text}";
            return $"{cast(left, node.Left)} {sign} {cast(right, node.Right)}";
        }
    }

    string Digits(Sql sql, Node node) => node is Literal { Value: double number } && Math.Abs(number) < 1e18
        ? parameters.Add(((decimal)number).ToString(CultureInfo.InvariantCulture))
        : $"({sql.Text})::text";

    static Sql AsInterval(Sql sql) => new(TimeIn(sql, 1), SqlType.Interval, $"coalesce({TimeIn(sql, 2)}, {TimeIn(sql, 1)})");

    static string Json(Sql sql) => sql.Type switch
    {
        SqlType.Boolean => $"to_jsonb({sql.Text})",
        SqlType.Result => $"coalesce({sql.Second}, to_jsonb({sql.Text}))",
        _ => sql.Text,
    };

    static string CompareNull(Sql left, Sql right, string comparison, Binary node)
    {
        if (comparison is not ("eq" or "ne")) throw SensorThingsException.At(node.Position, "null is neither less nor greater");
        var other = left.Type == SqlType.Null ? right : left;
        var text = other.Type switch
        {
            SqlType.Result => $"coalesce({other.Second}, to_jsonb({other.Text}))",
            SqlType.Json => $"nullif({other.Text}, 'null'::jsonb)",
            _ => other.Text,
        };
        return $"{text} IS {(comparison == "ne" ? "NOT " : "")}NULL";
    }

    /// <summary>
    /// OGC 18-088 leaves intervals in comparisons open; as in its test data one lies before (after) another if its end (start) does. The bound on the start
    /// that follows from it is said too: it is what the index knows.
    /// </summary>
    static string CompareIntervals(Sql left, Sql right, string comparison, string sign, Binary node)
    {
        if (Before(left) is null || Before(right) is null) throw SensorThingsException.At(node.Position, "these two cannot be compared");
        return comparison switch
        {
            "eq" => $"({left.Text} = {right.Text} AND {End(left)} = {End(right)})",
            "ne" => $"({left.Text} <> {right.Text} OR {End(left)} <> {End(right)})",
            "lt" or "le" => left.Type == SqlType.Interval
                ? $"({left.Text} {sign} {right.Text} AND {End(left)} {sign} {right.Text})"
                : $"({left.Text} {sign} {right.Text})",
            _ => right.Type == SqlType.Interval
                ? $"({left.Text} {sign} {right.Text} AND {left.Text} {sign} {End(right)})"
                : $"({left.Text} {sign} {right.Text})",
        };

        static string? Before(Sql sql) => sql.Type is SqlType.Interval or SqlType.Time ? sql.Text : null;
        static string End(Sql sql) => sql.Second ?? sql.Text;
    }
}
