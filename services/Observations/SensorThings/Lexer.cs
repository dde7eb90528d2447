using System.Globalization;

namespace Allmende.Observations.SensorThings;

enum TokenKind { End, Name, Number, Text, Time, TimeOfDay, Duration, Geometry, Open, Close, Comma, Slash, Semicolon, Equals, Minus, Star, OpenIndex, CloseIndex }

readonly record struct Token(TokenKind Kind, string Text, int Position);

/// <summary>Tokens of $filter, $orderby, $expand and $select (OData 4.0 ABNF as far as OGC 18-088 section 9.3 uses it).</summary>
sealed class Lexer
{
    readonly string source;
    int position;

    public Lexer(string source)
    {
        this.source = source;
        Current = Read();
    }

    public Token Current { get; private set; }

    public Token Next()
    {
        var token = Current;
        Current = Read();
        return token;
    }

    public bool Accept(TokenKind kind)
    {
        if (Current.Kind != kind) return false;
        Next();
        return true;
    }

    public bool AcceptWord(string word)
    {
        if (Current.Kind != TokenKind.Name || Current.Text != word) return false;
        Next();
        return true;
    }

    public Token Expect(TokenKind kind, string what) =>
        Current.Kind == kind ? Next() : throw SensorThingsException.At(Current.Position, $"{what} expected, found {Describe(Current)}");

    public static string Describe(Token token) => token.Kind == TokenKind.End ? "the end" : $"'{token.Text}'";

    /// <summary>The text from here to the end of the option at this depth: up to <c>;</c> or the closing bracket.</summary>
    public (string Text, int Position) RestOfOption()
    {
        var start = Current.Position;
        var depth = 0;
        var end = start;
        for (; end < source.Length; end++)
        {
            var c = source[end];
            if (c == '\'') end = SkipQuoted(end) - 1;
            else if (c == '(') depth++;
            else if (c == ')' && depth-- == 0) break;
            else if (c == ';' && depth == 0) break;
        }
        position = end;
        Current = Read();
        return (source[start..end], start);
    }

    Token Read()
    {
        while (position < source.Length && char.IsWhiteSpace(source[position])) position++;
        if (position >= source.Length) return new Token(TokenKind.End, "", source.Length);
        var start = position;
        var c = source[position];
        switch (c)
        {
            case '(': return Single(TokenKind.Open);
            case ')': return Single(TokenKind.Close);
            case ',': return Single(TokenKind.Comma);
            case '/': return Single(TokenKind.Slash);
            case ';': return Single(TokenKind.Semicolon);
            case '=': return Single(TokenKind.Equals);
            case '*': return Single(TokenKind.Star);
            case '[': return Single(TokenKind.OpenIndex);
            case ']': return Single(TokenKind.CloseIndex);
            case '\'': return Quoted(TokenKind.Text, start);
            case '-' when position + 1 >= source.Length || !char.IsAsciiDigit(source[position + 1]): return Single(TokenKind.Minus);
        }
        if (char.IsAsciiDigit(c) || c == '-') return NumberOrTime(start);
        if (char.IsLetter(c) || c is '_' or '@' or '$') return NameOrTyped(start);
        throw SensorThingsException.At(start, $"unexpected character '{c}'");
    }

    Token Single(TokenKind kind) => new(kind, source[position].ToString(), position++);

    Token Quoted(TokenKind kind, int start)
    {
        var end = SkipQuoted(position);
        var text = source[(position + 1)..(end - 1)].Replace("''", "'", StringComparison.Ordinal);
        position = end;
        return new Token(kind, text, start);
    }

    int SkipQuoted(int at)
    {
        for (var i = at + 1; i < source.Length; i++)
        {
            if (source[i] != '\'') continue;
            if (i + 1 < source.Length && source[i + 1] == '\'') i++;
            else return i + 1;
        }
        throw SensorThingsException.At(at, "the text has no closing quote");
    }

    Token NumberOrTime(int start)
    {
        var i = position;
        if (source[i] == '-') i++;
        while (i < source.Length && (char.IsAsciiDigit(source[i]) || source[i] is '.')) i++;
        if (i < source.Length && source[i] is 'e' or 'E')
        {
            i++;
            if (i < source.Length && source[i] is '+' or '-') i++;
            while (i < source.Length && char.IsAsciiDigit(source[i])) i++;
        }
        // 2026-11-21T10:00:00.5+01:00, and the interval of two of them; a date alone counts as its midnight.
        if (i - start == 4 && i < source.Length && source[i] == '-')
        {
            while (i < source.Length && (char.IsAsciiDigit(source[i]) || source[i] is '-' or ':' or '.' or '+' or 'T' or 't' or 'Z' or 'z')) i++;
            position = i;
            return new Token(TokenKind.Time, source[start..i], start);
        }
        // 12:30, 12:30:15.5: the time of a day.
        if (i - start == 2 && i < source.Length && source[i] == ':')
        {
            while (i < source.Length && (char.IsAsciiDigit(source[i]) || source[i] is ':' or '.')) i++;
            position = i;
            return new Token(TokenKind.TimeOfDay, source[start..i], start);
        }
        var text = source[start..i];
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) throw SensorThingsException.At(start, $"'{text}' is no number");
        position = i;
        return new Token(TokenKind.Number, text, start);
    }

    Token NameOrTyped(int start)
    {
        var i = position;
        // Names in properties are the client's own: a dash or colon within one belongs to it.
        while (i < source.Length && (char.IsLetterOrDigit(source[i]) || source[i] is '_' or '.' or '@' or '$'
            || source[i] is '-' or ':' && i + 1 < source.Length && char.IsLetterOrDigit(source[i + 1]))) i++;
        var name = source[start..i];
        if (i < source.Length && source[i] == '\'' && name is "geography" or "geometry" or "duration" or "datetime" or "datetimeoffset" or "date")
        {
            position = i;
            return Quoted(name is "geography" or "geometry" ? TokenKind.Geometry : name == "duration" ? TokenKind.Duration : TokenKind.Time, start);
        }
        position = i;
        return new Token(TokenKind.Name, name, start);
    }
}
