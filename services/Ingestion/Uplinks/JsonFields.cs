using System.Globalization;
using System.Text.Json;

namespace Allmende.Ingestion.Uplinks;

/// <summary>
/// Walks through a JSON message and reads only what is asked for; nothing of the rest is built. The first fault ends the walk: from then on there are no
/// more fields, so that readers need not look. JSON null is what is left out, as Protocol Buffers' JSON has it.
/// </summary>
ref struct JsonFields(ReadOnlySpan<byte> json)
{
    /// <summary>Deeper than any network server's message, and shallow enough for all who read it later.</summary>
    public const int Deepest = 32;

    Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = Deepest });

    /// <summary>The field at fault, and what is wrong with it.</summary>
    public (string Field, string Fault)? Fault { get; private set; }

    public void Fail(string field, string fault) => Fault ??= (field, fault);

    /// <summary>Enters the message; false if it is no object.</summary>
    public bool EnterMessage()
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject) return true;
        Fail("", "must be a JSON object");
        return false;
    }

    /// <summary>Reads to the end of the message, so that what follows it is noticed.</summary>
    /// <exception cref="JsonException">Something follows.</exception>
    public void LeaveMessage()
    {
        if (Fault is null) reader.Read();
    }

    /// <summary>Moves to the next field's name; false at the end of the object.</summary>
    public bool NextField() => Fault is null && reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Whether the field has this name.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) => reader.ValueTextEquals(name);

    /// <summary>Passes over the field's value.</summary>
    public void Skip() => reader.Skip();

    /// <summary>Enters the field's object; false if it is left out.</summary>
    public bool Object(string field) => Value(field, JsonTokenType.StartObject, "must be an object");

    /// <summary>Enters the field's array; false if it is left out.</summary>
    public bool Array(string field) => Value(field, JsonTokenType.StartArray, "must be an array");

    /// <summary>Enters the field's array, or the one object in its place: what was XML once is written so. False if it is left out.</summary>
    /// <param name="field">Its name.</param>
    /// <param name="isOne">True if it is the object, which is entered then; else <see cref="NextObject"/> enters the next.</param>
    public bool ArrayOrObject(string field, out bool isOne)
    {
        reader.Read();
        isOne = reader.TokenType == JsonTokenType.StartObject;
        if (isOne || reader.TokenType == JsonTokenType.StartArray) return true;
        if (reader.TokenType != JsonTokenType.Null) Fail(field, "must be an object or an array of objects");
        return false;
    }

    /// <summary>Enters the array's next object; false at the end.</summary>
    public bool NextObject(string field)
    {
        if (Fault is not null || !reader.Read() || reader.TokenType == JsonTokenType.EndArray) return false;
        if (reader.TokenType == JsonTokenType.StartObject) return true;
        Fail(field, "must be an array of objects");
        return false;
    }

    public string? Text(string field, int longest = 256)
    {
        if (!Value(field, JsonTokenType.String, "must be a text")) return null;
        if (reader.ValueSpan.Length <= longest) return reader.GetString();
        Fail(field, $"must have at most {longest} bytes");
        return null;
    }

    /// <summary>A text, or a number as it is written.</summary>
    public string? NumberOrText(string field, int longest = 256)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number && reader.ValueSpan.Length <= longest)
            return reader.TokenType == JsonTokenType.String ? reader.GetString() : System.Text.Encoding.ASCII.GetString(reader.ValueSpan);
        Fail(field, $"must be a number, or a text of at most {longest} bytes");
        return null;
    }

    /// <summary>A whole number; also as text, as Protocol Buffers' JSON has large ones.</summary>
    public long? Integer(string field, long least, long most)
    {
        if (!Number(field)) return null;
        if (reader.TokenType == JsonTokenType.Number ? reader.TryGetInt64(out var number)
            : long.TryParse(reader.ValueSpan, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
            if (number >= least && number <= most) return number;
        Fail(field, $"must be a whole number, {least} to {most}");
        return null;
    }

    /// <summary>An EUI-64, as text in any of its ways of writing, or as the number that it is.</summary>
    public string? Eui(string field)
    {
        if (!Number(field)) return null;
        if (reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length <= 23) return reader.GetString();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out var number)) return number.ToString("X16", CultureInfo.InvariantCulture);
        Fail(field, "must be an EUI-64: 16 hexadecimal digits, or a number");
        return null;
    }

    /// <summary>Base64 text, or an array of numbers 0 to 255.</summary>
    public byte[]? Base64OrNumbers(string field)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var bytes)) return bytes;
        if (reader.TokenType == JsonTokenType.StartArray && Numbers() is { } numbers) return numbers;
        Fail(field, "must be base64, or an array of numbers 0 to 255");
        return null;
    }

    /// <summary>A number; null also for what is none (<c>"NaN"</c>, <c>"Infinity"</c>).</summary>
    public double? Double(string field)
    {
        if (!Number(field)) return null;
        if (reader.TokenType == JsonTokenType.Number ? reader.TryGetDouble(out var number)
            : double.TryParse(reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out number))
            return double.IsFinite(number) ? number : null;
        Fail(field, "must be a number");
        return null;
    }

    /// <summary>0 to 100.</summary>
    public double? Percent(string field)
    {
        var percent = Double(field);
        if (percent is < 0 or > 100) Fail(field, "must be 0 to 100 percent");
        return percent;
    }

    public bool? Boolean(string field)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.True or JsonTokenType.False) return reader.GetBoolean();
        if (reader.TokenType != JsonTokenType.Null) Fail(field, "must be true or false");
        return null;
    }

    /// <summary>Moves to the array's next text, which <see cref="Begins"/> and <see cref="Current"/> look at; false at the end.</summary>
    public bool NextText(string field, int longest = 256)
    {
        if (Fault is not null || !reader.Read() || reader.TokenType == JsonTokenType.EndArray) return false;
        if (reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length <= longest) return true;
        Fail(field, $"must be an array of texts of at most {longest} bytes");
        return false;
    }

    /// <summary>Whether the text begins so.</summary>
    public readonly bool Begins(ReadOnlySpan<byte> prefix) => !reader.ValueIsEscaped && reader.ValueSpan.StartsWith(prefix);

    /// <summary>The text.</summary>
    public readonly string Current => reader.GetString()!;

    public DateTimeOffset? Time(string field)
    {
        if (!Value(field, JsonTokenType.String, "must be a time as in RFC 3339")) return null;
        if (!reader.ValueIsEscaped && Rfc3339.TryParse(reader.ValueSpan, out var time)) return time;
        Fail(field, "must be a time as in RFC 3339, with Z or an offset");
        return null;
    }

    public byte[]? Base64(string field)
    {
        if (!Value(field, JsonTokenType.String, "must be a text in base64")) return null;
        if (reader.TryGetBytesFromBase64(out var bytes)) return bytes;
        Fail(field, "must be base64");
        return null;
    }

    /// <summary>Hexadecimal text, or an array of numbers 0 to 255.</summary>
    public byte[]? Bytes(string field)
    {
        const string expected = "must be hexadecimal, two digits a byte, or an array of numbers 0 to 255";
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType == JsonTokenType.String)
        {
            var text = reader.ValueSpan;
            var bytes = new byte[text.Length / 2];
            if (!reader.ValueIsEscaped && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done) return bytes;
        }
        else if (reader.TokenType == JsonTokenType.StartArray && Numbers() is { } numbers) return numbers;
        Fail(field, expected);
        return null;
    }

    byte[]? Numbers()
    {
        var bytes = new List<byte>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetByte(out var one)) return null;
            bytes.Add(one);
        }
        return [.. bytes];
    }

    /// <summary>An object as it is.</summary>
    /// <exception cref="InvalidOperationException">A text in it is no Unicode.</exception>
    public JsonElement? Raw(string field)
    {
        if (!Value(field, JsonTokenType.StartObject, "must be an object")) return null;
        RequireUnicode(reader);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>An array as it is.</summary>
    /// <exception cref="InvalidOperationException">A text in it is no Unicode.</exception>
    public JsonElement? RawArray(string field)
    {
        if (!Value(field, JsonTokenType.StartArray, "must be an array")) return null;
        RequireUnicode(reader);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>Reads all escaped texts of the object once: half a surrogate pair would be noticed only by whoever writes or reads it later.</summary>
    static void RequireUnicode(Utf8JsonReader ahead)
    {
        var outside = ahead.CurrentDepth;
        while (ahead.Read() && ahead.CurrentDepth > outside)
            if (ahead.ValueIsEscaped && ahead.TokenType is (JsonTokenType.String or JsonTokenType.PropertyName)) _ = ahead.GetString();
    }

    bool Number(string field)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.Number or JsonTokenType.String) return true;
        if (reader.TokenType != JsonTokenType.Null) Fail(field, "must be a number");
        return false;
    }

    bool Value(string field, JsonTokenType expected, string fault)
    {
        reader.Read();
        if (reader.TokenType == expected) return true;
        if (reader.TokenType != JsonTokenType.Null) Fail(field, fault);
        return false;
    }
}
