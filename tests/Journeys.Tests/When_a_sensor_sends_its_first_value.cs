using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>From a device's registration to everything that people see of its value.</summary>
[TestFixture]
public class When_a_sensor_sends_its_first_value
{
    const string Datastream = "raum-204.co2";

    readonly DateTime time = Devices.Now().AddSeconds(-3);
    FreshMunicipality town = null!;
    JsonObject registration = null!;
    JsonObject liveEvent = null!;
    HttpClient anybody = null!;

    [OneTimeSetUp]
    public async Task RegisterAndSendAsync()
    {
        town = await TheInstallation.OnboardAsync();
        anybody = town.Anonymous();
        registration = await town.RegisterAsync("raum-204");
        await using var live = await LiveStream.OpenAsync(town.Anonymous(), $"?datastream={Datastream}");
        using var device = town.AsDevice();
        await device.SendAsync("raum-204", time, Devices.RoomUplink);
        liveEvent = await live.NextAsync();
        // A second one, without what The Things Stack leaves out: the counter 0.
        var second = Devices.Webhook("raum-204", time.AddSeconds(1), Devices.RoomUplink, fCnt: 0);
        second["uplink_message"]!.AsObject().Remove("f_cnt");
        using var answer = await device.PostAsJsonAsync("uplinks/tts", second);
        answer.EnsureSuccessStatusCode();
    }

    [OneTimeTearDown]
    public void Close()
    {
        anybody.Dispose();
        town.Dispose();
    }

    [Test]
    public async Task Should_have_answered_the_registration_with_links_that_work()
    {
        using var thing = await anybody.GetAsync(new Uri(registration["thing"]!.GetValue<string>()));
        Assert.That(thing.IsSuccessStatusCode, await thing.Content.ReadAsStringAsync());
        Assert.That(JsonNode.Parse(await thing.Content.ReadAsStringAsync())!["name"]!.GetValue<string>(), Is.EqualTo("Gerät raum-204"));
        foreach (var link in registration["datastreams"]!.AsArray())
        {
            using var answer = await anybody.GetAsync(new Uri(link!.GetValue<string>()));
            Assert.That(answer.IsSuccessStatusCode, $"{link}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    [Test]
    public async Task Should_read_the_value_its_unit_and_that_nothing_speaks_against_it()
    {
        var observation = await Eventually.GetAsync(() => anybody.ObservationAsync(Datastream, time), "value by GET");
        var datastream = await anybody.GetFromJsonAsync<JsonObject>($"sta/v1.1/Datastreams('{Datastream}')");
        Assert.Multiple(() =>
        {
            Assert.That(observation["result"]!.GetValue<double>(), Is.EqualTo(776));
            Assert.That(observation["resultQuality"]!.ToJsonString(), Does.Contain("good"));
            Assert.That(datastream!["unitOfMeasurement"]!["symbol"]!.GetValue<string>(), Is.EqualTo("ppm").Or.EqualTo("[ppm]"));
        });
    }

    [Test]
    public async Task Should_take_what_the_network_server_sends_without_zeros() =>
        await Eventually.GetAsync(() => anybody.ObservationAsync(Datastream, time.AddSeconds(1)), "value of the uplink without f_cnt");

    [Test]
    public void Should_have_pushed_it_live()
    {
        Assert.Multiple(() =>
        {
            Assert.That(liveEvent["datastream"]!.GetValue<string>(), Is.EqualTo(Datastream));
            Assert.That(liveEvent["result"]!.GetValue<double>(), Is.EqualTo(776));
            Assert.That(DateTime.Parse(liveEvent["phenomenonTime"]!.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal), Is.EqualTo(time));
        });
    }

    [Test]
    public async Task Should_list_its_dataset_in_the_catalogue()
    {
        var dataset = await DatasetAsync();
        using var feed = await anybody.GetAsync("catalog/catalog.ttl");
        using var unsuffixed = feed.IsSuccessStatusCode ? null : await anybody.GetAsync("catalog.ttl");
        var turtle = await (unsuffixed ?? feed).Content.ReadAsStringAsync();
        Assert.That(turtle, Does.Contain(dataset).And.Contain("dcat:"));
    }

    [Test]
    public async Task Should_export_it_as_csv_and_geojson()
    {
        var dataset = await DatasetAsync();
        await Eventually.GetAsync(() => anybody.ObservationAsync(Datastream, time), "value by GET");
        var csv = await Eventually.GetAsync(async () =>
        {
            using var answer = await anybody.GetAsync($"export/{dataset}.csv");
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync() : null;
        }, "CSV");
        var geojson = await anybody.GetFromJsonAsync<JsonObject>($"export/{dataset}.geojson");
        var feature = geojson!["features"]!.AsArray().Single()!;
        Assert.Multiple(() =>
        {
            Assert.That(csv.Split('\n').Where(row => row.Contains("776", StringComparison.Ordinal)), Is.Not.Empty);
            Assert.That(feature["geometry"]!["coordinates"]!.AsArray().Select(number => number!.GetValue<double>()), Is.EqualTo(new[] { 8.381, 51.902 }));
        });
    }

    [Test]
    public async Task Should_have_a_page_for_the_town()
    {
        using var page = await anybody.GetAsync("");
        Assert.Multiple(() =>
        {
            Assert.That(page.IsSuccessStatusCode);
            Assert.That(page.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/html"));
        });
    }

    async Task<string> DatasetAsync()
    {
        var dataset = await Eventually.GetAsync(async () =>
        {
            var answer = JsonNode.Parse(await anybody.GetStringAsync("catalog/datasets"))!;
            var list = answer as JsonArray ?? (answer["items"] ?? answer["datasets"] ?? answer["value"])!.AsArray();
            return list.SingleOrDefault();
        }, "dataset in the catalogue");
        return dataset["id"]!.GetValue<string>();
    }
}
