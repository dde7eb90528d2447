using System.Collections.Concurrent;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Supervisor;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Allmende.Gateway.Tests;

/// <summary>The gateway as it is, before services that tell what reached them. Each is a server of its own on its own port.</summary>
sealed class Installation : IAsyncDisposable
{
    public const string InternalKey = "internal-key-of-the-tests";

    static readonly string[] Names = ["identity", "ingestion", "streams", "observations", "catalog", "opendata", "dashboards", "provider"];

    readonly Dictionary<string, WebApplication> services = [];
    readonly int port = FreePorts.Block(Names.Length + 1);
    WebApplication gateway = null!;

    public HttpClient Http { get; private set; } = null!;

    public string Address => $"http://127.0.0.1:{port}";

    /// <summary>What each service got, newest last.</summary>
    public ConcurrentQueue<(string Service, string Path, HeaderDictionary Headers)> Received { get; } = [];

    public static async Task<Installation> StartAsync(Dictionary<string, string?>? options = null, string publicUrl = "http://daten.example")
    {
        var installation = new Installation();
        foreach (var name in Names) await installation.StartServiceAsync(name);
        await installation.StartGatewayAsync(options ?? [], publicUrl);
        return installation;
    }

    public async Task StartServiceAsync(string name)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        app.Urls.Add(Url(name));
        app.UseWebSockets();
        if (name == "identity")
            app.MapGet("/internal/municipalities", (HttpContext context) => context.Request.Headers["X-Internal-Key"] == InternalKey
                ? TypedResults.Json(new[] { Town("musterstadt"), Town("nachbardorf") }, ContractsJson.Default.MunicipalityArray)
                : Results.NotFound());
        if (name is "identity" or "catalog") app.MapGet("/openapi/v1.json", () => TypedResults.Text(OpenApi(name), "application/json"));
        Doors.Map(app);
        app.MapFallback("{**path}", async context =>
        {
            Received.Enqueue((name, context.Request.Path + context.Request.QueryString, new HeaderDictionary(context.Request.Headers.ToDictionary())));
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync($"{name} {context.Request.Path}");
        });
        await app.StartAsync();
        services[name] = app;
    }

    public async Task StopServiceAsync(string name)
    {
        services.Remove(name, out var service);
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await service!.StopAsync(now.Token);
        await service.DisposeAsync();
    }

    public async Task<string> GetAsync(string path, string? host = null)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, host: host);
        return await answer.Content.ReadAsStringAsync();
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body = null, string? host = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, Address + path) { Content = body };
        if (host is not null) request.Headers.Host = host;
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await gateway.DisposeAsync();
        foreach (var service in services.Values) await service.DisposeAsync();
    }

    async Task StartGatewayAsync(Dictionary<string, string?> options, string publicUrl)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(options)
        {
            ["Platform:PublicUrl"] = publicUrl,
            ["Platform:InternalKey"] = InternalKey,
            ["Platform:Identity:Issuer"] = publicUrl + "/realms/allmende",
        });
        foreach (var name in Names) builder.Configuration[$"Platform:Services:{name}"] = Url(name);
        var platform = builder.AddPlatform("gateway", PlatformNeeds.Municipalities);
        builder.AddGateway(platform);
        builder.Logging.ClearProviders();
        gateway = builder.Build();
        gateway.Urls.Add(Address);
        gateway.MapGateway();
        await gateway.StartAsync();
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
    }

    string Url(string name) => $"http://127.0.0.1:{port + 1 + Array.IndexOf(Names, name)}";

    static Municipality Town(string id) => new(id, id, "059990001001", 1000, [8.38, 51.9], [8, 51, 9, 52]);

    /// <summary>Two services mean different things by <c>Thing</c>, and the same by <c>Problem</c>.</summary>
    static string OpenApi(string name) => """
        {"openapi":"3.1.1","info":{"title":"NAME","version":"1"},
         "paths":{"/{municipality}/NAME/things":{"get":{"responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}}}}},
                  "/internal/NAME":{"get":{"responses":{}}}},
         "components":{"schemas":{"Thing":{"type":"object","properties":{"NAME":{"type":"string"},"next":{"$ref":"#/components/schemas/Thing"}}},"Problem":{"type":"object"}}},
         "tags":[{"name":"Things"}]}
        """.Replace("NAME", name, StringComparison.Ordinal);
}
