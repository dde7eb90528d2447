using System.Text.Json;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Data;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_somebody_unknown_sends
{
    const string DevEui = "70B3D57EF0000001";
    const string Body = """{"id":"pegel-neu","name":"Pegel Neu","profile":"gauge"}""";

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    async Task<JsonElement> WaitingAsync(string name, Func<JsonElement, bool>? until = null) => (await Eventually.GetAsync(async () =>
        await town.GetAsync("unknown-devices/" + name, town.Admin) is { Status: 200 } found && until?.Invoke(found.Json) != false ? found : null, name)).Json;

    async Task<string[]> NamesAsync(string query = "") =>
        [.. (await town.GetAsync("unknown-devices" + query, town.Admin)).Json.GetProperty("items").EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];

    [Test]
    public async Task Should_be_kept_with_its_first_uplinks()
    {
        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-9", DevEui))).Error, Is.EqualTo("unknown_device"));
        await WaitingAsync(DevEui);
        for (var n = 0; n < 7; n++) await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-9", DevEui, $""" "f_port":85,"f_cnt":{159 + n},"frm_payload":"AQ==", """));
        await town.UplinkAsync("json", Messages.Plain("Sonde_7", """ "data":{ "t": 21.5 } """));

        var kept = await WaitingAsync(DevEui, one => one.GetProperty("count").GetInt64() == 8);

        Assert.That((kept.GetProperty("door").GetString(), kept.GetProperty("deviceId").GetString()), Is.EqualTo(("tts", "pegel-9")));
        var uplinks = kept.GetProperty("uplinks").EnumerateArray().ToList();
        Assert.That(uplinks.Select(one => one.GetProperty("fCnt").GetInt64()), Is.EqualTo(new[] { 158, 159, 160, 161, 162 }));
        Assert.That(uplinks[0].GetProperty("bytes").GetString(), Is.EqualTo("03670001047e0001"));
        Assert.That(uplinks[0].GetProperty("radio").GetProperty("gateways").GetInt32(), Is.EqualTo(2));
        var other = await WaitingAsync("Sonde_7");
        Assert.That(other.GetProperty("uplinks")[0].GetProperty("data").GetProperty("t").GetDouble(), Is.EqualTo(21.5));
        Assert.That(await NamesAsync(), Is.EqualTo(new[] { "Sonde_7", DevEui }), "the last seen first");
    }

    [Test]
    public async Task Should_be_adopted_with_what_it_sent()
    {
        var message = Messages.TheThingsStack("pegel-9", DevEui, """ "f_port":85,"f_cnt":1,"frm_payload":"AQ==","decoded_payload":{ "a": 1.50 }, """);
        await town.UplinkAsync("tts", message);
        await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-9", DevEui, """ "f_port":85,"f_cnt":2,"frm_payload":"Ag==", """));

        var answer = await town.PostAsync($"unknown-devices/{DevEui}/adopt", Body, town.Admin); // at once: nothing is written yet

        Assert.That((answer.Status, answer.Text("id"), answer.Text("devEui"), answer.Location!.ToString()), Is.EqualTo((201, "pegel-neu", DevEui, $"/{town.Id}/devices/pegel-neu")));
        var again = await town.UplinkAsync("tts", message);
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-neu"), answer.Text("key"))).Status, Is.EqualTo(202));
        var uplinks = await town.UplinksAsync(4);
        Assert.That(uplinks.Select(one => one.FCnt), Is.EquivalentTo(new long?[] { 1, 2, 1, null }));
        Assert.That(uplinks.Where(one => one.FCnt == 1).Select(one => one.Id).Distinct(), Is.EqualTo(new[] { again.Text("uplink") }), "a message sent again is no second one");
        Assert.That(uplinks.Select(one => one.Profile).Distinct(), Is.EqualTo(new[] { "gauge" }));
        Assert.That((await town.GetAsync("unknown-devices/" + DevEui, town.Admin)).Error, Is.EqualTo("not_in_inbox"));
    }

    [Test]
    public async Task Should_have_the_same_id_when_the_sender_decoded()
    {
        const string Content = """ "data":{ "temperature": 21.50, "text" : "\u00e4\u0000" } """;
        await town.UplinkAsync("json", Messages.Plain("fuehler", Content));

        var answer = await town.PostAsync("unknown-devices/fuehler/adopt", """{"id":"fuehler","name":"Fühler","profile":"decoded"}""", town.Admin);

        Assert.That(answer.Status, Is.EqualTo(201));
        var again = await town.UplinkAsync("json", Messages.Plain("fuehler", Content));
        Assert.That((await town.UplinksAsync(2)).Select(one => one.Id), Is.EqualTo(new[] { again.Text("uplink"), again.Text("uplink") }));
    }

    [Test]
    public async Task Should_have_been_heard_when_it_was_and_have_lost_nothing()
    {
        for (var n = 1; n <= 30; n++) await town.UplinkAsync("json", Messages.Plain("pegel-neu", $"\"fCnt\":{n},\"bytes\":\"{n:x2}\"", DateTime.UtcNow.ToString("O")));
        var waiting = await WaitingAsync("pegel-neu", one => one.GetProperty("count").GetInt64() == 30);
        await town.PostAsync("unknown-devices/pegel-neu/adopt", Body, town.Admin);

        var heard = await Eventually.GetAsync(async () => await town.GetAsync("devices/pegel-neu", town.Admin) is var shown && shown.Json.TryGetProperty("lastSeen", out _) ? shown : null, "lastSeen");
        Assert.That(heard.Json.GetProperty("lastSeen").GetProperty("at").GetDateTime(), Is.EqualTo(waiting.GetProperty("lastSeen").GetDateTime()));
        await town.UplinkAsync("json", Messages.Plain("pegel-neu", "\"fCnt\":31,\"bytes\":\"1f\"", DateTime.UtcNow.ToString("O")));
        var next = await Eventually.GetAsync(async () => await town.GetAsync("devices/pegel-neu", town.Admin) is var shown && shown.Json.GetProperty("lastSeen").TryGetProperty("fCnt", out var counter) && counter.GetInt64() == 31 ? shown : null, "next uplink");
        Assert.That(next.Json.GetProperty("lastSeen").GetProperty("lost").GetInt64(), Is.Zero);
    }

    [TestCase("""{"id":"pegel-neu","name":"x","profile":"none"}""", "invalid_device")]
    [TestCase("""{"id":"pegel-neu","name":"x","profile":"gauge","devEui":"70B3D57EF0000002"}""", "invalid_device")]
    [TestCase("""{"id":"pegel-1","name":"x","profile":"gauge"}""", "device_exists")]
    public async Task Should_wait_on_when_it_cannot_be_adopted(string body, string error)
    {
        await town.DeviceAsync();
        await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-9", DevEui));
        Assert.That((await town.PostAsync($"unknown-devices/{DevEui}/adopt", body, town.Admin)).Error, Is.EqualTo(error));
        await WaitingAsync(DevEui);
        Assert.That((await town.PostAsync("unknown-devices/nobody/adopt", Body, town.Admin)).Error, Is.EqualTo("not_in_inbox"));
    }

    [Test]
    public async Task Should_be_called_what_it_calls_itself()
    {
        await town.UplinkAsync("json", Messages.Plain("sonde-7"));
        await town.UplinkAsync("json", Messages.Plain("Sonde 7"));
        Assert.That((await town.PostAsync("unknown-devices/sonde-7/adopt", Body, town.Admin)).Json.GetProperty("errors").TryGetProperty("id", out _));
        Assert.That((await town.PostAsync("unknown-devices/Sonde%207/adopt", Body, town.Admin)).Json.GetProperty("errors").TryGetProperty("id", out _));
    }

    [Test]
    public async Task Should_be_nobody_to_wait_for_once_it_is_registered()
    {
        await town.UplinkAsync("json", Messages.Plain("pegel-1"));
        await WaitingAsync("pegel-1");
        await town.DeviceAsync();
        Assert.That(await NamesAsync(), Is.Empty);
        Assert.That(await town.UplinksAsync(0), Is.Empty, "nobody asked for what came before");
    }

    [Test]
    public async Task Should_be_ignored_until_it_is_restored()
    {
        await town.UplinkAsync("json", Messages.Plain("stoerer"));
        await WaitingAsync("stoerer");

        Assert.That((await town.DeleteAsync("unknown-devices/stoerer", town.Admin)).Status, Is.EqualTo(204));
        await town.UplinkAsync("json", Messages.Plain("stoerer", 2));
        await WaitingAsync("stoerer", one => one.GetProperty("count").GetInt64() == 2);
        Assert.That(await NamesAsync(), Is.Empty);
        Assert.That(await NamesAsync("?ignored=true"), Is.EqualTo(new[] { "stoerer" }));

        Assert.That((await town.PostAsync("unknown-devices/stoerer/restore", "", town.Admin)).Status, Is.EqualTo(204));
        Assert.That(await NamesAsync(), Is.EqualTo(new[] { "stoerer" }));
        Assert.That((await town.DeleteAsync("unknown-devices/nobody", town.Admin)).Error, Is.EqualTo("not_in_inbox"));
    }

    [Test]
    public async Task Should_be_shown_to_those_who_register_devices_alone()
    {
        await town.UplinkAsync("json", Messages.Plain("sonde-7"));
        foreach (var path in new[] { "unknown-devices", "unknown-devices/sonde-7" })
        {
            Assert.That((await town.GetAsync(path, null)).Status, Is.EqualTo(401));
            Assert.That((await town.GetAsync(path, town.Analyst)).Status, Is.EqualTo(403));
            Assert.That((await town.GetAsync(path, town.Key)).Status, Is.EqualTo(403));
        }
        Assert.That((await town.PostAsync("unknown-devices/sonde-7/adopt", Body, town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.DeleteAsync("unknown-devices/sonde-7", town.Analyst)).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_not_be_invented_by_a_device()
    {
        var device = await town.DeviceAsync();
        Assert.That((await town.UplinkAsync("json", Messages.Plain("nachbar"), device.Key)).Error, Is.EqualTo("unknown_device"));
        await town.UplinkAsync("json", Messages.Plain("zeuge")); // what comes later is written no earlier
        await WaitingAsync("zeuge");
        Assert.That(await NamesAsync(), Is.EqualTo(new[] { "zeuge" }));
    }

    [Test]
    public async Task Should_be_no_more_names_than_there_is_room_for()
    {
        await using var small = await Service.StartAsync(settings: [("Ingestion:Inbox:MostNames", "3"), ("Ingestion:Inbox:WrittenEvery", "00:00:00.1")]);
        var here = await small.TownAsync();
        for (var n = 1; n <= 5; n++)
        {
            await here.UplinkAsync("json", Messages.Plain($"sonde-{n}"));
            await Eventually.TrueAsync(async () => (await here.GetAsync($"unknown-devices/sonde-{n}", here.Admin)).Status == 200, $"sonde-{n}");
        }
        var list = await here.GetAsync("unknown-devices?limit=2", here.Admin);
        var next = await small.SendAsync(HttpMethod.Get, new Uri(list.Text("next")).PathAndQuery, here.Admin);
        Assert.That(new[] { list, next }.SelectMany(page => page.Json.GetProperty("items").EnumerateArray()).Select(one => one.GetProperty("name").GetString()), Is.EqualTo(new[] { "sonde-5", "sonde-4", "sonde-3" }));
        Assert.That(next.Json.TryGetProperty("next", out _), Is.False);
        Assert.That((await here.GetAsync("unknown-devices?after=x", here.Admin)).Error, Is.EqualTo("invalid_page"));
    }

    [Test]
    public async Task Should_keep_nothing_large()
    {
        await town.UplinkAsync("json", Messages.Plain("gross", $"\"bytes\":\"{new string('a', 2050)}\""));
        var kept = (await WaitingAsync("gross")).GetProperty("uplinks")[0];
        Assert.That((kept.GetProperty("leftOut").GetString(), kept.TryGetProperty("bytes", out _)), Is.EqualTo(("bytes", false)));
        await town.PostAsync("unknown-devices/gross/adopt", """{"id":"gross","name":"Groß","profile":"gauge"}""", town.Admin);
        Assert.That(await town.UplinksAsync(0), Is.Empty, "half a payload is none");
    }

    [Test]
    public async Task Should_be_forgotten_after_its_time()
    {
        await using var forgetful = await Service.StartAsync(settings: [("Ingestion:Inbox:KeptFor", "00:00:01"), ("Ingestion:Inbox:SweptEvery", "00:00:00.2"), ("Ingestion:Inbox:WrittenEvery", "00:00:00.1")]);
        var here = await forgetful.TownAsync();
        await here.UplinkAsync("json", Messages.Plain("kurz"));
        await using var rows = forgetful.Get<MunicipalDatabases>().Of(here.Id).CreateCommand("SELECT count(*) FROM unknown_device");
        await Eventually.TrueAsync(async () => await rows.ExecuteScalarAsync() is 1L, "name");
        await Eventually.TrueAsync(async () => await rows.ExecuteScalarAsync() is 0L, "nothing left");
    }

    [Test]
    public async Task Should_take_what_was_kept_later_when_the_log_is_down()
    {
        await using var engines = await TestEngines.StartAsync();
        await using var neighbours = await Neighbours.StartAsync();
        await using var own = await Service.StartAsync(engines, neighbours, ("Ingestion:Inbox:SweptEvery", "00:00:00.2"), ("Ingestion:ThingAwaited", "00:00:00.1"));
        var here = await own.TownAsync();
        await here.UplinkAsync("json", Messages.Plain("pegel-neu"));
        await engines.Redis.Process.KillAsync(restart: false);

        Assert.That((await here.PostAsync("unknown-devices/pegel-neu/adopt", Body, here.Admin)).Status, Is.EqualTo(201), "its key is shown this once");

        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();
        // What was not confirmed may have been stored all the same, under the same id.
        var taken = await Eventually.GetAsync(async () => await here.UplinksAsync(1) is { Count: > 0 } all ? all : null, "the kept uplink", TimeSpan.FromSeconds(30));
        Assert.That(taken.Select(one => (one.Device, one.Id)).Distinct().Count(), Is.EqualTo(1));
        Assert.That(taken[0].Device, Is.EqualTo("pegel-neu"));
        await using var rows = own.Get<MunicipalDatabases>().Of(here.Id).CreateCommand("SELECT count(*) FROM unknown_device");
        await Eventually.TrueAsync(async () => await rows.ExecuteScalarAsync() is 0L, "nothing left");
    }
}
