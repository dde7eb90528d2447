using System.Buffers;
using System.Text.Json;

namespace Allmende.OpenData.Formats;

/// <summary>
/// Observations as CSV (RFC 4180, UTF-8, header row). From bytes to bytes: no row becomes an object. A text that a spreadsheet would take for a formula
/// gets an apostrophe in front; numbers are never touched.
/// </summary>
sealed class CsvRows(IBufferWriter<byte> output)
{
    /// <summary>The header row, in the order of Observations' arrays.</summary>
    public static ReadOnlySpan<byte> Header => "time,thing,thingName,datastream,name,observedProperty,unit,value,quality,longitude,latitude\r\n"u8;

    const int Columns = 11;

    // Leading blanks are no protection: spreadsheets trim. U+FF1D and its like (full-width = + - @) are taken for their narrow forms by some.
    static readonly SearchValues<byte> StartsFormula = SearchValues.Create("=+-@\t\r\n"u8);
    static readonly SearchValues<byte> NeedsQuotes = SearchValues.Create("\",\r\n"u8);

    byte[] scratch = new byte[1024];

    /// <summary>Writes one observation.</summary>
    /// <exception cref="JsonException">The line is no array of eleven values.</exception>
    public void Write(in ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray) throw new JsonException("an observation must be an array");
        for (var column = 0; column < Columns; column++)
        {
            if (!json.Read() || json.TokenType == JsonTokenType.EndArray) throw new JsonException($"an observation must have {Columns} values");
            if (column > 0) output.Write(","u8);
            WriteValue(ref json, line);
        }
        output.Write("\r\n"u8);
    }

    void WriteValue(ref Utf8JsonReader json, in ReadOnlySequence<byte> line)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                if (json.HasValueSequence) foreach (var part in json.ValueSequence) output.Write(part.Span);
                else output.Write(json.ValueSpan);
                break;
            case JsonTokenType.String:
                WriteText(Text(ref json));
                break;
            default:
                // Results that are objects or lists stand as JSON.
                var start = json.TokenStartIndex;
                json.Skip();
                WriteText(line.Slice(start, json.BytesConsumed - start).ToArray());
                break;
        }
    }

    ReadOnlySpan<byte> Text(ref Utf8JsonReader json)
    {
        if (!json.HasValueSequence && !json.ValueIsEscaped) return json.ValueSpan;
        var length = json.HasValueSequence ? checked((int)json.ValueSequence.Length) : json.ValueSpan.Length;
        if (scratch.Length < length) scratch = new byte[length * 2];
        return scratch.AsSpan(0, json.CopyString(scratch));
    }

    void WriteText(ReadOnlySpan<byte> text)
    {
        var guarded = LooksLikeFormula(text);
        if (text.IndexOfAny(NeedsQuotes) < 0)
        {
            if (guarded) output.Write("'"u8);
            output.Write(text);
            return;
        }
        output.Write("\""u8);
        if (guarded) output.Write("'"u8);
        while (text.IndexOf((byte)'"') is >= 0 and var quote)
        {
            output.Write(text[..(quote + 1)]);
            output.Write("\""u8);
            text = text[(quote + 1)..];
        }
        output.Write(text);
        output.Write("\""u8);
    }

    static bool LooksLikeFormula(ReadOnlySpan<byte> text)
    {
        var start = text.TrimStart((byte)' ');
        return !start.IsEmpty
            && (StartsFormula.Contains(start[0])
                || start.StartsWith("＝"u8) || start.StartsWith("＋"u8) || start.StartsWith("－"u8) || start.StartsWith("＠"u8));
    }
}
