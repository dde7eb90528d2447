using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Allmende.Streams.Tests;

/// <summary>The service with real PostgreSQL and Redis. Identity is played: it knows the municipalities of the tests and signs tokens.</summary>
sealed class StreamsService : WebApplicationFactory<Program>
{
    const string Issuer = "http://localhost:9200/realms/allmende";
    const string InternalKey = "0123456789abcdef-tests";
    static readonly RsaSecurityKey Key = new(RSA.Create(2048)) { KeyId = "tests" };
    static readonly List<string> Known = [];
    readonly TestEngines engines;

    StreamsService(TestEngines engines) => this.engines = engines;

    public static async Task<StreamsService> StartAsync() => new(await TestEngines.SharedAsync());

    public ILog Log => Services.GetRequiredService<ILog>();

    /// <summary>A fresh municipality.</summary>
    public async Task<string> MunicipalityAsync()
    {
        var id = await engines.CreateMunicipalityAsync();
        lock (Known) Known.Add(id);
        // As onboarding does: wait until the service says that it is ready for it.
        using var client = Internal();
        await Eventually.TrueAsync(async () => (await client.GetAsync(new Uri($"/internal/municipalities/{id}", UriKind.Relative))).IsSuccessStatusCode, $"readiness for {id}");
        return id;
    }

    /// <summary>A client with a role of the municipality.</summary>
    public HttpClient Client(string municipality, string role = Roles.Developer)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = JsonSerializer.Serialize(new
        {
            iss = Issuer,
            aud = "allmende",
            iat = now,
            nbf = now - 60,
            exp = now + 600,
            azp = $"{municipality}-{role}",
            municipality,
            resource_access = new { allmende = new { roles = new[] { role } } },
        });
        var token = new JsonWebTokenHandler().CreateToken(claims, new SigningCredentials(Key, SecurityAlgorithms.RsaSha256));
        var client = CreateClient();
        client.BaseAddress = new Uri(client.BaseAddress!, $"/{municipality}/");
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>A caller with the internal key.</summary>
    public HttpClient Internal()
    {
        var client = CreateClient();
        client.DefaultRequestHeaders.Add("X-Internal-Key", InternalKey);
        return client;
    }

    /// <summary>Appends an uplink as Ingestion does.</summary>
    public Task SendAsync(string municipality, Uplink uplink) =>
        Log.AppendAsync(municipality, Topics.Uplinks, uplink.Device, JsonSerializer.SerializeToUtf8Bytes(uplink, ContractsJson.Default.Uplink), CancellationToken.None);

    /// <summary>Waits for so many observations of the municipality, from the first on.</summary>
    public async Task<List<Observation>> ObservationsAsync(string municipality, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var found = new List<Observation>();
        var beginning = new[] { new LogPosition(0, 1, 0), new LogPosition(1, 1, 0) };
        try
        {
            await foreach (var batch in Log.TailAsync(municipality, Topics.Observations, beginning, limit.Token))
            {
                foreach (var record in batch.Records) ObservationBatch.Read(record.Payload.Span, found);
                if (found.Count >= count) break;
            }
        }
        catch (OperationCanceledException)
        {
            // The caller sees how many there are.
        }
        return found;
    }

    /// <summary>Waits until so many dead letters are shown.</summary>
    public static Task<JsonElement> DeadLettersAsync(HttpClient client, int count) => EventuallyAsync(async () =>
    {
        var list = await client.GetFromJsonAsync<JsonElement>("dead-letters");
        return list.GetArrayLength() == count ? list : default(JsonElement?);
    }, $"{count} dead letters");

    static async Task<JsonElement> EventuallyAsync(Func<Task<JsonElement?>> ask, string what) =>
        Runner.Json(await Eventually.GetAsync(async () => (await ask())?.GetRawText(), what, TimeSpan.FromSeconds(20)));

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Platform:Postgres", engines.ConnectionString("streams"));
        builder.UseSetting("Platform:Redis", engines.Redis.Address);
        builder.UseSetting("Platform:InternalKey", InternalKey);
        builder.UseSetting("Platform:Identity:Issuer", Issuer);
        builder.UseSetting("Platform:Services:identity", "http://localhost:9201");
        builder.UseSetting("Platform:Services:observations", "http://localhost:9202");
        builder.UseSetting("Platform:PublicUrl", "http://localhost:9200");
        // Begins at once when one is accepted over the API, and never of itself: tests make steps of their own.
        builder.UseSetting("Replays:Settle", "00:00:00");
        builder.UseSetting("Replays:LookEvery", "01:00:00").UseSetting("Replays:LookedForEvery", "01:00:00");
        builder.ConfigureTestServices(services =>
        {
            services.AddHttpClient("observations").ConfigurePrimaryHttpMessageHandler(() => new Observations());
            services.AddHttpClient("identity").ConfigurePrimaryHttpMessageHandler(() => new Identity());
            var provider = new OpenIdConnectConfiguration { Issuer = Issuer };
            provider.SigningKeys.Add(Key);
            services.AddSingleton<IConfigurationManager<OpenIdConnectConfiguration>>(new StaticConfigurationManager<OpenIdConnectConfiguration>(provider));
        });
    }

    /// <summary>Has 99 stored for everything, but shows nothing of Datastreams that begin with <c>geheim</c>, nor without credentials.</summary>
    sealed class Observations : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var keys = (await request.Content!.ReadFromJsonAsync(ContractsJson.Default.ObservationKeyArray, cancellationToken))!;
            var stored = keys.Select(key => request.Headers.Authorization is null || key.Datastream.StartsWith("geheim", StringComparison.Ordinal) ? null : new StoredResult(Runner.Json("99"))).ToArray();
            return new HttpResponseMessage { Content = JsonContent.Create(stored!, ContractsJson.Default.StoredResultArray) };
        }
    }

    sealed class Identity : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Municipality[] list;
            lock (Known) list = Known.Select(id => new Municipality(id, id, "059990001001", 1000, [8.4, 51.9], [8.3, 51.8, 8.5, 52])).ToArray();
            return Task.FromResult(new HttpResponseMessage
            {
                Content = new StringContent(JsonSerializer.Serialize(list, ContractsJson.Default.MunicipalityArray), Encoding.UTF8, "application/json"),
            });
        }
    }
}

/// <summary>One service for all fixtures of this project.</summary>
[NUnit.Framework.SetUpFixture]
public class OneStreamsService
{
    internal static StreamsService Service { get; private set; } = null!;

    [NUnit.Framework.OneTimeSetUp] public async Task StartAsync() => Service = await StreamsService.StartAsync();

    [NUnit.Framework.OneTimeTearDown] public async Task StopAsync() => await Service.DisposeAsync();
}
