using System.Text.Json;

namespace Allmende.Streams.Codecs;

/// <summary>A payload in a JSON body: hexadecimal text, spaces allowed, or an array of numbers.</summary>
static class PayloadText
{
    public const string Rule = "hexadecimal text or an array of numbers from 0 to 255";

    /// <returns>Null if it is neither, or too long.</returns>
    public static byte[]? Read(JsonElement? bytes, int longest)
    {
        switch (bytes)
        {
            case { ValueKind: JsonValueKind.String } text:
                var hex = text.GetString()!.Replace(" ", "", StringComparison.Ordinal);
                if (hex.Length > 2 * longest) return null;
                try
                {
                    return Convert.FromHexString(hex);
                }
                catch (FormatException)
                {
                    return null;
                }
            case { ValueKind: JsonValueKind.Array } list when list.GetArrayLength() <= longest:
                var payload = new byte[list.GetArrayLength()];
                for (var i = 0; i < payload.Length; i++)
                    if (list[i].ValueKind != JsonValueKind.Number || !list[i].TryGetByte(out payload[i])) return null;
                return payload;
            default:
                return null;
        }
    }
}
