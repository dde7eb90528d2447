using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>Ingestion on Kestrel with real PostgreSQL and Redis, between stand-ins of its neighbours.</summary>
sealed class Service : IAsyncDisposable
{
    /// <summary>So many towns of one service keep connections to their databases; PostgreSQL has room for few, and the tests have hundreds.</summary>
    const int TownsConnected = 20;

    /// <summary>What looks at all municipalities from time to time would open their connections again.</summary>
    static readonly (string, string)[] WithoutSweeps =
    [
        ("Ingestion:OutboxSweptEvery", "01:00:00"), ("Ingestion:DevicesRefreshedEvery", "01:00:00"), ("Ingestion:Inbox:SweptEvery", "01:00:00"), ("Ingestion:Watch:Every", "01:00:00"),
        ("Ingestion:Sources:ComparedEvery", "01:00:00"), ("Ingestion:Sources:LookedForEvery", "01:00:00"),
    ];

    /// <summary>Who sends thousands of odd messages wants to hear what is odd about each.</summary>
    static readonly (string, string)[] WithoutLimits =
    [
        ("Ingestion:MunicipalityRate:PerSecond", "10000"), ("Ingestion:MunicipalityRate:Burst", "30000"), ("Ingestion:DeviceRate:PerSecond", "100"), ("Ingestion:DeviceRate:Burst", "500"),
    ];

    static readonly Lazy<Task<Service>> One = new(() => StartAsync(settings: [.. WithoutSweeps, .. WithoutLimits]));

    readonly ConcurrentQueue<string> connected = new();

    readonly WebApplication app;
    readonly bool ownNeighbours;
    readonly HttpClient http;

