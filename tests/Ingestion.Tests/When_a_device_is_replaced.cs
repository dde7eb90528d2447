using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_is_replaced
{
    const string NewDevEui = "70B3D57EF0000002";

    Service service = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) old;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        old = await town.DeviceAsync();
        service.Neighbours.Add(town.Id, new DeviceProfile("gauge-2", "Pegelsonde 2", "gauge-2",
            [new("distance", "Wasserstand", "water_level", "m"), new("battery.voltage", "Batterie", "battery_voltage", "V"), new("tilt", "Neigung", "tilt", "deg")], ExpectedInterval: 60));
        service.Neighbours.Add(town.Id, new DeviceProfile("gauge-cm", "Pegelsonde in cm", "gauge-cm", [new("distance", "Wasserstand", "water_level", "cm")]));
    }

    Task<Answer> ReplaceAsync(string body, string? credential = null) => town.PostAsync("devices/pegel-1/replace", body, credential ?? town.Admin);

    [Test]
    public async Task Should_keep_its_datastreams()
    {
        await town.UplinkAsync("tts", Messages.TheThingsStack("x", old.DevEui));
        var before = (await town.EventsAsync()).Single().DataAs(ContractsJson.Default.DeviceRegistered);

        var answer = await ReplaceAsync($$"""{"devEui":"{{NewDevEui}}","text":"Gehäuse gebrochen"}""");

        Assert.That((answer.Status, answer.Text("id"), answer.Text("devEui"), answer.Text("thing")), Is.EqualTo((200, "pegel-1", NewDevEui, $"https://daten.example/{town.Id}/sta/v1.1/Things('pegel-1')")), answer.Body);
        var told = (await town.EventsAsync(2))[1];
        var now = told.DataAs(ContractsJson.Default.DeviceRegistered);
        Assert.That((told.Type, now.DevEui), Is.EqualTo((EventTypes.DeviceChanged, NewDevEui)));
        Assert.That(now.Datastreams.Select(one => one.Id), Is.EqualTo(before.Datastreams.Select(one => one.Id)));

        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("x", NewDevEui))).Status, Is.EqualTo(202));
        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("x", old.DevEui))).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 1), old.Key)).Status, Is.EqualTo(401), "the old key is worth nothing");
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 1), answer.Text("key"))).Status, Is.EqualTo(202));
        Assert.That((await town.UplinksAsync(3)).Select(one => one.Device), Is.All.EqualTo("pegel-1"));
        var device = await town.GetAsync("devices/pegel-1", town.Analyst);
        Assert.That(device.Json.GetProperty("previousDevEuis").EnumerateArray().Select(one => one.GetString()), Is.EqualTo(new[] { old.DevEui }));
        var entry = (await town.GetAsync("devices/pegel-1/maintenance", town.Analyst)).Json.GetProperty("items")[0];
        Assert.That((entry.GetProperty("kind").GetString(), entry.GetProperty("text").GetString(), entry.GetProperty("by").GetString()), Is.EqualTo(("replaced", "Gehäuse gebrochen", "tests")));
    }

    [Test]
    public async Task Should_begin_anew_with_state_and_counter()
    {
        await town.UplinkAsync("json", Messages.Plain("pegel-1", "\"fCnt\":500,\"bytes\":\"01\""));
        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/pegel-1", town.Analyst)).Text("state") == "active", "active device");
        await town.PostAsync("devices/pegel-1/state", """{"state":"faulty"}""", town.Admin);

        var answer = await ReplaceAsync($$"""{"devEui":"{{NewDevEui}}"}""");

        Assert.That((await town.GetAsync("devices/pegel-1", town.Analyst)).Text("state"), Is.EqualTo("installed"));
        await town.UplinkAsync("json", Messages.Plain("pegel-1", "\"fCnt\":90,\"bytes\":\"02\"", "2026-03-03T10:00:00Z"), answer.Text("key"));
        var device = await Eventually.GetAsync(async () => await town.GetAsync("devices/pegel-1", town.Analyst) is var shown && shown.Text("state") == "active" ? shown : null, "active device");
        Assert.That((device.Json.GetProperty("lastSeen").GetProperty("fCnt").GetInt64(), device.Json.GetProperty("lastSeen").GetProperty("lost").GetInt64()), Is.EqualTo((90L, 0L)));
    }

    [Test]
    public async Task Should_take_what_the_new_one_has_sent_already()
    {
        await town.UplinkAsync("tts", Messages.TheThingsStack("neu", NewDevEui));
        Assert.That((await ReplaceAsync($$"""{"devEui":"{{NewDevEui}}"}""")).Status, Is.EqualTo(200));
        Assert.That((await town.UplinksAsync()).Single().Device, Is.EqualTo("pegel-1"));
        Assert.That((await town.GetAsync("unknown-devices", town.Admin)).Json.GetProperty("items").GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Should_have_all_fields_of_the_old_one()
    {
        Assert.That((await ReplaceAsync($$"""{"devEui":"{{NewDevEui}}","profile":"gauge-2"}""")).Status, Is.EqualTo(200));

        var missing = await ReplaceAsync("""{"devEui":"70B3D57EF0000003","profile":"gauge-cm"}""");
        Assert.That((missing.Status, missing.Error), Is.EqualTo((409, "fields_missing")));
        Assert.That(missing.Json.GetProperty("errors").EnumerateObject().Select(one => one.Name), Is.EqualTo(new[] { "distance", "battery.voltage", "tilt" }), "cm are no m");

        var allowed = await ReplaceAsync("""{"devEui":"70B3D57EF0000003","profile":"gauge-cm","allowMissing":true}""");
        Assert.That((allowed.Status, allowed.Text("profile")), Is.EqualTo((200, "gauge-cm")));
    }

    [TestCase("{}", 422, "invalid_device")]
    [TestCase("""{"devEui":"x"}""", 422, "invalid_device")]
    [TestCase("""{"devEui":"70B3D57EF0000002","profile":"none"}""", 422, "invalid_device")]
    [TestCase("""{"devEui":"70B3D57EF0000002","allowMissing":"yes"}""", 422, "invalid_device")]
    [TestCase("[]", 422, "invalid_device")]
    public async Task Should_refuse_what_cannot_be(string body, int status, string error)
    {
        var answer = await ReplaceAsync(body);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((status, error)), answer.Body);
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), old.Key)).Status, Is.EqualTo(202), "all is as it was");
    }

    [Test]
    public async Task Should_be_nobody_elses_device()
    {
        var other = await town.DeviceAsync("pegel-2");
        Assert.That((await ReplaceAsync($$"""{"devEui":"{{other.DevEui}}"}""")).Error, Is.EqualTo("dev_eui_taken"));
        Assert.That((await ReplaceAsync($$"""{"devEui":"{{old.DevEui}}"}""")).Error, Is.EqualTo("invalid_device"));
        Assert.That((await town.PostAsync("devices/nobody/replace", $$"""{"devEui":"{{NewDevEui}}"}""", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await ReplaceAsync($$"""{"devEui":"{{NewDevEui}}"}""", town.Analyst)).Status, Is.EqualTo(403));
    }
}
