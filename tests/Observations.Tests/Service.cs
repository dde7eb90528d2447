using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Platform.Security;
using Allmende.Supervisor;
using Allmende.Testing;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Allmende.Observations.Tests;

/// <summary>
/// The service on real PostgreSQL and Redis, once for all tests. Identity is stood in for by two things: a list of municipalities over HTTP, as
/// docs/architecture.md has it, and callers who say their role in a header; tokens have tests of their own in Identity.Tests.
/// </summary>
sealed class Service : IAsyncDisposable
{
    const string InternalKey = "internal-key-of-the-tests";
    static readonly Lazy<Task<Service>> One = new(StartAsync);
    static readonly List<Municipality> Known = [];

    readonly TestEngines engines;
    readonly WebApplication identity;
    readonly Factory factory;

    Service(TestEngines engines, WebApplication identity, Factory factory) => (this.engines, this.identity, this.factory) = (engines, identity, factory);

    public static Task<Service> SharedAsync() => One.Value;

    static async Task<Service> StartAsync()
    {
        var engines = await TestEngines.SharedAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var identity = builder.Build();
        identity.MapGet("/internal/municipalities", () =>
        {
            lock (Known) return Results.Text(JsonSerializer.Serialize(Known.ToArray(), ContractsJson.Default.MunicipalityArray), "application/json");
        });
        DownlinkDoorStandIn.Map(identity);
        await identity.StartAsync();
        var factory = new Factory(engines, identity.Urls.First());
        factory.UseKestrel(0); // real sockets: some subscribers do not read theirs
        return new Service(engines, identity, factory);
    }

    public T Get<T>() where T : notnull => factory.Services.GetRequiredService<T>();

    /// <summary>The same service with another setting, for one test: a process beside the first, on the same engines.</summary>
    public async Task WithAsync(string setting, string value, Func<HttpClient, Task> test)
    {
        await using var other = new Factory(engines, identity.Urls.First(), (setting, value));
        await test(other.CreateClient());
    }

    /// <summary>The service on a port, for clients that need a connection.</summary>
    public async Task ListeningAsync(Func<string, Task> test)
    {
        var address = $"http://127.0.0.1:{FreePorts.Block(1)}";
        await using var listening = new Factory(engines, identity.Urls.First(), ("Platform:PublicUrl", address));
        listening.UseKestrel(new Uri(address).Port);
        listening.StartServer();
        await test(address);
    }

    /// <summary>A fresh municipality, ready in the service.</summary>
    public async Task<Town> TownAsync(string defaultAccess = Access.Open)
    {
        var id = await engines.CreateMunicipalityAsync();
        var municipality = new Municipality(id, id, "059990001001", 1000, [8.38, 51.9], [8.3, 51.8, 8.5, 52], defaultAccess);
        lock (Known) Known.Add(municipality);
        var client = factory.CreateClient();
        await Eventually.TrueAsync(async () => (await client.GetAsync($"/{id}/sta/v1.1")).IsSuccessStatusCode, "municipality in the service");
        return new Town(this, id, client);
    }

    public async ValueTask DisposeAsync()
    {
        await factory.DisposeAsync();
        await identity.DisposeAsync();
    }

    sealed class Factory(TestEngines engines, string identity, params (string Name, string Value)[] settings) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (name, value) in settings) builder.UseSetting(name, value);
            builder.UseSetting("Platform:Postgres", engines.ConnectionString("observations"));
            builder.UseSetting("Platform:Redis", engines.Redis.Address);
            builder.UseSetting("Platform:InternalKey", InternalKey);
            builder.UseSetting("Platform:Identity:Issuer", "http://localhost/realms/allmende");
            builder.UseSetting("Platform:Services:identity", identity);
            builder.UseSetting("Platform:Services:ingestion", identity);
            builder.UseSetting("Platform:PublicUrl", "http://localhost");
            // Sweeps would keep a connection to each of the tests' many municipalities.
            builder.UseSetting("Observations:CommandsSweptEvery", "01:00:00");
            builder.UseSetting("Observations:Live:SlowestWrite", "00:00:02");
            builder.UseSetting("Observations:Live:Heartbeat", "00:00:01");
            builder.UseSetting("Observations:Live:SlowestTopic", "00:00:02");
            builder.UseSetting("Observations:Live:MostStreamsOfCaller", "20");
            builder.UseSetting("Observations:Webhooks:AllowPrivateAddresses", "true");
            builder.UseSetting("Observations:Webhooks:FirstPause", "00:00:00.1");
            builder.UseSetting("Observations:Webhooks:LongestPause", "00:00:00.5");
            builder.UseSetting("Observations:Webhooks:RenewEvery", "00:00:01");
            builder.ConfigureTestServices(services => services
                .AddAuthentication("Said").AddScheme<AuthenticationSchemeOptions, SaidRole>("Said", null));
        }

        protected override void ConfigureClient(HttpClient client) => client.DefaultRequestHeaders.Add("X-Internal-Key", InternalKey);
    }

    /// <summary>Believes the header <c>X-Role: municipality role</c>.</summary>
    sealed class SaidRole(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-Role"].ToString().Split(' ') is not [var municipality, var role]) return Task.FromResult(AuthenticateResult.NoResult());
            var principal = new ClaimsPrincipal(new ClaimsIdentity(
                [new(Roles.MunicipalityClaim, municipality), new(Roles.RoleClaim, role), new(Caller.ClientClaim, $"{municipality}-{role}")], "said"));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(principal, "Said")));
        }
    }
}

