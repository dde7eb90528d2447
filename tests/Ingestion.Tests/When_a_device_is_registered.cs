using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Data;
using Allmende.Platform.Security;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_is_registered
{
    const string Gauge = """
        {"id":"pegel-1","name":"Pegel Altstadt","devEui":"70b3d57ed0000001","profile":"gauge","location":{"type":"Point","coordinates":[8.38,51.9]},
         "description":"An der Brücke","expectedInterval":300}
        """;

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    [Test]
    public async Task Should_answer_with_the_links_of_its_Thing_and_its_key()
    {
        var answer = await town.PostAsync("devices", Gauge, town.Admin);

        Assert.That(answer.Status, Is.EqualTo(201), answer.Body);
        Assert.That(answer.Location?.ToString(), Is.EqualTo($"/{town.Id}/devices/pegel-1"));
        Assert.That(answer.Text("devEui"), Is.EqualTo("70B3D57ED0000001"));
        Assert.That(answer.Text("thing"), Is.EqualTo($"https://daten.example/{town.Id}/sta/v1.1/Things('pegel-1')"));
        Assert.That(answer.Json.GetProperty("datastreams").EnumerateArray().Select(link => link.GetString()), Is.EqualTo(new[]
        {
            $"https://daten.example/{town.Id}/sta/v1.1/Datastreams('pegel-1.distance')",
            $"https://daten.example/{town.Id}/sta/v1.1/Datastreams('pegel-1.battery.voltage')",
        }));
        Assert.That(ApiKey.Fits(answer.Text("key"), "dk_"));
    }

    [Test]
    public async Task Should_keep_the_key_as_a_hash_alone()
    {
        var key = (await town.PostAsync("devices", Gauge, town.Admin)).Text("key");

        await using var command = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand("SELECT row_to_json(d)::text FROM device d");
        var row = (string)(await command.ExecuteScalarAsync())!;
        Assert.That(row, Does.Contain(ApiKey.Hash(key)).And.Not.Contain(key[3..]));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Admin)).Body, Does.Not.Contain(ApiKey.Hash(key)).And.Not.Contain(key));
    }

    [Test]
    public async Task Should_tell_the_others_all_they_need()
    {
        await town.PostAsync("devices", Gauge, town.Admin);

        var told = (await town.EventsAsync()).Single();
        Assert.That((told.Type, told.Source, told.Subject, told.Municipality), Is.EqualTo((EventTypes.DeviceRegistered, "/ingestion", "pegel-1", town.Id)));
        var device = told.DataAs(ContractsJson.Default.DeviceRegistered);
        Assert.That((device.Id, device.Name, device.DevEui, device.Profile, device.ProfileName), Is.EqualTo(("pegel-1", "Pegel Altstadt", "70B3D57ED0000001", "gauge", "Pegelsonde")));
        Assert.That((device.Dataset, device.DatasetName, device.ExpectedInterval, device.Description), Is.EqualTo(("water-levels", "Wasserstände", 300, "An der Brücke")));
        Assert.That(device.Location!.Value.GetRawText(), Is.EqualTo("""{"type":"Point","coordinates":[8.38,51.9]}"""));
        Assert.That(device.Datastreams.Select(stream => (stream.Id, stream.ObservedProperty, stream.Unit)), Is.EqualTo(new[]
        {
            ("pegel-1.distance", "water_level", "m"), ("pegel-1.battery.voltage", "battery_voltage", "V"),
        }));
        Assert.That(device.Datastreams[0].Range, Is.EqualTo(new double[] { 0, 10 }));
    }

    [Test]
    public async Task Should_answer_when_the_Thing_can_be_read()
    {
        await using var own = await Service.StartAsync();
        var asked = 0;
        own.Neighbours.ServesThing = (_, _) => Interlocked.Increment(ref asked) >= 4;

        await (await own.TownAsync()).DeviceAsync();

        Assert.That(asked, Is.EqualTo(4));
    }

    [Test]
    public async Task Should_stand_also_when_the_Thing_does_not_come_in_time()
    {
        await using var own = await Service.StartAsync(settings: ("Ingestion:ThingAwaited", "00:00:00.3"));
        own.Neighbours.ServesThing = (_, _) => false;
        var there = await own.TownAsync();

        await there.DeviceAsync();

        Assert.That((await there.GetAsync("devices/pegel-1", there.Admin)).Status, Is.EqualTo(200));
        Assert.That(await there.EventsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_name_all_faults_at_once()
    {
        var answer = await town.PostAsync("devices", """
            {"id":"Pegel 1","name":7,"devEui":"70B3D57ED000000X","profile":"unknown","dataset":"Ä","expectedInterval":0.5,"description":"\u0000",
             "location":{"type":"Point","coordinates":[51.9,98.38]}}
            """, town.Admin);

        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_device")));
        Assert.That(answer.Json.GetProperty("errors").EnumerateObject().Select(fault => fault.Name),
            Is.EquivalentTo(new[] { "id", "name", "devEui", "profile", "dataset", "expectedInterval", "description", "location.coordinates" }));
    }

    [TestCase("{}", "id", "name", "profile")]
    [TestCase("[]", "", "id", "name", "profile")]
    [TestCase("""{"id":"1234","name":"x","profile":"gauge"}""", "id")]
    [TestCase("""{"id":"a","name":" ","profile":"gauge"}""", "name")]
    [TestCase("""{"id":"a","name":"\ud800","profile":"gauge"}""", "name")]
    [TestCase("""{"\ud800":1,"id":"a","name":"x","profile":"gauge"}""", "", "id", "name", "profile")]
    [TestCase("""{"id":"a","name":"x","profile":"gauge","location":{"type":"Polygon"}}""", "location")]
    [TestCase("""{"id":"a","name":"x","profile":"gauge","location":{"type":"Point","coordinates":[1,"2"]}}""", "location.coordinates")]
    [TestCase("""{"id":"a","name":"x","profile":"gauge","location":{"type":"Point","coordinates":[1e999,2]}}""", "location.coordinates")]
    [TestCase("""{"id":"a","name":"x","profile":"gauge","location":{"type":"Point","\ud800":1,"coordinates":[1,2]}}""", "location")]
    [TestCase("""{"id":"a","name":"x","profile":"../other"}""", "profile")]
    public async Task Should_name_the_field(string body, params string[] fields)
    {
        var answer = await town.PostAsync("devices", body, town.Admin);

        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_device")));
        Assert.That(answer.Json.GetProperty("errors").EnumerateObject().Select(fault => fault.Name), Is.EquivalentTo(fields));
    }

    [TestCase("{\"id\":", 400)]
    [TestCase("", 400)]
    public async Task Should_refuse_what_is_no_JSON(string body, int status) =>
        Assert.That((await town.PostAsync("devices", body, town.Admin)).Status, Is.EqualTo(status));

    [Test]
    public async Task Should_refuse_a_body_that_is_too_large() =>
        Assert.That((await town.PostAsync("devices", $$"""{"id":"{{new string('a', 70_000)}}"}""", town.Admin)).Error, Is.EqualTo("too_large"));

    [Test]
    public async Task Should_refuse_a_second_one_of_that_id_or_DevEUI_and_keep_the_first()
    {
        var first = await town.DeviceAsync("pegel-1");

        var sameId = await town.PostAsync("devices", """{"id":"pegel-1","name":"Anderer","profile":"gauge"}""", town.Admin);
        var sameDevEui = await town.PostAsync("devices", $$"""{"id":"pegel-2","name":"Anderer","profile":"gauge","devEui":"{{first.DevEui.ToLowerInvariant()}}"}""", town.Admin);

        Assert.That((sameId.Status, sameId.Error, sameId.Field), Is.EqualTo((409, "device_exists", "id")));
        Assert.That((sameDevEui.Status, sameDevEui.Error, sameDevEui.Field), Is.EqualTo((409, "dev_eui_taken", "devEui")));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Admin)).Text("name"), Is.EqualTo("Pegel Altstadt"));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), first.Key)).Status, Is.EqualTo(202));
        Assert.That(await town.EventsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_refuse_who_may_not()
    {
        var elsewhere = await service.TownAsync();
        Assert.That((await town.PostAsync("devices", Gauge, null)).Status, Is.EqualTo(401));
        Assert.That((await town.PostAsync("devices", Gauge, town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.PostAsync("devices", Gauge, town.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.PostAsync("devices", Gauge, elsewhere.Admin)).Status, Is.EqualTo(403));
        Assert.That((await service.SendAsync(HttpMethod.Post, "/nowhere/devices", town.Admin)).Status, Is.EqualTo(404));
        Assert.That((await town.GetAsync("devices/pegel-1", town.Admin)).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Should_ask_to_come_again_while_nobody_knows_the_profiles()
    {
        await using var own = await Service.StartAsync();
        var there = await own.TownAsync();
        own.Neighbours.StreamsAnswers = false;

        var answer = await there.PostAsync("devices", Gauge, there.Admin);

        Assert.That((answer.Status, answer.RetryAfter), Is.EqualTo((503, TimeSpan.FromSeconds(2))));
        own.Neighbours.StreamsAnswers = true;
        Assert.That((await there.PostAsync("devices", Gauge, there.Admin)).Status, Is.EqualTo(201));
    }

    [Test]
    public async Task Should_take_in_many_at_once()
    {
        var answers = await Task.WhenAll(Enumerable.Range(1, 60).Select(n =>
            town.PostAsync("devices", $$"""{"id":"sensor-{{n}}","name":"Sensor {{n}}","profile":"gauge"}""", town.Admin)));

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(201));
        Assert.That((await town.EventsAsync(60)).Select(told => told.Subject).Distinct().Count(), Is.EqualTo(60));
    }
}
