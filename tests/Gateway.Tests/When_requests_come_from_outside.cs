using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Allmende.Testing;

namespace Allmende.Gateway.Tests;

[TestFixture]
public class When_requests_come_from_outside
{
    Installation installation = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => installation = await Installation.StartAsync(new()
    {
        ["Gateway:Hosts:daten.musterstadt.example"] = "musterstadt",
        ["Gateway:MaxBodyBytes"] = "100000",
    });

    [OneTimeTearDown]
    public async Task StopAsync() => await installation.DisposeAsync();

    [TestCase("/musterstadt/identity/api-keys", "identity")]
    [TestCase("/operator/municipalities", "identity")]
    [TestCase("/musterstadt/devices", "ingestion")]
    [TestCase("/musterstadt/devices/pegel-1/downlinks", "ingestion")]
    [TestCase("/musterstadt/uplinks/tts", "ingestion")]
    [TestCase("/musterstadt/uplinks/mapped/wetter", "ingestion")]
    [TestCase("/musterstadt/uplink-mappings/wetter/try", "ingestion")]
    [TestCase("/musterstadt/mqtt-sources", "ingestion")]
    [TestCase("/musterstadt/device-certificate-authorities/werk", "ingestion")]
    [TestCase("/musterstadt/device-profiles/pegel", "streams")]
    [TestCase("/musterstadt/codecs/pegel/decode", "streams")]
    [TestCase("/musterstadt/dead-letters", "streams")]
    [TestCase("/musterstadt/rules", "streams")]
    [TestCase("/musterstadt/alerts", "streams")]
    [TestCase("/musterstadt/alerts.cap", "streams")]
    [TestCase("/musterstadt/alerts.atom", "streams")]
    [TestCase("/musterstadt/sta/v1.1/Things('pegel-1')/Datastreams", "observations")]
    [TestCase("/musterstadt/ngsi-ld/v1/entities", "observations")]
    [TestCase("/musterstadt/series/pegel-1.level", "observations")]
    [TestCase("/musterstadt/subscriptions/17/deliveries", "observations")]
    [TestCase("/musterstadt/catalog.ttl", "catalog")]
    [TestCase("/musterstadt/catalog/datasets", "catalog")]
    [TestCase("/musterstadt/export/pegel.csv", "opendata")]
    [TestCase("/musterstadt/ogc/collections", "opendata")]
    [TestCase("/nachbardorf/devices", "ingestion")]
    [TestCase("/musterstadt/", "dashboards")]
    [TestCase("/musterstadt", "dashboards")]
    [TestCase("/musterstadt/datasets/pegel", "dashboards")]
    [TestCase("/assets/portal.js", "dashboards")]
    [TestCase("/favicon.ico", "dashboards")]
    [TestCase("/", "dashboards")]
    [TestCase("/realms/allmende/protocol/openid-connect/token", "provider")]
    public async Task Should_lead_each_path_to_its_service_as_the_client_sent_it(string path, string service) =>
        Assert.That(await installation.GetAsync(path), Is.EqualTo($"{service} {path}"));

    [TestCase("/internal/municipalities")]
    [TestCase("/Internal/municipalities")]
    [TestCase("/internal")]
    [TestCase("/metrics")]
    [TestCase("/dapr/subscribe")]
    [TestCase("/musterstadt/../internal/municipalities")]
    [TestCase("/musterstadt/%2e%2e/internal/municipalities")]
    [TestCase("/musterstadt/devices/%2e%2e/%2e%2e/internal/municipalities")]
    [TestCase("//internal/municipalities")]
    [TestCase("/atlantis/devices")]
    [TestCase("/Musterstadt/devices")]
    public async Task Should_answer_not_found_and_let_nothing_through(string path)
    {
        var before = installation.Received.Count;
        // By hand: HttpClient would tidy the path.
        var answer = await RawAsync($"GET {path} HTTP/1.1\r\nHost: daten.example\r\nX-Internal-Key: {Installation.InternalKey}\r\nConnection: close\r\n\r\n");
        Assert.That(answer, Does.StartWith("HTTP/1.1 404").And.Contain("application/problem+json").And.Contain("urn:allmende:error:not_found"));
        Assert.That(installation.Received, Has.Count.EqualTo(before));
    }

    [TestCase("/realms/other/protocol/openid-connect/token")]
    [TestCase("/admin/realms/allmende/clients")]
    [TestCase("/openapi/v1.json")]
    [TestCase("/atlantis")]
    [TestCase("/no/such/thing")]
    public async Task Should_let_pages_tell_of_a_town_that_does_not_exist(string path) =>
        Assert.That(await installation.GetAsync(path), Is.EqualTo($"dashboards {path}"));

