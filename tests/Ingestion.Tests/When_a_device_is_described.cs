using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_is_described
{
    const string Whole = """
        {
          "id": "pegel-1", "name": "Pegel Altstadt", "profile": "gauge", "location": { "type": "Point", "coordinates": [8.38, 51.9] },
          "tags": ["hochwasser", "mühlbach"], "group": "Mühlbach", "department": "Tiefbauamt", "notes": "Schlüssel im Rathaus\nZimmer 3",
          "installedAt": "2026-03-01T09:00:00+01:00", "externalIds": { "inventory": "T-4711", "gis": "77" }
        }
        """;

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    static string Described(JsonElement device) => string.Join('|', new[] { "tags", "group", "department", "notes", "installedAt", "externalIds", "location" }
        .Select(field => device.TryGetProperty(field, out var value) ? value.GetRawText() : "-"));

    [Test]
    public async Task Should_show_all_that_was_said()
    {
        var registered = await town.PostAsync("devices", Whole, town.Admin);
        var shown = await town.GetAsync("devices/pegel-1", town.Analyst);

        Assert.That((registered.Status, shown.Status), Is.EqualTo((201, 200)));
        Assert.That(shown.Json.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()), Is.EqualTo(new[] { "hochwasser", "mühlbach" }));
        Assert.That((shown.Text("group"), shown.Text("department"), shown.Text("notes")), Is.EqualTo(("Mühlbach", "Tiefbauamt", "Schlüssel im Rathaus\nZimmer 3")));
        Assert.That(shown.Json.GetProperty("installedAt").GetDateTimeOffset(), Is.EqualTo(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero)));
        Assert.That(shown.Json.GetProperty("externalIds").GetRawText(), Is.EqualTo("""{"gis":"77","inventory":"T-4711"}"""));
        Assert.That(Described(registered.Json), Is.EqualTo(Described(shown.Json)));
        // Others are told what they were told before, and no notes.
        var told = (await town.EventsAsync()).Single();
        Assert.That(told.Data.GetRawText(), Does.Not.Contain("Rathaus"));
        Assert.That(told.DataAs(ContractsJson.Default.DeviceRegistered).Datastreams, Has.Count.EqualTo(2));
    }

    [TestCase("""{"tags":"x"}""", "tags")]
    [TestCase("""{"tags":["Groß"]}""", "tags")]
    [TestCase("""{"tags":["a b"]}""", "tags")]
    [TestCase("""{"tags":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q","r","s","t","u"]}""", "tags")]
    [TestCase("""{"installedAt":"gestern"}""", "installedAt")]
    [TestCase("""{"externalIds":["x"]}""", "externalIds")]
    [TestCase("""{"externalIds":{"a":1}}""", "externalIds")]
    [TestCase("""{"externalIds":{"a b":"1"}}""", "externalIds.a b")]
    [TestCase("""{"group":7}""", "group")]
    [TestCase("""{"notes":"\u0000"}""", "notes")]
    [TestCase("""{"id":"pegel-2"}""", "id")]
    [TestCase("""{"name":null}""", "name")]
    [TestCase("""{"profile":"none"}""", "profile")]
    [TestCase("""{"location":{"coordinates":[8]}}""", "location.coordinates")]
    [TestCase("""{"name":"\ud800"}""", "")]
    [TestCase("[]", "")]
    public async Task Should_say_what_is_wrong_and_change_nothing(string patch, string field)
    {
        await town.PostAsync("devices", Whole, town.Admin);
        var before = (await town.GetAsync("devices/pegel-1", town.Admin)).Body;

        var answer = await town.PatchAsync("devices/pegel-1", patch, town.Admin);

        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_device")), answer.Body);
        Assert.That(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Body);
        Assert.That((await town.GetAsync("devices/pegel-1", town.Admin)).Body, Is.EqualTo(before));
    }

    [Test]
    public async Task Should_change_what_a_patch_names_alone()
    {
        await town.PostAsync("devices", Whole, town.Admin);

        var answer = await town.PatchAsync("devices/pegel-1", """
            {"Name":"Pegel Neustadt","tags":[],"notes":null,"externalIds":{"gis":null,"cafm":"9"},"location":{"coordinates":[8.39,51.91]},"state":"retired"}
            """, town.Admin);

        Assert.That((answer.Status, answer.Text("name"), answer.Text("group"), answer.Text("state")), Is.EqualTo((200, "Pegel Neustadt", "Mühlbach", "planned")), answer.Body);
        Assert.That(Described(answer.Json), Is.EqualTo(
            """-|"Mühlbach"|"Tiefbauamt"|-|"2026-03-01T08:00:00+00:00"|{"cafm":"9","inventory":"T-4711"}|{"type":"Point","coordinates":[8.39,51.91]}"""));
        Assert.That((await town.EventsAsync(2)).Select(told => told.Type), Is.EqualTo(new[] { EventTypes.DeviceRegistered, EventTypes.DeviceChanged }));
    }

    [Test]
    public async Task Should_make_all_changes_that_come_at_once()
    {
        await town.PostAsync("devices", Whole, town.Admin);
        var answers = await Task.WhenAll(Enumerable.Range(1, 6).Select(n => town.PatchAsync("devices/pegel-1", $$"""{"externalIds":{"s{{n}}":"{{n}}"} }""", town.Admin)));
        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(200));
        var ids = (await town.GetAsync("devices/pegel-1", town.Admin)).Json.GetProperty("externalIds").EnumerateObject().Select(id => id.Name);
        Assert.That(ids, Is.EqualTo(new[] { "gis", "inventory", "s1", "s2", "s3", "s4", "s5", "s6" }));
    }

    [Test]
    public async Task Should_refuse_a_patch_of_those_who_may_not()
    {
        await town.PostAsync("devices", Whole, town.Admin);
        Assert.That((await town.PatchAsync("devices/pegel-1", "{}", town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.PatchAsync("devices/nobody", "{}", town.Admin)).Error, Is.EqualTo("unknown_device"));
    }

    [Test]
    public async Task Should_forget_what_a_new_description_leaves_out()
    {
        await town.PostAsync("devices", Whole, town.Admin);
        var answer = await town.PutAsync("devices/pegel-1", """{"name":"x","profile":"gauge","group":"neu"}""", town.Admin);
        Assert.That(Described(answer.Json), Is.EqualTo("-|\"neu\"|-|-|-|-|-"));
    }
}
