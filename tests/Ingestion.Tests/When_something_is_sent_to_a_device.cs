using Allmende.Contracts;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_something_is_sent_to_a_device
{
    Service service = null!;
    NetworkServerStandIn server = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start() => service = await DownlinkSurroundings.ServiceAsync();

    [OneTimeTearDown]
    public async Task Stop() => await service.DisposeAsync();

    [SetUp]
    public async Task Register()
    {
        server = await NetworkServerStandIn.StartAsync();
        town = await service.TownAsync();
        device = await town.DeviceAsync();
    }

    [TearDown]
    public async Task StopServer() => await server.DisposeAsync();

    [Test]
    public async Task Should_be_pushed_to_The_Things_Stack_as_it_documents_it()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var answer = await town.SendAsync("""{"fPort":15,"bytes":"beef","confirmed":true,"priority":"high"}""");
        Assert.That((answer.Status, answer.Text("state"), answer.Location?.ToString()), Is.EqualTo((201, "queued", $"/{town.Id}/devices/pegel-1/downlinks/{answer.Text("id")}")));

        var sent = await town.InStateAsync($"devices/pegel-1/downlinks/{answer.Text("id")}", "sent");
        var (path, key, body) = server.Got.Single();
        Assert.That((path, key), Is.EqualTo(("/api/v3/as/applications/stadt/devices/pegel-1/down/push", "Bearer NNSXS.GEHEIM")));
        Assert.That(body, Is.EqualTo($$$"""{"downlinks":[{"f_port":15,"frm_payload":"vu8=","priority":"HIGH","confirmed":true,"correlation_ids":["allmende:{{{answer.Text("id")}}}"]}]}"""));
        Assert.That(sent.States(), Is.EqualTo(new[] { "queued", "sending", "sent" }));
        Assert.That((sent.GetProperty("by").GetString(), sent.GetProperty("way").GetString(), sent.GetProperty("attempts").GetInt32()), Is.EqualTo(("tests", "ttn", 1)));
        Assert.That(sent.GetProperty("history").EnumerateArray().Select(change => change.GetProperty("by").GetString()), Is.EqualTo(new[] { "tests", "platform", "platform" }));
    }

    [Test]
    public async Task Should_be_queued_at_ChirpStack_as_it_documents_it()
    {
        await town.PutWayAsync("lora", "chirpstack", server.Url, devices: null);
        var path = await town.QueueAsync("""{"fPort":10,"bytes":[1,2,3],"expiresAt":"2026-12-01T00:00:00Z"}""".Replace("2026-12-01", DateTime.UtcNow.AddDays(2).ToString("yyyy-MM-dd")));
        await town.InStateAsync(path, "sent");
        var got = server.Got.Single();
        Assert.That((got.Path, got.Key), Is.EqualTo(($"/api/devices/{device.DevEui.ToLowerInvariant()}/queue", "Bearer NNSXS.GEHEIM")));
        Assert.That(got.Body, Is.EqualTo($$$"""{"queueItem":{"confirmed":false,"data":"AQID","fPort":10,"expiresAt":"{{{DateTime.UtcNow.AddDays(2):yyyy-MM-dd}}}T00:00:00Z"}}"""));
    }

    [TestCase("downlink_ack", "acknowledged")]
    [TestCase("downlink_nack", "failed")]
    [TestCase("downlink_failed", "failed")]
    public async Task Should_get_into_the_state_that_The_Things_Stacks_webhook_tells(string field, string state)
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var path = await town.QueueAsync("""{"fPort":15,"bytes":"9b38715c","confirmed":true}""");
        await town.InStateAsync(path, "sent");
        var downlink = Events.DownlinkOfTheThingsStack.Replace("meine-42", "allmende:" + path[^32..]);
        var content = field == "downlink_failed" ? $$$"""{"downlink":{{{downlink}}},"error":{"namespace":"pkg/networkserver","name":"absolute_time","message_format":"invalid absolute time set in class B/C downlink"}}""" : downlink;
        Assert.That((await town.UplinkAsync("tts", Events.TheThingsStack(device.DevEui, field, content))).Status, Is.EqualTo(204));
        var told = await town.InStateAsync(path, state);
        Assert.That(told.States(), Is.EqualTo(new[] { "queued", "sending", "sent", state }));
        Assert.That(told.GetProperty("history")[3].GetProperty("by").GetString(), Is.EqualTo("network-server"));
        if (field == "downlink_failed") Assert.That(told.GetProperty("reason").GetString(), Does.StartWith("absolute_time"));
    }

    [TestCase("downlink_queued")]
    [TestCase("downlink_sent")]
    public async Task Should_count_as_sent_when_The_Things_Stack_tells_that_it_has_it(string field)
    {
        // What it answers to the attempts is of no use; what it tells is.
        server.Answers = _ => NetworkServerStandIn.Fault(503, "später");
        await town.PutWayAsync("ttn", "tts", server.Url);
        var path = await town.QueueAsync("""{"fPort":15,"bytes":"9b38715c"}""");
        await Eventually.TrueAsync(() => Task.FromResult(!server.Got.IsEmpty), "attempt");
        Assert.That((await town.UplinkAsync("tts", Events.TheThingsStack(device.DevEui, field, Events.DownlinkOfTheThingsStack.Replace("meine-42", "allmende:" + path[^32..])))).Status, Is.EqualTo(204));

        var told = await town.InStateAsync(path, "sent");
        Assert.That(told.GetProperty("history").EnumerateArray().Last().GetProperty("by").GetString(), Is.EqualTo("network-server"));
        // One attempt may have been under way.
        var most = server.Got.Count + 1;
        server.Answers = _ => null;
        await town.InStateAsync(await town.QueueAsync("""{"fPort":15,"bytes":"02"}"""), "sent");
        Assert.That(server.Got.Count(got => got.Body.Contains(path[^32..], StringComparison.Ordinal)), Is.LessThanOrEqualTo(most), "it is sent no more");
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("sent"));
    }

    [Test]
    public async Task Should_stay_sent_when_ChirpStack_tells_that_it_is_in_the_air()
    {
        await town.PutWayAsync("lora", "chirpstack", server.Url);
        var path = await town.QueueAsync("""{"fPort":10,"bytes":"01","confirmed":true}""");
        await town.InStateAsync(path, "sent");
        string Of(string message) => message.Replace("f0d3a4f7-3a36-4eb1-9d6c-9a8a4ee32b1d", NetworkServerStandIn.QueueItem);
        Assert.That((await town.UplinkAsync("chirpstack?event=txack", Of(Events.ChirpStackTxAck(device.DevEui)))).Status, Is.EqualTo(204));
        Assert.That((await town.UplinkAsync("chirpstack?event=ack", Of(Events.ChirpStackAck(device.DevEui, true)))).Status, Is.EqualTo(204));
        Assert.That((await town.InStateAsync(path, "acknowledged")).States(), Is.EqualTo(new[] { "queued", "sending", "sent", "acknowledged" }));
    }

    [TestCase(true, "acknowledged")]
    [TestCase(false, "failed")]
    public async Task Should_get_into_the_state_that_ChirpStacks_ack_tells(bool acknowledged, string state)
    {
        await town.PutWayAsync("lora", "chirpstack", server.Url);
        var path = await town.QueueAsync("""{"fPort":10,"bytes":"01","confirmed":true}""");
        await town.InStateAsync(path, "sent");
        // ChirpStack calls it by the queue item's id that it answered with; another one is another downlink.
        var ack = Events.ChirpStackAck(device.DevEui, acknowledged);
        Assert.That((await town.UplinkAsync("chirpstack?event=ack", ack)).Status, Is.EqualTo(204));
        Assert.That((await town.UplinkAsync("chirpstack?event=ack", ack.Replace("f0d3a4f7-3a36-4eb1-9d6c-9a8a4ee32b1d", NetworkServerStandIn.QueueItem))).Status, Is.EqualTo(204));
        Assert.That((await town.InStateAsync(path, "acknowledged", "failed")).States(), Is.EqualTo(new[] { "queued", "sending", "sent", state }));
    }

    [Test]
    public async Task Should_be_encoded_by_the_devices_codec()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        service.Neighbours.Encodes = (codec, call) => codec != "gauge-codec" ? (404, "{}")
            : call.GetProperty("data").TryGetProperty("interval", out _) ? (200, """{"fPort":7,"bytes":[2,88],"warnings":["gerundet"],"errors":[]}""")
            : call.GetProperty("data").TryGetProperty("lang", out _) ? (200, $$"""{"fPort":7,"bytes":[{{string.Join(',', Enumerable.Repeat(1, 243))}}]}""")
            : call.GetProperty("data").TryGetProperty("port", out _) ? (200, """{"fPort":224,"bytes":[1]}""")
            : call.GetProperty("data").TryGetProperty("falsch", out _) ? (200, """{"bytes":[1,300]}""")
            : call.GetProperty("data").TryGetProperty("kaputt", out _) ? (422, """{"type":"urn:allmende:error:codec_threw","detail":"boom"}""")
            : (200, """{"bytes":[],"errors":["unknown command"]}""");

        var answer = await town.SendAsync("""{"data":{"interval":600}}""");
        Assert.That((answer.Status, answer.Text("bytes"), answer.Json.GetProperty("fPort").GetInt32(), answer.Json.GetProperty("warnings")[0].GetString()), Is.EqualTo((201, "0258", 7, "gerundet")));
        await town.InStateAsync($"devices/pegel-1/downlinks/{answer.Text("id")}", "sent");
        Assert.That(server.Got.Single().Body, Does.Contain("\"f_port\":7,\"frm_payload\":\"Alg=\""));
        foreach (var (data, field, told) in new[] { ("x", "data", "unknown command"), ("kaputt", "data", "boom"), ("lang", "data", "243 bytes"), ("port", "fPort", "224"), ("falsch", "data", "0 to 255") })
        {
            answer = await town.SendAsync($$$"""{"data":{"{{{data}}}":1}}""");
            Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_downlink")), answer.Body);
            Assert.That(answer.Json.GetProperty("errors").GetProperty(field)[0].GetString(), Does.Contain(told));
        }
    }

    [TestCase("tts")]
    [TestCase("chirpstack")]
    [TestCase("mqtt")]
    public async Task Should_be_shown_by_a_dry_run_that_stores_and_sends_nothing(string kind)
    {
        if (kind != "mqtt") await town.PutWayAsync("netz", kind, server.Url);
        var answer = await town.SendAsync(query: "?dryRun=true");
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        Assert.That((answer.Text("kind"), answer.Json.GetProperty("downlink").GetProperty("bytes").GetString()), Is.EqualTo((kind, "01ff")));
        if (kind == "mqtt")
            Assert.That((answer.Text("topic"), answer.Json.GetProperty("body").GetProperty("bytes").GetString()), Is.EqualTo(($"{town.Id}/devices/pegel-1/down", "01ff")));
        else Assert.That((answer.Text("url"), answer.Json.GetProperty("body").GetRawText()), Is.EqualTo(kind == "tts"
            ? ($"{server.Url}/api/v3/as/applications/stadt/devices/pegel-1/down/push",
                """{"downlinks":[{"f_port":1,"frm_payload":"Af8=","priority":"NORMAL","confirmed":false,"correlation_ids":["allmende:00000000000000000000000000000000"]}]}""")
            : ($"{server.Url}/api/devices/{device.DevEui.ToLowerInvariant()}/queue",
                $$$"""{"queueItem":{"confirmed":false,"data":"Af8=","fPort":1,"expiresAt":"{{{answer.Json.GetProperty("body").GetProperty("queueItem").GetProperty("expiresAt").GetString()}}}"}}""")));
        Assert.That(answer.Body, Does.Not.Contain("GEHEIM"));
        Assert.That((await town.GetAsync("devices/pegel-1/downlinks", town.Admin)).Json.GetProperty("items").GetArrayLength(), Is.Zero);
        // Whatever were queued would have been sent before this one.
        if (kind == "mqtt") return;
        await town.InStateAsync(await town.QueueAsync("""{"fPort":2,"bytes":""}"""), "sent");
        Assert.That(server.Got, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_be_for_admins_and_developers_alone()
    {
        var path = await town.QueueAsync();
        var developer = service.Neighbours.Token(town.Id, Roles.Developer);
        var deviceManager = service.Neighbours.AddKey(town.Id, Roles.ManageDevices, Roles.WriteUplinks);
        Assert.That((await town.SendAsync(credential: developer)).Status, Is.EqualTo(201));
        foreach (var (who, status) in new[]
        {
            (town.Analyst, 403), (service.Neighbours.Token(town.Id, Roles.DataOwner), 403), (service.Neighbours.Token(town.Id, Roles.DataSteward), 403),
            (service.Neighbours.Token(town.Id, Roles.Partner), 403), (deviceManager, 403), (town.Key, 403), (device.Key, 403), ((string?)null, 401),
        })
        {
            Assert.That((await service.SendAsync(HttpMethod.Post, $"/{town.Id}/devices/pegel-1/downlinks", who, Town.JsonContent("""{"fPort":1,"bytes":"01"}"""))).Status, Is.EqualTo(status));
            Assert.That((await service.SendAsync(HttpMethod.Post, $"/{town.Id}/devices/pegel-1/downlinks?dryRun=true", who, Town.JsonContent("""{"fPort":1,"bytes":"01"}"""))).Status, Is.EqualTo(status));
            Assert.That((await town.DeleteAsync(path, who)).Status, Is.EqualTo(status));
            Assert.That((await town.GetAsync("downlink-ways", who)).Status, Is.EqualTo(status));
            Assert.That((await town.PutAsync("downlink-ways/x", "{}", who)).Status, Is.EqualTo(status));
        }
        Assert.That((await town.GetAsync(path, town.Analyst)).Text("state"), Is.EqualTo("queued"));
    }

    [Test]
    public async Task Should_not_be_seen_or_changed_by_another_municipality()
    {
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        var path = await town.QueueAsync();
        await town.PutWayAsync("ttn", "tts", server.Url, devices: "[]");
        // Its own path, our ids: as if they were not there.
        Assert.That((await elsewhere.GetAsync(path, elsewhere.Admin)).Error, Is.EqualTo("unknown_downlink"));
        Assert.That((await elsewhere.DeleteAsync(path, elsewhere.Admin)).Error, Is.EqualTo("unknown_downlink"));
        Assert.That((await elsewhere.GetAsync("downlink-ways/ttn", elsewhere.Admin)).Error, Is.EqualTo("unknown_downlink_way"));
        // Our path, its token.
        foreach (var answer in new[] { await town.GetAsync(path, elsewhere.Admin), await town.DeleteAsync(path, elsewhere.Admin), await town.SendAsync(credential: elsewhere.Admin) })
            Assert.That(answer.Status, Is.EqualTo((await town.GetAsync("devices/nirgends", elsewhere.Admin)).Status));
        Assert.That(await service.Get<DownlinkStore>().ToldAsync(elsewhere.Id, "pegel-1", "allmende:" + path[^32..], DownlinkReport.Failed, DateTimeOffset.UtcNow, "tts", null, default), Is.False);
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("queued"));
        Assert.That((await elsewhere.GetAsync("devices/pegel-1/downlinks", elsewhere.Admin)).Json.GetProperty("items").GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Should_be_refused_with_the_field_at_fault()
    {
        foreach (var (body, field) in new[]
        {
            ("""{}""", "bytes"),
            ("""[]""", ""),
            ("""{"bytes":"01"}""", "fPort"),
            ("""{"fPort":0,"bytes":"01"}""", "fPort"),
            ("""{"fPort":224,"bytes":"01"}""", "fPort"),
            ("""{"fPort":1.5,"bytes":"01"}""", "fPort"),
            ("""{"fPort":1,"bytes":"0"}""", "bytes"),
            ("""{"fPort":1,"bytes":"0g"}""", "bytes"),
            ("""{"fPort":1,"bytes":[256]}""", "bytes"),
            ("""{"fPort":1,"bytes":"01","data":{}}""", "bytes"),
            ("""{"data":[1]}""", "data"),
            ("""{"data":{"x":"\ud800"}}""", "data"),
            ("""{"fPort":1,"bytes":"01","confirmed":"ja"}""", "confirmed"),
            ("""{"fPort":1,"bytes":"01","priority":"sofort"}""", "priority"),
            ("""{"fPort":1,"bytes":"01","validFor":0}""", "validFor"),
            ("""{"fPort":1,"bytes":"01","validFor":2592001}""", "validFor"),
            ("""{"fPort":1,"bytes":"01","expiresAt":"2020-01-01T00:00:00Z"}""", "expiresAt"),
            ("""{"fPort":1,"bytes":"01","expiresAt":"2199-01-01T00:00:00Z"}""", "expiresAt"),
            ("""{"fPort":1,"bytes":"01","expiresAt":"2027-01-01T00:00:00Z","validFor":60}""", "validFor"),
        })
        {
            var answer = await town.SendAsync(body);
            Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_downlink")), body);
            Assert.That(answer.Json.GetProperty("errors").TryGetProperty(field, out _), Is.True, answer.Body);
        }
        Assert.That((await town.GetAsync("devices/pegel-1/downlinks", town.Admin)).Json.GetProperty("items").GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Should_be_refused_where_it_is_too_long_too_much_or_for_nobody()
    {
        Assert.That((await town.SendAsync($$"""{"fPort":1,"bytes":"{{new string('0', 2 * 243)}}"}""")).Status, Is.EqualTo(422));
        Assert.That((await town.SendAsync(device: "nirgends")).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.SendAsync($$"""{"fPort":1,"bytes":"01","x":"{{new string('0', 20_000)}}"}""")).Status, Is.EqualTo(413));
        await town.QueueAsync($$"""{"fPort":223,"bytes":"{{new string('0', 2 * 242)}}"}""");
        // All at once, so that a limit that is only looked at would be passed.
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => town.SendAsync()));
        Assert.That(answers.Count(answer => answer.Status == 201), Is.EqualTo(19));
        Assert.That(answers.Where(answer => answer.Status != 201).Select(answer => answer.Error).Distinct(), Is.EqualTo(new[] { "too_many_downlinks" }));
        await town.DeviceAsync("pegel-2");
        Assert.That((await town.SendAsync(device: "pegel-2")).Status, Is.EqualTo(201));
        await town.PostAsync("devices/pegel-2/state", """{"state":"retired"}""", town.Admin);
        Assert.That((await town.SendAsync(device: "pegel-2")).Error, Is.EqualTo("no_downlink_now"));
    }

    [Test]
    public async Task Should_be_cancelled_while_it_waits_and_not_later()
    {
        var path = await town.QueueAsync();
        Assert.That((await town.DeleteAsync(path, town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.GetAsync(path, town.Admin)).Json.States(), Is.EqualTo(new[] { "queued", "cancelled" }));
        Assert.That((await town.DeleteAsync(path, town.Admin)).Error, Is.EqualTo("no_downlink_now"));
        await town.PutWayAsync("ttn", "tts", server.Url);
        var sent = await town.QueueAsync();
        await town.InStateAsync(sent, "sent");
        Assert.That((await town.DeleteAsync(sent, town.Admin)).Error, Is.EqualTo("no_downlink_now"));
        Assert.That(server.Got, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_be_listed_the_newest_first_page_by_page()
    {
        for (var n = 0; n < 5; n++) await town.QueueAsync($$"""{"fPort":1,"bytes":"0{{n}}"}""");
        var (read, next) = (new List<string>(), "devices/pegel-1/downlinks?limit=2");
        while (next is not null)
        {
            var page = (await town.GetAsync(next, town.Analyst)).Json;
            read.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("bytes").GetString()!));
            next = page.TryGetProperty("next", out var link) ? link.GetString()![$"https://daten.example/{town.Id}/".Length..] : null;
        }
        Assert.That(read, Is.EqualTo(new[] { "04", "03", "02", "01", "00" }));
        Assert.That((await town.GetAsync("devices/pegel-1/downlinks?limit=0", town.Admin)).Error, Is.EqualTo("invalid_page"));
    }

    [Test]
    public async Task Should_not_go_where_the_way_cannot_carry_it()
    {
        await town.PutWayAsync("lora", "chirpstack", server.Url, devices: null);
        Assert.That((await town.PostAsync("devices", """{"id":"relais","name":"Relais","profile":"gauge"}""", town.Admin)).Status, Is.EqualTo(201));
        var answer = await town.SendAsync(device: "relais");
        Assert.That(answer.Json.GetProperty("errors").GetProperty("device")[0].GetString(), Does.Contain("DevEUI"));
        Assert.That((await town.PostAsync("devices", """{"id":"lampe","name":"Lampe","profile":"decoded","devEui":"70B3D57EFFFFFFFF"}""", town.Admin)).Status, Is.EqualTo(201));
        Assert.That((await town.SendAsync("""{"data":{"an":true}}""", "lampe")).Json.GetProperty("errors").GetProperty("data")[0].GetString(), Does.Contain("codec"));
    }
}