/// <summary>A municipality in a test, with what tests do in it.</summary>
sealed class Town(Service service, string id, HttpClient client)
{
    public string Id { get; } = id;
    public HttpClient Client { get; } = client;

    /// <summary>Registers a device the way Ingestion does: by its event.</summary>
    public Task RegisterAsync(string device, string dataset = "wetter", params string[] fields) => RegisterAsync(Device(device, dataset, Marketplace, fields));

    /// <summary>The same at a place.</summary>
    public Task RegisterAtAsync(string device, string dataset, double longitude, double latitude, params string[] fields) => RegisterAsync(Device(device, dataset,
        JsonDocument.Parse(string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""{"type":"Point","coordinates":[{{longitude}},{{latitude}}]}""")).RootElement, fields));

    static DeviceRegistered Device(string device, string dataset, JsonElement location, string[] fields) =>
        new(device, $"Gerät {device}", null, null, "profil-1", "Profil 1", dataset, dataset, location, 600,
            fields.Select(field => new DeviceDatastream($"{device}.{field}", field, field, field, field == "occupied" ? null : "Cel", field == "temperature" ? [-40, 60] : null)).ToList());

    public async Task RegisterAsync(DeviceRegistered device)
    {
        await service.Get<IEventBus>().PublishAsync(Id, "ingestion", EventTypes.DeviceRegistered, device.Id, device, ContractsJson.Default.DeviceRegistered, default);
        await Eventually.TrueAsync(async () => (await Client.GetAsync($"/internal/{Id}/things/{device.Id}")).IsSuccessStatusCode, "Thing of the device");
    }

    /// <summary>Where devices stand that have no place of their own.</summary>
    public static JsonElement Marketplace { get; } = JsonDocument.Parse("""{"type":"Point","coordinates":[8.38,51.9]}""").RootElement;

    public Task PublishAsync(DatasetChanged dataset) =>
        service.Get<IEventBus>().PublishAsync(Id, "catalog", EventTypes.DatasetChanged, dataset.Id, dataset, ContractsJson.Default.DatasetChanged, default);

    /// <summary>Appends observations to the log as Streams does.</summary>
    public Task<LogPosition> AppendAsync(string thing, params Observation[] observations) =>
        service.Get<ILog>().AppendAsync(Id, Topics.Observations, thing, ObservationBatch.Write(Observation.Micros(DateTimeOffset.UtcNow), observations), default);

    /// <summary>Sets a dataset's access class and waits until it holds.</summary>
    public async Task SetAccessAsync(string dataset, string access)
    {
        await PublishAsync(new DatasetChanged(dataset, dataset, access, null));
        await Eventually.TrueAsync(async () =>
        {
            await using var command = service.Get<MunicipalDatabases>().Of(Id).CreateCommand("SELECT 1 FROM dataset WHERE id = $1 AND access = $2");
            command.Parameters.AddWithValue(dataset);
            command.Parameters.AddWithValue(access);
            return await command.ExecuteScalarAsync() is not null;
        }, $"{dataset} as {access}");
    }

    public string Url(string path) => $"/{Id}/sta/v1.1/{path}";

    public async Task<JsonNode> GetAsync(string path, string? role = null)
    {
        using var answer = await SendAsync(HttpMethod.Get, Url(path), null, role);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.IsSuccessStatusCode, Is.True, $"{path}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string url, string? body, string? role)
    {
        using var request = new HttpRequestMessage(method, url);
        if (role is not null) request.Headers.Add("X-Role", $"{Id} {role}");
        if (body is not null) request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        return await Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> PostAsync(string path, string body, string? role = Roles.Admin) => SendAsync(HttpMethod.Post, Url(path), body, role);

    /// <summary>Waits until the Datastream has so many observations.</summary>
    public Task HasAsync(string datastream, int count) => Eventually.TrueAsync(
        async () => (int)(await GetAsync($"Datastreams('{datastream}')/Observations?$count=true&$top=0", Roles.Admin))["@iot.count"]! == count, $"{count} observations of {datastream}");

    public static Observation At(string datastream, string time, double value, string? resultTime = null) =>
        new(datastream, Observation.Micros(DateTimeOffset.Parse(time, null)), value, ResultTime: resultTime is null ? null : Observation.Micros(DateTimeOffset.Parse(resultTime, null)));
}

[SetUpFixture]
public sealed class Ending
{
    [OneTimeTearDown] public async Task StopAsync() => await (await Service.SharedAsync()).DisposeAsync();
}