    Service(WebApplication app, TestEngines engines, Neighbours neighbours, bool ownNeighbours)
    {
        this.app = app;
        this.ownNeighbours = ownNeighbours;
        Engines = engines;
        Neighbours = neighbours;
        http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(30) };
    }

    public TestEngines Engines { get; }

    /// <summary>Where HTTP is spoken.</summary>
    public Uri Address => http.BaseAddress!;

    public Neighbours Neighbours { get; }

    /// <summary>One service for all fixtures, which keep to municipalities of their own.</summary>
    public static Task<Service> SharedAsync() => One.Value;

    /// <summary>A service of one's own.</summary>
    /// <param name="engines">The shared ones if not given.</param>
    /// <param name="neighbours">New ones if not given.</param>
    /// <param name="settings">Configuration, e.g. <c>Ingestion:LargestUplink</c>.</param>
    public static async Task<Service> StartAsync(TestEngines? engines = null, Neighbours? neighbours = null, params (string Key, string Value)[] settings)
    {
        engines ??= await TestEngines.SharedAsync();
        var own = neighbours is null;
        neighbours ??= await Neighbours.StartAsync();
        // The platform takes migrations from the program of this name; here that would be the test runner.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(IngestionModule).Assembly.GetName().Name });
        builder.Configuration.AddInMemoryCollection(SettingsOf(engines, neighbours).Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        var platform = builder.AddPlatform("ingestion");
        builder.AddIngestion(platform);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPlatform();
        app.MapIngestion();
        await app.StartAsync();
        return new Service(app, engines, neighbours, own);
    }

    /// <summary>What any instance needs.</summary>
    public static (string Key, string Value)[] SettingsOf(TestEngines engines, Neighbours neighbours) =>
    [
        ("Platform:PublicUrl", "https://daten.example"), ("Platform:Postgres", engines.ConnectionString("ingestion")), ("Platform:Redis", engines.Redis.Address),
        ("Platform:Log:AppendTimeout", "00:00:02"), ("Platform:Identity:Issuer", neighbours.Issuer), ("Platform:InternalKey", Neighbours.InternalKey),
        ("Platform:Services:identity", neighbours.Url), ("Platform:Services:streams", neighbours.Url), ("Platform:Services:observations", neighbours.Url),
        ("Ingestion:Mqtt:Address", "127.0.0.1:0"), ("Ingestion:LastSeenWrittenEvery", "00:00:00.200"),
    ];

    /// <summary>A fresh municipality with the profiles of <see cref="Profiles"/>, and its people's credentials.</summary>
    public async Task<Town> TownAsync()
    {
        var id = await Engines.CreateMunicipalityAsync();
        connected.Enqueue(id);
        if (connected.Count > TownsConnected && connected.TryDequeue(out var before)) await Get<MunicipalDatabases>().ForgetAsync(before);
        Neighbours.Add(id);
        foreach (var profile in Profiles.All) Neighbours.Add(id, profile);
        await app.Services.GetRequiredService<Municipalities>().RefreshAsync(TimeSpan.Zero, CancellationToken.None);
        return new Town(this, id);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? credential, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (credential?.Contains('.', StringComparison.Ordinal) == true) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);
        else if (credential is not null) request.Headers.Add("X-Api-Key", credential);
        using var answer = await http.SendAsync(request);
        return new Answer((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, answer.Headers.RetryAfter?.Delta, answer.Headers.Location, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>A bare answer, for those who look at its headers or bytes.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path, string token, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (ifNoneMatch is not null) request.Headers.Add("If-None-Match", ifNoneMatch);
        return await http.SendAsync(request);
    }

    /// <summary>Where MQTT is spoken.</summary>
    public int MqttPort => Get<MqttListener>().EndPoint!.Port;

    /// <summary>Where MQTT is spoken over TLS.</summary>
    public int MqttTlsPort => Get<MqttListener>().TlsEndPoint!.Port;

    public T Get<T>() where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>What a topic of a municipality holds, in order of arrival within each partition; waits until it is at least <paramref name="atLeast"/> records.</summary>
    public async Task<List<byte[]>> ReadAsync(string municipality, string topic, int atLeast)
    {
        var read = new List<byte[]>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var from = Enumerable.Range(0, Get<LogOptions>().Partitions).Select(LogPosition.BeforeFirst).ToList();
        try
        {
            if (atLeast == 0) limit.CancelAfter(TimeSpan.FromMilliseconds(700));
            await foreach (var batch in Get<ILog>().TailAsync(municipality, topic, from, limit.Token))
            {
                read.AddRange(batch.Records.Select(record => record.Payload.ToArray()));
                // A little longer, so that one too many is seen as well.
                if (read.Count >= atLeast) limit.CancelAfter(TimeSpan.FromMilliseconds(200));
            }
        }
        catch (OperationCanceledException)
        {
            // What there is, is read.
        }
        return read;
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(soon.Token);
        await app.DisposeAsync();
        if (ownNeighbours) await Neighbours.DisposeAsync();
    }
}

/// <summary>What a client gets.</summary>
sealed record Answer(int Status, string? MediaType, TimeSpan? RetryAfter, Uri? Location, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public string Text(string field) => Json.GetProperty(field).GetString()!;

    /// <summary>The last part of the problem's type.</summary>
    public string Error => MediaType == "application/problem+json" ? Text("type")["urn:allmende:error:".Length..] : $"{Status} {MediaType} {Body}";

    public string? Field => Json.TryGetProperty("field", out var at) ? at.GetString() : null;
}

/// <summary>A municipality and who is there.</summary>
sealed class Town(Service service, string id)
{
    static int count;

    public string Id => id;

    public string Admin => service.Neighbours.Token(id, Roles.Admin);

    public string Analyst => service.Neighbours.Token(id, Roles.Analyst);

    /// <summary>The municipality's key that its network server has.</summary>
    public string Key { get; } = service.Neighbours.AddKey(id, Roles.WriteUplinks);

    public Task<Answer> PostAsync(string path, string json, string? credential) =>
        service.SendAsync(HttpMethod.Post, $"/{id}/{path}", credential, JsonContent(json));

    public Task<Answer> PutAsync(string path, string json, string? credential) =>
        service.SendAsync(HttpMethod.Put, $"/{id}/{path}", credential, JsonContent(json));

    public Task<Answer> GetAsync(string path, string? credential) => service.SendAsync(HttpMethod.Get, $"/{id}/{path}", credential);

    public Task<Answer> PatchAsync(string path, string json, string? credential) =>
        service.SendAsync(HttpMethod.Patch, $"/{id}/{path}", credential, new StringContent(json, Encoding.UTF8, "application/merge-patch+json"));

    public Task<Answer> DeleteAsync(string path, string? credential) => service.SendAsync(HttpMethod.Delete, $"/{id}/{path}", credential);

    public Task<Answer> UplinkAsync(string door, string json, string? credential = null) => PostAsync("uplinks/" + door, json, credential ?? Key);

    public static StringContent JsonContent(string json) => new(json, Encoding.UTF8, "application/json");

    /// <summary>Registers a device with a DevEUI of its own.</summary>
    public async Task<(string Id, string DevEui, string Key)> DeviceAsync(string device = "pegel-1", string profile = Profiles.Gauge)
    {
        var devEui = $"70B3D57ED{Interlocked.Increment(ref count):X7}";
        var answer = await PostAsync("devices", $$"""{"id":"{{device}}","name":"Pegel Altstadt","devEui":"{{devEui}}","profile":"{{profile}}","location":{"type":"Point","coordinates":[8.38,51.9]} }""", Admin);
        if (answer.Status != 201) throw new InvalidOperationException($"{answer.Status} {answer.Body}");
        return (device, devEui, answer.Text("key"));
    }

    /// <summary>The uplinks in the log.</summary>
    public async Task<List<Uplink>> UplinksAsync(int atLeast = 1) =>
        [.. (await service.ReadAsync(id, Topics.Uplinks, atLeast)).Select(payload => JsonSerializer.Deserialize(payload, ContractsJson.Default.Uplink)!)];

    /// <summary>The events in the log.</summary>
    public async Task<List<CloudEvent>> EventsAsync(int atLeast = 1) =>
        [.. (await service.ReadAsync(id, Topics.Events, atLeast)).Select(payload => JsonSerializer.Deserialize(payload, ContractsJson.Default.CloudEvent)!)];
}

/// <summary>Device profiles that Streams has.</summary>
static class Profiles
{
    public const string Gauge = "gauge", Decoded = "decoded";

    public static IReadOnlyList<DeviceProfile> All { get; } =
    [
        new(Gauge, "Pegelsonde", "gauge-codec", [new("distance", "Wasserstand", "water_level", "m", [0, 10]), new("battery.voltage", "Batterie", "battery_voltage", "V")],
            Dataset: "water-levels", DatasetName: "Wasserstände", ExpectedInterval: 600),
        new(Decoded, "Vom Netzwerkserver gelesen", null, [new("temperature", "Lufttemperatur", "air_temperature", "Cel", [-40, 60])]),
    ];
}
