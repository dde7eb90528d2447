namespace Allmende.Catalog;

/// <summary>
/// Text as it may stand in a catalogue. Control characters (but for tab and line breaks), lone surrogates and U+FFFE, U+FFFF are left out: neither
/// XML 1.0 nor PostgreSQL carries all of them, and none means anything to a reader.
/// </summary>
static class PlainText
{
    public static string Of(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return "";
        var kept = new System.Text.StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) kept.Append(c).Append(text[++i]);
            else if (!char.IsSurrogate(c) && c is not ('\uFFFE' or '\uFFFF') && (!char.IsControl(c) || c is '\t' or '\n' or '\r')) kept.Append(c);
        }
        return kept.ToString().Trim();
    }
}
