namespace Allmende.Observations.SensorThings;

/// <summary>The functions of $filter (OGC 18-088 table 23): text, time, mathematics, geometry.</summary>
static class SqlFunctions
{
    /// <summary>SQL of a call with its compiled arguments.</summary>
    public static Sql Call(Call call, List<Sql> arguments)
    {
        if (!Functions.TryGetValue((call.Function, arguments.Count), out var function))
        {
            throw SensorThingsException.At(call.Position, Functions.Keys.Any(known => known.Name == call.Function)
                ? $"{call.Function} does not take {arguments.Count} arguments"
                : $"there is no function '{call.Function}'");
        }
        return function(new Arguments(call, arguments));
    }

    readonly record struct Arguments(Call Node, List<Sql> Values)
    {
        public string Text(int index) => SqlFilter.Text(Values[index], Node.Arguments[index]);
        public string Number(int index) => SqlFilter.Number(Values[index], Node.Arguments[index]);
        public string Time(int index) => SqlFilter.Time(Values[index], Node.Arguments[index]);
        public string End(int index) => SqlFilter.End(Values[index], Node.Arguments[index]);
        public string Geometry(int index) => Values[index].Type == SqlType.Geometry
            ? Values[index].Text
            : throw SensorThingsException.At(Node.Arguments[index].Position, "a geometry expected");
    }

    static readonly Dictionary<(string Name, int Arguments), Func<Arguments, Sql>> Functions = new()
    {
        [("substringof", 2)] = a => Truth($"strpos({a.Text(1)}, {a.Text(0)}) > 0"),
        [("contains", 2)] = a => Truth($"strpos({a.Text(0)}, {a.Text(1)}) > 0"),
        [("startswith", 2)] = a => Truth($"starts_with({a.Text(0)}, {a.Text(1)})"),
        [("endswith", 2)] = a => Truth($"right({a.Text(0)}, length({a.Text(1)})) = {a.Text(1)}"),
        [("length", 1)] = a => Number($"length({a.Text(0)})"),
        [("indexof", 2)] = a => Number($"(strpos({a.Text(0)}, {a.Text(1)}) - 1)"),
        [("substring", 2)] = a => Text($"substr({a.Text(0)}, ({a.Number(1)})::int + 1)"),
        [("substring", 3)] = a => Text($"substr({a.Text(0)}, ({a.Number(1)})::int + 1, greatest(({a.Number(2)})::int, 0))"),
        [("tolower", 1)] = a => Text($"lower({a.Text(0)})"),
        [("toupper", 1)] = a => Text($"upper({a.Text(0)})"),
        [("trim", 1)] = a => Text($"trim({a.Text(0)})"),
        [("concat", 2)] = a => Text($"({a.Text(0)} || {a.Text(1)})"),

        [("year", 1)] = a => Part("year", a),
        [("month", 1)] = a => Part("month", a),
        [("day", 1)] = a => Part("day", a),
        [("hour", 1)] = a => Part("hour", a),
        [("minute", 1)] = a => Part("minute", a),
        [("second", 1)] = a => Number($"floor(extract(second FROM {a.Time(0)} AT TIME ZONE 'UTC'))::float8"),
        [("fractionalseconds", 1)] = a => Number($"(extract(second FROM {a.Time(0)} AT TIME ZONE 'UTC') % 1)::float8"),
        [("date", 1)] = a => new Sql($"(date_trunc('day', {a.Time(0)} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')", SqlType.Time),
        [("time", 1)] = a => new Sql($"(({a.Time(0)} AT TIME ZONE 'UTC') - date_trunc('day', {a.Time(0)} AT TIME ZONE 'UTC'))", SqlType.Duration),
        [("totaloffsetminutes", 1)] = a => Number($"({a.Time(0)} IS NOT NULL)::int * 0"),
        [("now", 0)] = _ => new Sql("now()", SqlType.Time),
        [("mindatetime", 0)] = _ => new Sql("'-infinity'::timestamptz", SqlType.Time),
        [("maxdatetime", 0)] = _ => new Sql("'infinity'::timestamptz", SqlType.Time),
        [("before", 2)] = a => Truth($"{a.End(0)} < {a.Time(1)}"),
        [("after", 2)] = a => Truth($"{a.Time(0)} > {a.End(1)}"),
        [("meets", 2)] = a => Truth($"({a.End(0)} = {a.Time(1)} OR {a.Time(0)} = {a.End(1)})"),
        [("during", 2)] = a => Truth($"({a.Time(0)} >= {a.Time(1)} AND {a.End(0)} <= {a.End(1)})"),
        [("overlaps", 2)] = a => Truth($"({a.Time(0)} <= {a.End(1)} AND {a.End(0)} >= {a.Time(1)})"),
        [("starts", 2)] = a => Truth($"{a.Time(0)} = {a.Time(1)}"),
        [("finishes", 2)] = a => Truth($"{a.End(0)} = {a.End(1)}"),

        [("round", 1)] = a => Number($"round(({a.Number(0)})::numeric)::float8"),
        [("floor", 1)] = a => Number($"floor({a.Number(0)})"),
        [("ceiling", 1)] = a => Number($"ceil({a.Number(0)})"),

        [("geo.distance", 2)] = a => Number($"ST_Distance({a.Geometry(0)}, {a.Geometry(1)})"),
        [("geo.length", 1)] = a => Number($"ST_Length({a.Geometry(0)})"),
        [("geo.intersects", 2)] = Relation("ST_Intersects"),
        [("st_equals", 2)] = Relation("ST_Equals"),
        [("st_disjoint", 2)] = Relation("ST_Disjoint"),
        [("st_touches", 2)] = Relation("ST_Touches"),
        [("st_within", 2)] = Relation("ST_Within"),
        [("st_overlaps", 2)] = Relation("ST_Overlaps"),
        [("st_crosses", 2)] = Relation("ST_Crosses"),
        [("st_intersects", 2)] = Relation("ST_Intersects"),
        [("st_contains", 2)] = Relation("ST_Contains"),
        [("st_relate", 3)] = a => Truth($"ST_Relate({a.Geometry(0)}, {a.Geometry(1)}, {a.Text(2)})"),
    };

    static Sql Truth(string text) => new(text, SqlType.Boolean);

    static Sql Number(string text) => new(text, SqlType.Number);

    static Sql Text(string text) => new(text, SqlType.Text);

    static Sql Part(string part, Arguments a) => Number($"extract({part} FROM {a.Time(0)} AT TIME ZONE 'UTC')::float8");

    static Func<Arguments, Sql> Relation(string function) => a => Truth($"{function}({a.Geometry(0)}, {a.Geometry(1)})");
}
