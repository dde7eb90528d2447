using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>What one municipality keeps to itself is nothing to another one's people, clients and devices, at any route.</summary>
[TestFixture]
public class When_municipalities_live_side_by_side
{
    const string Device = "tresor-4711";

    // All that the town's secrets are recognised by: the device, its value (0x2327), its profile.
    static readonly string[] Secrets = ["tresor", "8999", "geheimprofil"];

    FreshMunicipality town = null!;
    FreshMunicipality neighbour = null!;
    DateTime time;

    [OneTimeSetUp]
    public async Task KeepSecretsAsync()
    {
        town = await TheInstallation.OnboardAsync(access: "internal");
        neighbour = await TheInstallation.OnboardAsync();
        await neighbour.RegisterAsync("raum-1");
        await town.KeepCodecAsync("geheimprofil", "function decodeUplink(input) { return { data: { value: (input.bytes[0] << 8) + input.bytes[1] } }; }");
        await town.RegisterAsync(Device, "geheimprofil");
        time = Devices.Now();
        using var sensor = town.AsDevice();
        await sensor.SendAsync(Device, time, "2327");
        using var analyst = await town.AsAsync("analyst");
        var own = await Eventually.GetAsync(() => analyst.ObservationAsync($"{Device}.value", time), "value for the town's own people");
        Assert.That(own["result"]!.GetValue<double>(), Is.EqualTo(8999));
    }

    [OneTimeTearDown]
    public void Close()
    {
        town.Dispose();
        neighbour.Dispose();
    }

