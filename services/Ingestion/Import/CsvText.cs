using System.Text;

namespace Allmende.Ingestion.Import;

/// <summary>A row of a table: the line that it begins in, from 1, and its cells.</summary>
sealed record CsvRow(int Line, IReadOnlyList<string> Cells);

/// <summary>
/// Tables as spreadsheets write them: RFC 4180, but with comma, semicolon or tab, with or without a byte order mark, in UTF-8 or, from older German programs,
/// in Windows-1252.
/// </summary>
static class CsvText
{
    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    static readonly Encoding Windows1252 = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    /// <summary>The text, and the encoding that it was in. What is no UTF-8 is Windows-1252: text in that with an umlaut is never UTF-8 by chance.</summary>
    public static (string Text, string Encoding) Decode(byte[] bytes)
    {
        try
        {
            var text = Strict.GetString(bytes);
            return (text.TrimStart('\uFEFF'), "utf-8");
        }
        catch (DecoderFallbackException)
        {
            return (Windows1252.GetString(bytes), "windows-1252");
        }
    }

    /// <summary>What is most often between the cells of the first line.</summary>
    public static char DelimiterOf(string text)
    {
        var counts = new Dictionary<char, int> { [';'] = 0, ['\t'] = 0, [','] = 0 };
        var quoted = false;
        foreach (var c in text)
        {
            if (c == '"') quoted = !quoted;
            else if (!quoted && c is '\n' or '\r') break;
            else if (!quoted && counts.TryGetValue(c, out var count)) counts[c] = count + 1;
        }
        return counts.MaxBy(pair => pair.Value).Key;
    }

    /// <summary>The rows that are not empty, or the line where a quotation mark is never closed.</summary>
    public static (List<CsvRow> Rows, int? OpenQuote) Read(string text, char delimiter)
    {
        var rows = new List<CsvRow>();
        var cells = new List<string>();
        var cell = new StringBuilder();
        int line = 1, rowLine = 1, quoteLine = 0;
        for (var at = 0; at <= text.Length; at++)
        {
            var c = at < text.Length ? text[at] : '\n';
            if (quoteLine > 0)
            {
                if (at == text.Length) return (rows, quoteLine);
                if (c == '\n') line++;
                if (c != '"') cell.Append(c);
                else if (at + 1 < text.Length && text[at + 1] == '"') cell.Append(text[++at]);
                else quoteLine = 0;
            }
            else if (c == '"' && cell.Length == 0) quoteLine = line;
            else if (c == delimiter) EndCell();
            else if (c is '\n' or '\r')
            {
                if (c == '\r' && at + 1 < text.Length && text[at + 1] == '\n') at++;
                EndCell();
                if (cells.Any(one => one.Length > 0)) rows.Add(new CsvRow(rowLine, [.. cells]));
                cells.Clear();
                rowLine = ++line;
            }
            else cell.Append(c);
        }
        return (rows, null);

        void EndCell()
        {
            cells.Add(cell.ToString());
            cell.Clear();
        }
    }

    /// <summary>Writes a row.</summary>
    public static void Write(StringBuilder to, IEnumerable<string> cells, char delimiter)
    {
        var first = true;
        foreach (var cell in cells)
        {
            if (!first) to.Append(delimiter);
            first = false;
            if (cell.AsSpan().IndexOfAny(['"', '\r', '\n', delimiter]) < 0 && cell.Trim().Length == cell.Length) to.Append(cell);
            else to.Append('"').Append(cell.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
        }
        to.Append("\r\n");
    }

    /// <summary>
    /// A text as a cell: what a spreadsheet would take for a formula gets an apostrophe before it. So does what begins with one, so that
    /// <see cref="Unguard"/> gives back every text as it was.
    /// </summary>
    public static string Guard(string text) => text.Length > 0 && IsGuarded(text[0]) ? "'" + text : text;

    /// <summary>The text that <see cref="Guard"/> was given.</summary>
    public static string Unguard(string cell) => cell.Length > 1 && cell[0] == '\'' && IsGuarded(cell[1]) ? cell[1..] : cell;

    static bool IsGuarded(char first) => first is '=' or '+' or '-' or '@' or '\'' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠';
}