    [Test]
    public async Task Should_take_away_the_headers_in_which_services_trust_each_other()
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, "/musterstadt/devices?marked=1", null, "daten.example",
            ("X-Internal-Key", Installation.InternalKey), ("x-municipality", "nachbardorf"), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "for=6.6.6.6"), ("X-Original-URL", "/internal"),
            ("Authorization", "Bearer kept"), ("X-Api-Key", "kept"), ("X-Own", "kept"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));

        var (_, _, headers) = installation.Received.Last(received => received.Path.EndsWith("marked=1", StringComparison.Ordinal));
        foreach (var gone in new[] { "X-Internal-Key", "X-Municipality", "Forwarded", "X-Forwarded-Prefix", "X-Original-URL" })
            Assert.That(headers.ContainsKey(gone), Is.False, gone);
        Assert.That(headers["X-Forwarded-For"].ToString(), Is.EqualTo("127.0.0.1"));
        Assert.That(headers["X-Forwarded-Host"].ToString(), Is.EqualTo("daten.example"));
        Assert.That(headers["X-Forwarded-Proto"].ToString(), Is.EqualTo("http"));
        foreach (var kept in new[] { "Authorization", "X-Api-Key", "X-Own" }) Assert.That(headers[kept].ToString(), Does.EndWith("kept"), kept);
    }

    [TestCase("/devices", "ingestion /musterstadt/devices")]
    [TestCase("/", "dashboards /musterstadt/")]
    [TestCase("/musterstadt/devices", "ingestion /musterstadt/devices")]
    [TestCase("/assets/portal.js", "dashboards /assets/portal.js")]
    [TestCase("/realms/allmende/protocol/openid-connect/certs", "provider /realms/allmende/protocol/openid-connect/certs")]
    public async Task Should_take_a_mapped_host_for_its_municipality(string path, string reached) =>
        Assert.That(await installation.GetAsync(path, "daten.musterstadt.example"), Is.EqualTo(reached));

    [Test]
    public async Task Should_not_reach_another_municipality_or_the_inside_by_a_mapped_host()
    {
        Assert.That(await installation.GetAsync("/nachbardorf/devices", "daten.musterstadt.example"), Is.EqualTo("dashboards /musterstadt/nachbardorf/devices"));
        Assert.That(await installation.GetAsync("/internal/municipalities", "daten.musterstadt.example"), Does.Contain("not_found"));
    }

    [Test]
    public async Task Should_refuse_a_body_that_is_too_large_whether_its_length_is_told_or_not()
    {
        using var told = await RefusedWhileSendingAsync(new ByteArrayContent(new byte[100_001]), chunked: false);
        await AssertProblemAsync(told, 413, "too_large");
        using var untold = await RefusedWhileSendingAsync(new ByteArrayContent(new byte[300_000]), chunked: true);
        await AssertProblemAsync(untold, 413, "too_large");

        using var fits = await installation.SendAsync(HttpMethod.Post, "/musterstadt/uplinks/tts", new ByteArrayContent(new byte[100_000]));
        Assert.That(fits.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    /// <summary>A server that refuses a body does not read the rest of it; a client that is still sending may see the end of the connection before the answer.</summary>
    Task<HttpResponseMessage> RefusedWhileSendingAsync(HttpContent body, bool chunked) => Eventually.GetAsync(async () =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, installation.Address + "/musterstadt/uplinks/tts") { Content = new ByteArrayContent(await body.ReadAsByteArrayAsync()) };
        request.Headers.TransferEncodingChunked = chunked;
        try
        {
            return await installation.Http.SendAsync(request);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }, "answer to a body that is too large");

    [Test]
    public async Task Should_pass_a_services_own_problem_on_untouched()
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, "/musterstadt/series/teapot");
        Assert.That((int)answer.StatusCode, Is.EqualTo(418));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("short and stout"));
    }

    [Test]
    public async Task Should_pass_a_stream_on_as_it_comes()
    {
        using var answer = await installation.SendAsync(HttpMethod.Get, "/musterstadt/live");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.That(line, Is.EqualTo("data: first"));
    }

    [Test]
    public async Task Should_pass_web_sockets()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri(installation.Address.Replace("http", "ws", StringComparison.Ordinal) + "/musterstadt/series/socket"), CancellationToken.None);
        await socket.SendAsync(Encoding.UTF8.GetBytes("hallo"), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[100];
        var message = await socket.ReceiveAsync(buffer, CancellationToken.None);
        Assert.That(Encoding.UTF8.GetString(buffer, 0, message.Count), Is.EqualTo("echo hallo"));
    }

    [Test]
    public async Task Should_let_pages_of_other_origins_call_the_APIs()
    {
        using var preflight = await installation.SendAsync(HttpMethod.Options, "/musterstadt/sta/v1.1/Observations", null, null,
            ("Origin", "https://map.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,content-type"));
        Assert.That(preflight.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(preflight.Headers.GetValues("Access-Control-Allow-Origin"), Is.EqualTo(new[] { "*" }));
        Assert.That(preflight.Headers.Contains("Access-Control-Allow-Credentials"), Is.False);
    }

    [Test]
    public async Task Should_merge_what_services_say_of_themselves_and_name_those_that_do_not()
    {
        var document = JsonNode.Parse(await installation.GetAsync("/openapi"))!;
        Assert.That(document["openapi"]!.GetValue<string>(), Is.EqualTo("3.1.1"));
        Assert.That(document["x-missing"]!.AsArray().Select(name => name!.GetValue<string>()), Is.EqualTo(new[] { "ingestion", "streams", "observations", "opendata", "dashboards" }));
        Assert.That(document["paths"]!.AsObject().Select(path => path.Key), Is.EqualTo(new[] { "/{municipality}/identity/things", "/{municipality}/catalog/things" }));
        Assert.That(document["components"]!["schemas"]!.AsObject().Select(schema => schema.Key), Is.EquivalentTo(new[] { "Thing", "Problem", "catalog.Thing" }));
        Assert.That(document["components"]!["schemas"]!["catalog.Thing"]!["properties"]!["next"]!["$ref"]!.GetValue<string>(), Is.EqualTo("#/components/schemas/catalog.Thing"));
        Assert.That(document["paths"]!["/{municipality}/catalog/things"]!.ToJsonString(), Does.Contain("#/components/schemas/catalog.Thing"));
        Assert.That(document["paths"]!["/{municipality}/identity/things"]!.ToJsonString(), Does.Contain("#/components/schemas/Thing"));
    }

    internal static async Task AssertProblemAsync(HttpResponseMessage answer, int status, string type)
    {
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        Assert.That((await answer.Content.ReadFromJsonAsync<JsonObject>())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:" + type));
    }

    async Task<string> RawAsync(string request)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(installation.Address).Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}

[TestFixture]
public class When_services_fail
{
    Installation installation = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => installation = await Installation.StartAsync(new() { ["Gateway:RequestsPerSecondOf:nachbardorf"] = "5" }, "https://daten.example");

    [OneTimeTearDown]
    public async Task StopAsync() => await installation.DisposeAsync();

    [Test]
    public async Task Should_say_unavailable_while_a_service_is_down_and_use_it_as_soon_as_it_is_back()
    {
        Assert.That(await installation.GetAsync("/musterstadt/ogc"), Is.EqualTo("opendata /musterstadt/ogc"));
        await installation.StopServiceAsync("opendata");
        for (var i = 0; i < 20; i++)
        {
            using var answer = await installation.SendAsync(HttpMethod.Get, "/musterstadt/ogc");
            await When_requests_come_from_outside.AssertProblemAsync(answer, 503, "unavailable");
            Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        }
        Assert.That(await installation.GetAsync("/musterstadt/devices"), Is.EqualTo("ingestion /musterstadt/devices"));
        await Eventually.TrueAsync(async () => (await installation.GetAsync("/health/ready")).Contains("opendata", StringComparison.Ordinal), "opendata among what is not ready");

        await installation.StartServiceAsync("opendata");
        Assert.That(await installation.GetAsync("/musterstadt/ogc"), Is.EqualTo("opendata /musterstadt/ogc"));
        await Eventually.TrueAsync(async () => await installation.GetAsync("/health/ready") == """{"status":"ready"}""", "readiness");
    }

    [Test]
    public async Task Should_go_on_for_known_municipalities_without_identity()
    {
        Assert.That(await installation.GetAsync("/musterstadt/devices"), Does.StartWith("ingestion"));
        await installation.StopServiceAsync("identity");
        Assert.That(await installation.GetAsync("/musterstadt/devices"), Does.StartWith("ingestion"));
        await installation.StartServiceAsync("identity");
    }

    [Test]
    public async Task Should_stop_one_municipalitys_flood_and_nobody_else()
    {
        var refused = 0;
        for (var i = 0; i < 40; i++)
        {
            using var answer = await installation.SendAsync(HttpMethod.Get, "/nachbardorf/devices");
            if (answer.StatusCode != HttpStatusCode.TooManyRequests) continue;
            refused++;
            Assert.That(answer.Headers.RetryAfter!.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
            await When_requests_come_from_outside.AssertProblemAsync(answer, 429, "too_many_requests");
        }
        Assert.That(refused, Is.InRange(10, 30));
        for (var i = 0; i < 40; i++) Assert.That(await installation.GetAsync("/musterstadt/devices"), Does.StartWith("ingestion"));
    }

    [Test]
    public async Task Should_tell_services_that_clients_see_https_where_they_do()
    {
        await installation.GetAsync("/musterstadt/devices?https=1");
        Assert.That(installation.Received.Last(received => received.Path.EndsWith("https=1", StringComparison.Ordinal)).Headers["X-Forwarded-Proto"].ToString(), Is.EqualTo("https"));
    }
}