    [Test]
    public async Task Should_show_nothing_at_any_documented_route([Values("nobody", "neighbour's admin", "neighbour's device")] string who)
    {
        using var stranger = await StrangerAsync(who);
        var routes = await RoutesAsync();
        Assert.That(routes, Has.Count.GreaterThan(20));
        foreach (var (method, path, mediaType) in routes)
        {
            using var request = new HttpRequestMessage(method, new Uri(TheInstallation.Running.Gateway, path));
            if (method != HttpMethod.Get && method != HttpMethod.Delete)
                request.Content = new StringContent(IsBatch(path) ? ReadingBatch : "{}", Encoding.UTF8, IsBatch(path) ? "application/json" : mediaType);
            using var answer = await stranger.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            // A live stream does not end; what it shows is another test's.
            var body = answer.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await ReadAsync(answer);
            Assert.Multiple(() =>
            {
                Assert.That((int)answer.StatusCode, Is.LessThan(500), $"{method} {path} for {who}: {body}");
                // Its own words may come back to whoever asked, in an error.
                if (answer.IsSuccessStatusCode)
                    foreach (var secret in Secrets.Where(secret => !path.Contains(secret, StringComparison.Ordinal)))
                        Assert.That(body, Does.Not.Contain(secret), $"{method} {path} for {who}");
                // Everybody may read what is open, many requests at once too; there is none of it here.
                if (IsBatch(path) && who == "nobody")
                    Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), body);
                else if (method != HttpMethod.Get)
                    Assert.That(answer.StatusCode, Is.AnyOf(HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.NotFound), $"{method} {path} for {who}: {body}");
            });
        }
    }

    /// <summary>What it says, without the ports of this installation: they are any numbers.</summary>
    static async Task<string> ReadAsync(HttpResponseMessage answer) => Regex.Replace(await answer.Content.ReadAsStringAsync(), "(localhost|127\\.0\\.0\\.1):[0-9]+", "…");

    [TestCase("sta/v1.1/Things")]
    [TestCase("sta/v1.1/Datastreams?$expand=Thing,Observations")]
    [TestCase("sta/v1.1/Observations")]
    [TestCase("sta/v1.1/Locations?$expand=Things")]
    [TestCase("sta/v1.1/ObservedProperties?$expand=Datastreams")]
    [TestCase("sta/v1.1/Sensors?$expand=Datastreams")]
    [TestCase("sta/v1.1/FeaturesOfInterest?$expand=Observations")]
    [TestCase("sta/v1.1/Things?$filter=Datastreams/Observations/result gt 1")]
    [TestCase("catalog/datasets")]
    [TestCase("catalog/catalog.ttl")]
    [TestCase("catalog/catalog.jsonld")]
    [TestCase("ogc/collections")]
    [TestCase("export/geheimprofil.csv")]
    [TestCase("export/geheimprofil.geojson")]
    [TestCase("ogc/collections/geheimprofil/items")]
    [TestCase("series/tresor-4711.value")]
    [TestCase("portal.json")]
    public async Task Should_show_nothing_at(string path)
    {
        foreach (var who in new[] { "nobody", "neighbour's admin", "neighbour's device" })
        {
            using var stranger = await StrangerAsync(who);
            using var answer = await stranger.GetAsync($"/{town.Id}/{path}");
            var body = await ReadAsync(answer);
            Assert.That((int)answer.StatusCode, Is.LessThan(500), body);
            if (answer.IsSuccessStatusCode)
                foreach (var secret in Secrets)
                    Assert.That(body, Does.Not.Contain(secret), who);
        }
    }

    [TestCase("sta/v1.1/Things('{0}')", Device, "missing")]
    [TestCase("sta/v1.1/Datastreams('{0}')", Device + ".value", "missing.value")]
    [TestCase("export/{0}.csv", "geheimprofil", "missing")]
    [TestCase("ogc/collections/{0}", "geheimprofil", "missing")]
    [TestCase("catalog/datasets/{0}", "geheimprofil", "missing")]
    [TestCase("series/{0}", Device + ".value", "missing.value")]
    public async Task Should_answer_for_a_hidden_thing_as_for_a_missing_one(string path, string hidden, string missing)
    {
        using var nobody = town.Anonymous();
        using var ofHidden = await nobody.GetAsync(string.Format(null, path, hidden));
        using var ofMissing = await nobody.GetAsync(string.Format(null, path, missing));
        var (hiddenBody, missingBody) = (await ofHidden.Content.ReadAsStringAsync(), await ofMissing.Content.ReadAsStringAsync());
        Assert.Multiple(() =>
        {
            Assert.That(ofHidden.StatusCode, Is.EqualTo(ofMissing.StatusCode));
            Assert.That(Without(hiddenBody, hidden), Is.EqualTo(Without(missingBody, missing)));
        });

        static string Without(string body, string id) =>
            System.Text.RegularExpressions.Regex.Replace(body.Replace(id, "…", StringComparison.Ordinal), "\"traceId\":\"[^\"]*\"", "");
    }

    [Test]
    public async Task Should_not_push_a_hidden_value_to_strangers()
    {
        await using var nobody = await LiveStream.OpenAsync(town.Anonymous());
        using (var neighbours = await StrangerAsync("neighbour's admin"))
        using (var refused = await neighbours.GetAsync($"{town.Id}/live", HttpCompletionOption.ResponseHeadersRead))
            Assert.That(refused.StatusCode, Is.AnyOf(HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.NotFound));
        await using var own = await LiveStream.OpenAsync(await town.AsAsync("analyst"));
        using var sensor = town.AsDevice();
        await sensor.SendAsync(Device, time.AddSeconds(5), "2327", fCnt: 2);
        var seen = await own.NextAsync();
        Assert.Multiple(() =>
        {
            Assert.That(seen["result"]!.GetValue<double>(), Is.EqualTo(8999));
            Assert.That(nobody.Heard(), Is.Empty);
        });
    }

    [Test]
    public async Task Should_not_take_a_neighbours_key_or_device()
    {
        using var foreign = new HttpClient { BaseAddress = new Uri(TheInstallation.Running.Gateway, $"/{town.Id}/") };
        foreign.DefaultRequestHeaders.Add("X-Api-Key", neighbour.DeviceKey);
        using var byKey = await foreign.PostAsJsonAsync("uplinks/tts", Devices.Webhook(Device, time.AddSeconds(9), "0001"));
        Assert.That(byKey.StatusCode, Is.AnyOf(HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.NotFound));

        using var sensor = neighbour.AsDevice();
        using var byDevice = await sensor.PostAsJsonAsync("uplinks/tts", Devices.Webhook(Device, time.AddSeconds(9), "0001"));
        Assert.That(byDevice.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    async Task<HttpClient> StrangerAsync(string who)
    {
        var http = new HttpClient { BaseAddress = TheInstallation.Running.Gateway, Timeout = TimeSpan.FromSeconds(30) };
        if (who == "neighbour's admin")
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await neighbour.TokenAsync("admin"));
        if (who == "neighbour's device")
            http.DefaultRequestHeaders.Add("X-Api-Key", neighbour.DeviceKey);
        return http;
    }

    const string ReadingBatch = """
        {"requests":[{"id":"1","method":"GET","url":"Things"},{"id":"2","method":"GET","url":"Observations?$expand=Datastream"},{"id":"3","method":"GET","url":"Things('tresor-4711')"}]}
        """;

    static bool IsBatch(string path) => path.EndsWith("/$batch", StringComparison.Ordinal);

    /// <summary>Every operation of the platform's own description with the town's ids in it.</summary>
    async Task<IReadOnlyList<(HttpMethod Method, string Path, string MediaType)>> RoutesAsync()
    {
        using var http = new HttpClient { BaseAddress = TheInstallation.Running.Gateway };
        var document = await http.GetFromJsonAsync<JsonObject>("openapi");
        var routes = new List<(HttpMethod, string, string)>();
        foreach (var (path, operations) in document!["paths"]!.AsObject())
            if (path.StartsWith("/{municipality}", StringComparison.Ordinal))
                foreach (var (method, operation) in operations!.AsObject().Where(operation => operation.Key is "get" or "post" or "put" or "patch" or "delete"))
                    routes.Add((HttpMethod.Parse(method), Filled(path), operation?["requestBody"]?["content"]?.AsObject().FirstOrDefault().Key ?? "application/json"));
        return routes;
    }

    string Filled(string path) => path
        .Replace("{municipality}", town.Id, StringComparison.Ordinal)
        .Replace("{datastream}", $"{Device}.value", StringComparison.Ordinal)
        .Replace("{dataset}", "geheimprofil", StringComparison.Ordinal)
        .Replace("{thing}", Device, StringComparison.Ordinal)
        .Replace("{path}", "Things", StringComparison.Ordinal)
        .Replace("{id}", path.Contains("/devices", StringComparison.Ordinal) ? Device : "geheimprofil", StringComparison.Ordinal);
}
