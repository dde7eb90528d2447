using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Supervisor;
using Allmende.Supervisor.Processes;
using Allmende.Testing;

namespace Allmende.Identity.Tests;

/// <summary>Identity and the OpenID provider as processes, on a real PostgreSQL and Redis, with one service that takes municipalities in.</summary>
sealed class IdentityInstallation
{
    public const string InternalKey = "internal-key-of-the-tests";
    const string OperatorSecret = "operator-secret-of-the-tests";
    const string AdminSecret = "admin-secret-of-the-tests";

    static readonly Lazy<Task<IdentityInstallation>> One = new(StartAsync);
    static int counter;

    readonly TemporaryDirectory directory;

    IdentityInstallation(TestEngines engines, TemporaryDirectory directory, int port)
    {
        Engines = engines;
        this.directory = directory;
        ProviderUrl = Url(port);
        IdentityUrl = Url(port + 1);
        ServiceUrl = Url(port + 2);
        Issuer = $"{ProviderUrl}/realms/allmende";
        ProviderData = Path.Combine(directory.Path, "provider");
        Provider = new ManagedProcess(ProviderSpec(port), directory.Path);
        Identity = new ManagedProcess(IdentitySpec(), directory.Path);
        Http = new HttpClient { BaseAddress = new Uri(IdentityUrl), Timeout = TimeSpan.FromSeconds(60) };
    }

    public TestEngines Engines { get; }
    public ManagedProcess Provider { get; }
    public ManagedProcess Identity { get; }
    public ProbeService Service { get; private set; } = null!;
    public HttpClient Http { get; }
    public string ProviderUrl { get; }
    public string IdentityUrl { get; }
    public string ServiceUrl { get; }
    public string Issuer { get; }

    /// <summary>The provider's own files; there the tests find the private key that an attacker does not have.</summary>
    public string ProviderData { get; }

    public string Logs => directory.Path;

    public static Task<IdentityInstallation> SharedAsync() => One.Value;

    /// <summary>An id that no other test uses.</summary>
    public static string NewId() => $"stadt{Interlocked.Increment(ref counter)}-{Environment.ProcessId}";

    public static JsonObject Describe(string id) => new()
    {
        ["id"] = id,
        ["name"] = "Stadt " + id,
        ["ars"] = "059990001001",
        ["inhabitants"] = 101_000,
        ["center"] = new JsonArray(8.38, 51.9),
    };

    public Task<string> OperatorTokenAsync() => TokenAsync("operator", OperatorSecret);

    public Task<string> ProviderAdminTokenAsync() => TokenAsync("allmende-identity", AdminSecret);

    public async Task<string> TokenAsync(string clientId, string clientSecret)
    {
        using var answer = await AskForTokenAsync(clientId, clientSecret);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonObject>())!["access_token"]!.GetValue<string>();
    }

    public async Task<HttpResponseMessage> AskForTokenAsync(string clientId, string clientSecret) =>
        await Http.PostAsync(new Uri($"{Issuer}/protocol/openid-connect/token"), new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = clientId,
            ["client_secret"] = clientSecret,
        }));

    /// <summary>A request to Identity, or to another address, with a bearer token or none.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? token, JsonNode? body = null, string? apiKey = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (apiKey is not null) request.Headers.Add("X-Api-Key", apiKey);
        if (body is not null) request.Content = JsonContent.Create(body);
        return await Http.SendAsync(request);
    }

    public async Task<HttpResponseMessage> OnboardAsync(JsonObject description) =>
        await SendAsync(HttpMethod.Post, "/operator/municipalities", await OperatorTokenAsync(), description);

    /// <summary>A fresh municipality, open.</summary>
    public async Task<Onboarded> OnboardAsync()
    {
        var id = NewId();
        using var answer = await OnboardAsync(Describe(id));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), () => $"{text}\n{File.ReadAllText(Path.Combine(directory.Path, "identity.log"))}");
        return new Onboarded(id, JsonNode.Parse(text)!.AsObject());
    }

    public Task<string> TokenAsync(Onboarded municipality, string role) => TokenAsync(municipality.ClientId(role), municipality.Secret(role));

    static async Task<IdentityInstallation> StartAsync()
    {
        var installation = new IdentityInstallation(await TestEngines.SharedAsync(), TemporaryDirectory.Create(), FreePorts.Block(3));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => installation.StopAsync().Wait();
        await installation.Provider.StartAsync();
        await Task.WhenAll(installation.Identity.StartAsync(), installation.StartServiceAsync());
        return installation;
    }

    public async Task StartServiceAsync() => Service = await ProbeService.StartAsync(this, Issuer, ServiceUrl);

    async Task StopAsync()
    {
        await Service.DisposeAsync();
        await Identity.DisposeAsync();
        await Provider.DisposeAsync();
        directory.Dispose();
    }

    ProcessSpec ProviderSpec(int port) => new()
    {
        Name = "provider",
        File = "node",
        Arguments = ["--max-old-space-size=64", "src/main.js"],
        WorkingDirectory = Path.Combine(Repository(), "services/Identity/provider"),
        Environment = new Dictionary<string, string>
        {
            ["PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["ISSUER"] = Issuer,
            ["DATA"] = ProviderData,
            ["ADMIN_CLIENT_ID"] = "allmende-identity",
            ["ADMIN_CLIENT_SECRET"] = AdminSecret,
            ["OPERATOR_CLIENT_ID"] = "operator",
            ["OPERATOR_CLIENT_SECRET"] = OperatorSecret,
        },
        IsReady = cancel => AnswersAsync(ProviderUrl, cancel),
    };

    ProcessSpec IdentitySpec() => new()
    {
        Name = "identity",
        File = "dotnet",
        Arguments = [Path.Combine(TestContext.CurrentContext.TestDirectory, "Allmende.Identity.dll")],
        Environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = IdentityUrl,
            ["Platform__PublicUrl"] = IdentityUrl,
            ["Platform__Postgres"] = Engines.ConnectionString("identity"),
            ["Platform__Redis"] = Engines.Redis.Address,
            ["Platform__Identity__Issuer"] = Issuer,
            ["Platform__InternalKey"] = InternalKey,
            ["Platform__Services__identity"] = IdentityUrl,
            ["Platform__Services__catalog"] = ServiceUrl,
            ["Identity__Provider__AdminClientSecret"] = AdminSecret,
            ["Identity__Onboarding__ServicesPatience"] = "00:00:03",
        },
        IsReady = cancel => AnswersAsync(IdentityUrl, cancel),
    };

    async Task<bool> AnswersAsync(string url, CancellationToken cancel)
    {
        using var answer = await Http.GetAsync(new Uri(url + "/health/ready"), cancel);
        return answer.IsSuccessStatusCode;
    }

    static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    static string Repository()
    {
        var folder = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(folder, "Platform.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}

/// <summary>A municipality and what onboarding answered.</summary>
sealed record Onboarded(string Id, JsonObject Answer)
{
    public string DeviceKey => Answer["deviceKey"]!.GetValue<string>();

    public string ClientId(string role) => Answer["clients"]![role]!["clientId"]!.GetValue<string>();

    public string Secret(string role) => Answer["clients"]![role]!["clientSecret"]!.GetValue<string>();
}
