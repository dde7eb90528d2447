using System.Globalization;
using Allmende.Observations.SensorThings;
using FsCheck;
using FsCheck.Fluent;

namespace Allmende.Observations.Tests;

/// <summary>Whatever text comes as a query option is understood or refused in words, and what is understood is what was meant.</summary>
[TestFixture]
public sealed class When_filters_are_fuzzed
{
    static readonly string[] Functions = ["length", "concat", "substring", "geo.distance", "st_within", "now", "year", "round"];
    static readonly string[] Operators = ["or", "and", "eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod"];
    static readonly string[] Names = ["name", "result", "properties", "a-b", "dct:title", "Datastreams", "phenomenonTime", "ä_1", "@iot.id", "0", "17"];

    /// <summary>A tree as text, every operation in brackets.</summary>
    static string Print(Node node) => node switch
    {
        Literal { Value: null } => "null",
        Literal { Value: bool truth } => truth ? "true" : "false",
        Literal { Value: double number } => number.ToString("R", CultureInfo.InvariantCulture),
        Literal { Value: string text } => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'",
        Literal { Value: DateTime time } => time.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture),
        Literal { Value: TimeInterval interval } => $"{Print(new Literal(interval.Start, 0))}/{Print(new Literal(interval.End, 0))}",
        Literal { Value: TimeSpan duration } => $"duration'{System.Xml.XmlConvert.ToString(duration)}'",
        Literal { Value: GeometryLiteral geometry } => $"geography'{geometry.Wkt}'",
        PathNode path => path.Segments[0] + string.Concat(path.Segments.Skip(1).Select(segment => char.IsAsciiDigit(segment[0]) ? $"[{segment}]" : "/" + segment)),
        Unary unary => $"({unary.Operator} {Print(unary.Operand)})",
        Binary binary => $"({Print(binary.Left)} {binary.Operator} {Print(binary.Right)})",
        Call call => $"{call.Function}({string.Join(",", call.Arguments.Select(Print))})",
        _ => throw new InvalidOperationException(node.ToString()),
    };

    static Gen<Node> Leaf()
    {
        var numbers = ArbMap.Default.GeneratorFor<double>().Where(double.IsFinite).Select(number => (object?)Math.Abs(number));
        var texts = ArbMap.Default.GeneratorFor<string>().Where(text => text is not null).Select(text => (object?)text);
        var times = Gen.Choose(0, int.MaxValue).Select(seconds => DateTime.UnixEpoch.AddSeconds(seconds).AddTicks(seconds));
        var literals = Gen.OneOf(numbers, texts, times.Select(time => (object?)time), times.Select(time => (object?)new TimeInterval(time, time.AddHours(1))),
            Gen.Choose(-100_000, 100_000).Select(seconds => (object?)TimeSpan.FromSeconds(seconds)), Gen.Elements<object?>(null, true, false, new GeometryLiteral("POINT (1 2)")));
        var paths = Gen.Elements(Names[..^2]).SelectMany(first => Gen.Elements(Names).ArrayOf().Select(rest => (Node)new PathNode([first, .. rest.Take(4)], 0)));
        return Gen.OneOf(literals.Select(value => (Node)new Literal(value, 0)), paths);
    }

    static Gen<Node> Trees(int depth) => depth == 0
        ? Leaf()
        : Gen.OneOf(
            Leaf(),
            Gen.Elements(Operators).SelectMany(symbol => Trees(depth - 1).SelectMany(left => Trees(depth - 1).Select(right => (Node)new Binary(symbol, left, right, 0)))),
            Gen.Elements("not", "-").SelectMany(symbol => Trees(depth - 1).Select(operand => (Node)new Unary(symbol, operand, 0))),
            Gen.Elements(Functions).SelectMany(name => Trees(depth - 1).SelectMany(first => Trees(depth - 1).Select(second => (Node)new Call(name, [first, second], 0)))));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public FsCheck.Property Should_read_what_a_tree_is_written_as() => Prop.ForAll(Trees(4).ToArbitrary(), tree => Print(FilterParser.Parse(Print(tree))) == Print(tree));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public FsCheck.Property Should_keep_to_the_order_of_binding() => Prop.ForAll(Gen.Elements(Operators).ArrayOf(5).ToArbitrary(), operators =>
    {
        // Without brackets, the one that binds least and stands last is applied last.
        var root = FilterParser.Parse("a" + string.Concat(operators.Select(symbol => $" {symbol} a")));
        return root is Binary { Operator: var last } && operators.All(symbol => Binding(symbol) >= Binding(last)) && operators[Array.FindLastIndex(operators, symbol => Binding(symbol) == Binding(last))] == last;
    });

    static int Binding(string symbol) => symbol switch { "or" => 0, "and" => 1, "eq" or "ne" => 2, "gt" or "ge" or "lt" or "le" => 3, "add" or "sub" => 4, _ => 5 };

    [FsCheck.NUnit.Property(MaxTest = 2_000)]
    public FsCheck.Property Should_refuse_any_other_text_in_words() => Prop.ForAll(Texts().ToArbitrary(), text =>
    {
        Refused(() => FilterParser.Parse(text));
        Refused(() => ResourcePath.Parse(text));
        foreach (var option in new[] { "filter", "orderby", "select", "expand", "top", "skip", "count", "resultFormat", "skiptoken" }) Refused(() => QueryOptions.Parse($"?${option}={text}"));
        Refused(() => QueryOptions.Parse(text));
    });

    static void Refused(Action parse)
    {
        try { parse(); }
        catch (SensorThingsException fault) when (fault.Status is 400 or 404 && fault.Message.Length > 0) { }
    }

    /// <summary>Any text, and pieces of the language in any order.</summary>
    static Gen<string> Texts()
    {
        var pieces = Gen.Elements([.. Functions, .. Operators.Select(symbol => $" {symbol} "), .. Names, "(", ")", "[", "]", "/", ",", ";", "=", "'", "''", "-", "*", "$", "$ref", "$value", "%", "%2", "%00", "+",
            "Things", "Things(1)", "Things('a", "Observations($top=1;", "$expand=", "$filter=", "geography'", "duration'P1D'", "2026-11-01T00:00:00Z", "2026-13-45", "12:61", "1e999", "\0", "\ud800", "ä", "\u202e", " "]);
        return Gen.OneOf(ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""), pieces.ArrayOf().Select(string.Concat));
    }
}
