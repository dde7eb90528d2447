using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Allmende.Observations.SensorThings;

/// <summary>One property of an entity, or a part of it: <c>{"name":…}</c>, or with <c>$value</c> bare (OGC 18-088 sections 9.2.5 and 9.2.6).</summary>
static class PropertyAnswer
{
    /// <param name="context">The request.</param>
    /// <param name="reader">Has read the entity.</param>
    /// <param name="path">The property's name and the way into it.</param>
    /// <param name="bare">Without its name.</param>
    public static async Task WriteAsync(HttpContext context, EntityReader reader, string[] path, bool bare)
    {
        using var entity = JsonDocument.Parse(reader.EntityBytes());
        var value = entity.RootElement;
        for (var i = 0; i < path.Length; i++)
        {
            if (TryStep(value, path[i], out value)) continue;
            // A property that has no value is one without content; a part that there is not is a path that leads nowhere.
            if (i > 0) throw SensorThingsException.NotFound();
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        if (value.ValueKind == JsonValueKind.Null)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        var nested = value.ValueKind is JsonValueKind.Object or JsonValueKind.Array;
        context.Response.ContentType = bare && !nested ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
        var text = !bare ? $"{{\"{JsonEncodedText.Encode(path[^1])}\":{value.GetRawText()}}}" : value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        await context.Response.WriteAsync(text, Encoding.UTF8, context.RequestAborted);
    }

    /// <summary><c>{"name":…}</c>; null where there is no value.</summary>
    /// <param name="entity">The entity's own properties.</param>
    /// <param name="path">The property's name and the way into it.</param>
    public static byte[]? Of(byte[] entity, string[] path)
    {
        using var json = JsonDocument.Parse(entity);
        var value = json.RootElement;
        foreach (var name in path)
            if (!TryStep(value, name, out value)) return null;
        return value.ValueKind == JsonValueKind.Null ? null : Encoding.UTF8.GetBytes($"{{\"{JsonEncodedText.Encode(path[^1])}\":{value.GetRawText()}}}");
    }

    static bool TryStep(JsonElement from, string name, out JsonElement value)
    {
        value = default;
        if (from.ValueKind == JsonValueKind.Object) return from.TryGetProperty(name, out value);
        if (from.ValueKind != JsonValueKind.Array || !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index >= from.GetArrayLength()) return false;
        value = from[index];
        return true;
    }
}
