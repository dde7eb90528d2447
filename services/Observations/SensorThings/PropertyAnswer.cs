using System.Text;
using System.Text.Json;

namespace Allmende.Observations.SensorThings;

/// <summary>One property of an entity: <c>{"name":…}</c>, or with <c>$value</c> bare (OGC 18-088 sections 9.2.5 and 9.2.6).</summary>
static class PropertyAnswer
{
    public static async Task WriteAsync(HttpContext context, EntityReader reader, string property, bool bare)
    {
        using var entity = JsonDocument.Parse(reader.EntityBytes());
        if (!entity.RootElement.TryGetProperty(property, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        if (!bare)
        {
            await context.Response.WriteAsync($"{{\"{property}\":{value.GetRawText()}}}", context.RequestAborted);
            return;
        }
        context.Response.ContentType = value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? "application/json; charset=utf-8" : "text/plain; charset=utf-8";
        await context.Response.WriteAsync(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), Encoding.UTF8, context.RequestAborted);
    }
}
