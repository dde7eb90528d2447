using System.Globalization;

namespace Allmende.Observations.SensorThings;

/// <summary>An expression of $filter or $orderby.</summary>
abstract record Node(int Position);

sealed record Literal(object? Value, int Position) : Node(Position);

/// <summary><c>Datastream/unitOfMeasurement/symbol</c>, <c>result[0]</c>; the place in an array is a segment of digits.</summary>
sealed record PathNode(IReadOnlyList<string> Segments, int Position) : Node(Position);

sealed record Unary(string Operator, Node Operand, int Position) : Node(Position);

sealed record Binary(string Operator, Node Left, Node Right, int Position) : Node(Position);

sealed record Call(string Function, IReadOnlyList<Node> Arguments, int Position) : Node(Position);

/// <summary>A geometry as WKT, EPSG:4326.</summary>
sealed record GeometryLiteral(string Wkt);

/// <summary>
/// Parses $filter (OGC 18-088 section 9.3.3.5): or, and, not, equality, relation, sum, product, minus, functions, paths, literals, in that order of binding. A <c>not</c>
/// takes the whole comparison behind it, with or without brackets.
/// </summary>
sealed class FilterParser(Lexer lexer)
{
    const int DeepestNesting = 64;
    const int LongestPath = 32;
    int depth;

    /// <summary>Parses a whole option.</summary>
    public static Node Parse(string text)
    {
        if (text.Length > 8_000) throw new SensorThingsException(400, "$filter is longer than 8,000 characters");
        var lexer = new Lexer(text);
        var node = new FilterParser(lexer).Expression();
        if (lexer.Current.Kind != TokenKind.End) throw SensorThingsException.At(lexer.Current.Position, $"an operator or the end expected, found {Lexer.Describe(lexer.Current)}");
        return node;
    }

    /// <summary>Parses one expression and stops behind it.</summary>
    public Node Expression()
    {
        if (++depth > DeepestNesting) throw SensorThingsException.At(lexer.Current.Position, $"nested deeper than {DeepestNesting} levels");
        var left = And();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "or" } token)
        {
            lexer.Next();
            left = new Binary("or", left, And(), token.Position);
        }
        depth--;
        return left;
    }

    Node And()
    {
        var left = Not();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "and" } token)
        {
            lexer.Next();
            left = new Binary("and", left, Not(), token.Position);
        }
        return left;
    }

    Node Not()
    {
        if (lexer.Current is not { Kind: TokenKind.Name, Text: "not" } token) return Equality();
        if (++depth > DeepestNesting) throw SensorThingsException.At(token.Position, $"nested deeper than {DeepestNesting} levels");
        lexer.Next();
        var operand = Not();
        depth--;
        return new Unary("not", operand, token.Position);
    }

    Node Equality()
    {
        var left = Relation();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "eq" or "ne" } token)
        {
            lexer.Next();
            left = new Binary(token.Text, left, Relation(), token.Position);
        }
        return left;
    }

    Node Relation()
    {
        var left = Sum();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "gt" or "ge" or "lt" or "le" } token)
        {
            lexer.Next();
            left = new Binary(token.Text, left, Sum(), token.Position);
        }
        return left;
    }

    Node Sum()
    {
        var left = Product();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "add" or "sub" } token)
        {
            lexer.Next();
            left = new Binary(token.Text, left, Product(), token.Position);
        }
        return left;
    }

    Node Product()
    {
        var left = Operand();
        while (lexer.Current is { Kind: TokenKind.Name, Text: "mul" or "div" or "mod" } token)
        {
            lexer.Next();
            left = new Binary(token.Text, left, Operand(), token.Position);
        }
        return left;
    }

    Node Operand()
    {
        var token = lexer.Next();
        switch (token.Kind)
        {
            case TokenKind.Minus:
                if (++depth > DeepestNesting) throw SensorThingsException.At(token.Position, $"nested deeper than {DeepestNesting} levels");
                var negated = Operand();
                depth--;
                return new Unary("-", negated, token.Position);
            case TokenKind.Number: return new Literal(double.Parse(token.Text, CultureInfo.InvariantCulture), token.Position);
            case TokenKind.Text: return new Literal(token.Text, token.Position);
            case TokenKind.Geometry: return new Literal(new GeometryLiteral(token.Text), token.Position);
            case TokenKind.Time: return TimeOrInterval(token);
            case TokenKind.Duration: return new Literal(ParseDuration(token), token.Position);
            case TokenKind.TimeOfDay: return new Literal(ParseTimeOfDay(token), token.Position);
            case TokenKind.Open:
                var inner = Expression();
                lexer.Expect(TokenKind.Close, "')'");
                return inner;
            case TokenKind.Name: return NameOrCall(token);
            default: throw SensorThingsException.At(token.Position, $"a value expected, found {Lexer.Describe(token)}");
        }
    }

    Node NameOrCall(Token token)
    {
        switch (token.Text)
        {
            case "true": return new Literal(true, token.Position);
            case "false": return new Literal(false, token.Position);
            case "null": return new Literal(null, token.Position);
        }
        if (lexer.Accept(TokenKind.Open))
        {
            var arguments = new List<Node>();
            if (!lexer.Accept(TokenKind.Close))
            {
                do arguments.Add(Expression());
                while (lexer.Accept(TokenKind.Comma));
                lexer.Expect(TokenKind.Close, "')'");
            }
            return new Call(token.Text, arguments, token.Position);
        }
        var segments = new List<string> { token.Text };
        while (true)
        {
            if (lexer.Accept(TokenKind.Slash)) segments.Add(lexer.Expect(TokenKind.Name, "a name").Text);
            else if (lexer.Accept(TokenKind.OpenIndex)) segments.Add(Index());
            else return new PathNode(segments, token.Position);
            if (segments.Count > LongestPath) throw SensorThingsException.At(token.Position, $"a path of more than {LongestPath} steps");
        }
    }

    string Index()
    {
        var index = lexer.Expect(TokenKind.Number, "a place in an array");
        lexer.Expect(TokenKind.CloseIndex, "']'");
        return int.TryParse(index.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? place.ToString(CultureInfo.InvariantCulture)
            : throw SensorThingsException.At(index.Position, $"'{index.Text}' is no place in an array");
    }

    Literal TimeOrInterval(Token token)
    {
        var start = ParseTime(token.Text, token.Position);
        if (!lexer.Accept(TokenKind.Slash)) return new Literal(start, token.Position);
        var end = lexer.Expect(TokenKind.Time, "the end of the interval");
        return new Literal(new TimeInterval(start, ParseTime(end.Text, end.Position)), token.Position);
    }

    static DateTime ParseTime(string text, int position) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime
            : throw SensorThingsException.At(position, $"'{text}' is no time");

    static TimeSpan ParseTimeOfDay(Token token) =>
        TimeSpan.TryParseExact(token.Text, [@"hh\:mm", @"hh\:mm\:ss", @"hh\:mm\:ss\.FFFFFFF"], CultureInfo.InvariantCulture, out var time)
            ? time
            : throw SensorThingsException.At(token.Position, $"'{token.Text}' is no time of a day");

    static TimeSpan ParseDuration(Token token)
    {
        try { return System.Xml.XmlConvert.ToTimeSpan(token.Text); }
        catch (Exception fault) when (fault is FormatException or OverflowException) { throw SensorThingsException.At(token.Position, $"'{token.Text}' is no duration"); }
    }
}

/// <summary>A time interval, UTC.</summary>
readonly record struct TimeInterval(DateTime Start, DateTime End);
