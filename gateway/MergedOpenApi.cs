using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Platform;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Gateway;

/// <summary>
/// <c>/openapi</c>: one OpenAPI 3.1 document of all services, as they describe themselves. A service that does not answer is named in
/// <c>x-missing</c>, so that nobody takes the rest for the whole. Kept for half a minute when complete.
/// </summary>
sealed class MergedOpenApi(IHttpClientFactory http, PlatformOptions platform, TimeProvider clock) : IDisposable
{
    static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    static readonly string[] NotOutside = ["/internal", "/metrics", "/health", "/dapr", "/openapi"];

    readonly SemaphoreSlim asking = new(1, 1);
    (DateTimeOffset At, string Text)? kept;

    public async Task<ContentHttpResult> AnswerAsync(CancellationToken cancel)
    {
        await asking.WaitAsync(cancel);
        try
        {
            if (kept is not { } document || clock.GetUtcNow() - document.At >= KeptFor)
            {
                var described = await Task.WhenAll(RouteTable.Services.Select(async service => (service, await DescriptionAsync(service, cancel))));
                var (merged, complete) = Merge(described, platform);
                document = (clock.GetUtcNow(), merged.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
                kept = complete ? document : null;
            }
            return TypedResults.Text(document.Text, "application/vnd.oai.openapi+json;version=3.1");
        }
        finally
        {
            asking.Release();
        }
    }

    public void Dispose() => asking.Dispose();

    /// <summary>One document of several; services come in the order given, and the first owner of a schema's name keeps it.</summary>
    internal static (JsonObject Document, bool Complete) Merge(IEnumerable<(string Service, JsonObject? Description)> described, PlatformOptions platform)
    {
        var paths = new JsonObject();
        var schemas = new JsonObject();
        var tags = new JsonArray();
        var missing = new JsonArray();
        foreach (var (service, description) in described)
        {
            if (description is null)
            {
                missing.Add(service);
                continue;
            }
            var renamed = TakeSchemas(service, description["components"]?["schemas"] as JsonObject, schemas);
            foreach (var (path, item) in description["paths"] as JsonObject ?? [])
                if (!paths.ContainsKey(path) && !NotOutside.Any(inside => path.StartsWith(inside, StringComparison.Ordinal)))
                    paths[path] = WithRefs(item, renamed);
            foreach (var tag in description["tags"] as JsonArray ?? [])
                if (!tags.Any(known => known?["name"]?.GetValue<string>() == tag?["name"]?.GetValue<string>())) tags.Add(tag?.DeepClone());
        }

        var document = new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject { ["title"] = "Allmende", ["version"] = typeof(MergedOpenApi).Assembly.GetName().Version!.ToString(3) },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = platform.PublicUrl }),
            ["security"] = new JsonArray(new JsonObject(), new JsonObject { ["token"] = new JsonArray() }, new JsonObject { ["apiKey"] = new JsonArray() }),
            ["tags"] = tags,
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas, ["securitySchemes"] = SecuritySchemes(platform) },
        };
        if (missing.Count > 0) document["x-missing"] = missing;
        return (document, missing.Count == 0);
    }

    async Task<JsonObject?> DescriptionAsync(string service, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            using var client = http.CreateClient(service);
            await using var text = await client.GetStreamAsync(new Uri("openapi/v1.json", UriKind.Relative), limit.Token);
            return await JsonNode.ParseAsync(text, cancellationToken: limit.Token) as JsonObject;
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested && fault is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            return null;
        }
    }

    /// <summary>Adds a service's schemas. Two services may mean different things by one name; the later one's then carries its service's name.</summary>
    static Dictionary<string, string> TakeSchemas(string service, JsonObject? own, JsonObject schemas)
    {
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, schema) in own ?? [])
            if (schemas.TryGetPropertyValue(name, out var other) && !JsonNode.DeepEquals(other, schema)) renamed[name] = $"{service}.{name}";
        foreach (var (name, schema) in own ?? []) schemas[renamed.GetValueOrDefault(name, name)] = WithRefs(schema, renamed);
        return renamed;
    }

    /// <summary>A copy in which references follow the renamed schemas.</summary>
    static JsonNode? WithRefs(JsonNode? node, Dictionary<string, string> renamed)
    {
        const string prefix = "#/components/schemas/";
        switch (node)
        {
            case JsonObject item:
                var copy = new JsonObject();
                foreach (var (name, value) in item)
                    copy[name] = name == "$ref" && value?.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is var target
                        && target.StartsWith(prefix, StringComparison.Ordinal) && renamed.TryGetValue(target[prefix.Length..], out var other)
                        ? prefix + other
                        : WithRefs(value, renamed);
                return copy;
            case JsonArray items:
                return new JsonArray([.. items.Select(item => WithRefs(item, renamed))]);
            default:
                return node?.DeepClone();
        }
    }

    static JsonObject SecuritySchemes(PlatformOptions platform) => new()
    {
        ["token"] = new JsonObject
        {
            ["type"] = "oauth2",
            ["flows"] = new JsonObject
            {
                ["clientCredentials"] = new JsonObject
                {
                    ["tokenUrl"] = platform.Identity.Issuer.TrimEnd('/') + "/protocol/openid-connect/token",
                    ["scopes"] = new JsonObject(),
                },
            },
        },
        ["apiKey"] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "X-Api-Key" },
    };
}
