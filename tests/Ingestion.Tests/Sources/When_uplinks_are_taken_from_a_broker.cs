using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Sources;

[TestFixture]
public class When_uplinks_are_taken_from_a_broker
{
    Mosquitto broker = null!;
    Service service = null!;
    Town town = null!;

    internal static readonly (string, string)[] Quick =
    [
        ("Ingestion:Sources:AllowPrivateAddresses", "true"), ("Ingestion:Sources:ComparedEvery", "00:00:00.2"), ("Ingestion:Sources:LookedForEvery", "00:00:00.2"), ("Ingestion:Sources:FirstPause", "00:00:00.1"),
        ("Ingestion:Sources:LongestPause", "00:00:01"), ("Ingestion:Sources:StateWrittenEvery", "00:00:00.1"),
    ];

    [OneTimeSetUp]
    public async Task Start()
    {
        broker = await Mosquitto.StartAsync();
        service = await Service.StartAsync(settings: Quick);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        await broker.DisposeAsync();
    }

    [SetUp]
    public async Task MakeTown() => town = await service.TownAsync();

    internal static async Task<JsonElement> StateAsync(Town town, string state = "connected", Func<JsonElement, bool>? which = null, string id = "broker") =>
        (await Eventually.GetAsync(async () => (await town.GetAsync("mqtt-sources/" + id, town.Admin)).Json.GetProperty("state") is var now
            && now.GetProperty("state").GetString() == state && which?.Invoke(now) != false ? (object)now : null, $"source that is {state}", TimeSpan.FromSeconds(20))) is JsonElement found ? found : default;

    async Task ConnectAsync(string kind, string topics, string more = "")
    {
        var put = await town.PutAsync("mqtt-sources/broker", broker.Source(kind, topics, more), town.Admin);
        Assert.That(put.Status, Is.EqualTo(201), put.Body);
        await StateAsync(town);
    }

    [Test]
    public async Task Should_take_them_from_The_Things_Stack()
    {
        var device = await town.DeviceAsync();
        await ConnectAsync("tts", $"\"v3/{town.Id}@ttn/devices/#\"");
        var topic = $"v3/{town.Id}@ttn/devices/dev1";

        await broker.PublishAsync(
            (topic + "/join", Events.TheThingsStack(device.DevEui, "join_accept", """{"session_key_id":"AXBSH1Pk6Z0G166QFZ0Mpw=="}""")),
            (topic + "/up", Messages.TheThingsStack("dev1", device.DevEui)),
            (topic + "/down/sent", Events.TheThingsStack(device.DevEui, "downlink_sent", Events.DownlinkOfTheThingsStack)));

        var uplink = (await town.UplinksAsync()).Single();
        Assert.That((uplink.Device, uplink.FPort, uplink.FCnt, uplink.Radio), Is.EqualTo(("pegel-1", 85, 158L, new RadioMetadata(-97, 0, 9, 2))));
        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("dev1", device.DevEui))).Text("uplink"), Is.EqualTo(uplink.Id), "as by the webhook");
        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/pegel-1/signals", town.Admin)).Body.Contains("downlink_sent", StringComparison.Ordinal), "signals");
        var state = await StateAsync(town, which: now => now.GetProperty("taken").GetInt64() == 3);
        Assert.That(state.GetProperty("lastMessageAt").GetDateTime(), Is.EqualTo(DateTime.UtcNow).Within(TimeSpan.FromSeconds(20)));
    }

    [Test]
    public async Task Should_take_them_from_ChirpStack()
    {
        var device = await town.DeviceAsync();
        await ConnectAsync("chirpstack", $"\"application/{town.Id}/device/+/event/+\", \"application/{town.Id}/device/+/command/+\"");
        var topic = $"application/{town.Id}/device/{device.DevEui.ToLowerInvariant()}";

        await broker.PublishAsync(
            (topic + "/event/join", Events.ChirpStackJoin(device.DevEui)), (topic + "/event/up", Messages.ChirpStack(device.DevEui)),
            (topic + "/event/status", Events.ChirpStackStatus(device.DevEui)), (topic + "/command/down", """{"devEui":"x","data":"AQ=="}"""));

        Assert.That((await town.UplinksAsync()).Single().Radio, Is.EqualTo(new RadioMetadata(-36, 10.5, 9, 1)));
        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/pegel-1/signals", town.Admin)).Body.Contains("\"batteryLevel\":98.42", StringComparison.Ordinal), "battery");
        await StateAsync(town, which: now => (now.GetProperty("taken").GetInt64(), now.GetProperty("refused").GetInt64()) == (4, 0));
    }

    [TestCase("mioty/AA-BB-CC-DD-EE-FF-00-11/{eui}/uplink")]
    [TestCase("mioty/6d5f1f5c-organisation/device/{eui}/event/up")]
    [TestCase("ep/{eui}/ul")]
    public async Task Should_take_them_from_mioty(string topic)
    {
        var device = await town.DeviceAsync();
        await ConnectAsync("mioty", "\"mioty/+/+/+\", \"mioty/+/device/+/event/+\", \"ep/+/ul\"");

        await broker.PublishAsync((topic.Replace("{eui}", device.DevEui.ToLowerInvariant()), Events.MiotyOfFraunhofer), ($"mioty/x/{device.DevEui}/downlink", """{"data":[1]}"""));

        Assert.That((await town.UplinksAsync()).Single().FCnt, Is.EqualTo(1234));
        await town.DeleteAsync("mqtt-sources/broker", town.Admin);
    }

    [Test]
    public async Task Should_take_them_from_ThingPark_and_in_the_platforms_own_form()
    {
        var device = await town.DeviceAsync();
        await ConnectAsync("actility", $"\"{town.Id}/thingpark/#\"");
        await town.PutAsync("mqtt-sources/other", broker.Source("json", $"\"{town.Id}/own/#\""), town.Admin);
        await StateAsync(town, id: "other");

        await broker.PublishAsync(
            ($"{town.Id}/thingpark/{device.DevEui}/uplink", Events.ThingParkUplink(device.DevEui)),
            ($"{town.Id}/own/devices/pegel-1/up", """{"time":"2026-03-02T10:00:00Z","bytes":"01"}"""), ($"{town.Id}/own/anything", Messages.Plain("pegel-1")));

        Assert.That((await town.UplinksAsync(3)).Select(uplink => uplink.FPort), Is.EquivalentTo(new[] { 2, 0, 1 }));
    }

    [Test]
    public async Task Should_take_any_JSON_by_a_mapping()
    {
        await town.DeviceAsync("zigbee-buero-3", Profiles.Decoded);
        await town.PutAsync("uplink-mappings/zigbee", """{"name":"Zigbee","device":"zigbee-{topic.3}","data":{"temperature":"$.temperature"}}""", town.Admin);
        await ConnectAsync("mapped", $"\"{town.Id}/zigbee2mqtt/+\"", ""","mapping":"zigbee" """);

        await broker.PublishAsync(($"{town.Id}/zigbee2mqtt/Buero_3", """{"temperature":21.5,"battery":90}"""));

        var uplink = (await town.UplinksAsync()).Single();
        Assert.That((uplink.Device, uplink.Data!.Value.GetRawText()), Is.EqualTo(("zigbee-buero-3", """{"temperature":21.5}""")));
    }

    [Test]
    public async Task Should_wait_for_a_mapping_that_is_gone()
    {
        await town.DeviceAsync("wetter-1", Profiles.Decoded);
        const string mapping = """{"name":"Wetter","device":"wetter-1","time":"$.ts","timeFormat":"unix","data":{"temperature":"$.t"}}""";
        await town.PutAsync("uplink-mappings/wetter", mapping, town.Admin);
        await ConnectAsync("mapped", $"\"{town.Id}/wetter\"", ""","mapping":"wetter" """);
        await town.DeleteAsync("uplink-mappings/wetter", town.Admin);

        await broker.PublishAsync(($"{town.Id}/wetter", """{"ts":1772446805,"t":1}"""));
        await StateAsync(town, which: now => now.TryGetProperty("lastError", out var error) && error.GetString() == "there is no mapping 'wetter'");
        await town.PutAsync("uplink-mappings/wetter", mapping, town.Admin);

        Assert.That((await town.UplinksAsync()).Single().Time, Is.EqualTo(DateTimeOffset.FromUnixTimeSeconds(1772446805)));
    }

    [Test]
    public async Task Should_tell_what_could_not_be_taken_and_go_on()
    {
        var device = await town.DeviceAsync();
        await ConnectAsync("json", $"\"{town.Id}/#\"");

        await broker.PublishAsync(
            ($"{town.Id}/a", "no JSON"), ($"{town.Id}/b", Messages.Plain("fehlt")), ($"{town.Id}/c", new string(' ', 300_000)), ($"{town.Id}/d", Messages.Plain(device.Id)));

        Assert.That((await town.UplinksAsync()).Single().Device, Is.EqualTo("pegel-1"));
        var state = await StateAsync(town, which: now => (now.GetProperty("taken").GetInt64(), now.GetProperty("refused").GetInt64()) == (1, 3));
        Assert.That(state.GetProperty("lastError").GetString(), Does.StartWith($"{town.Id}/c: The body is too large").And.Contain("262144 bytes"));
    }

    [Test]
    public async Task Should_keep_the_password_to_itself()
    {
        await ConnectAsync("json", $"\"{town.Id}/#\"");
        var shown = await town.GetAsync("mqtt-sources/broker", town.Admin);
        var listed = await town.GetAsync("mqtt-sources", town.Admin);
        Assert.That(shown.Body + listed.Body, Does.Not.Contain(Mosquitto.Password).And.Not.Contain("\"password\""));
        Assert.That((shown.Json.GetProperty("hasPassword").GetBoolean(), shown.Text("username")), Is.EqualTo((true, Mosquitto.User)));

        var without = broker.Source("json", $"\"{town.Id}/x/#\"").Replace($"\"password\":\"{Mosquitto.Password}\",", "");
        Assert.That((await town.PutAsync("mqtt-sources/broker", without, town.Admin)).Status, Is.EqualTo(204), "left out, it stays");
        await Eventually.TrueAsync(async () => (await town.GetAsync("mqtt-sources/broker", town.Admin)).Json.GetProperty("topics")[0].GetString() == $"{town.Id}/x/#", "other topics");
        await StateAsync(town);

        var elsewhere = await town.PutAsync("mqtt-sources/broker", without.Replace("127.0.0.1", "203.0.113.9"), town.Admin);
        Assert.That((elsewhere.Status, elsewhere.Json.GetProperty("errors").EnumerateObject().Single().Name), Is.EqualTo((422, "password")), "it is not shown to another broker");
    }

    [Test]
    public async Task Should_tell_why_there_is_no_connection()
    {
        async Task<string> ErrorAsync(string source)
        {
            Assert.That((await town.PutAsync("mqtt-sources/broker", source, town.Admin)).Status, Is.EqualTo(201));
            var state = await StateAsync(town, "disconnected", now => now.TryGetProperty("lastError", out _));
            await town.DeleteAsync("mqtt-sources/broker", town.Admin);
            return state.GetProperty("lastError").GetString()!;
        }
        string Source(string? address = null, string password = Mosquitto.Password, string more = "") => broker.Source("json", "\"a\"", more, address, password);

        Assert.That(await ErrorAsync(Source(password: "falsch")), Does.StartWith("the broker does not ").And.Not.Contain("falsch"));
        Assert.That(await ErrorAsync(Source("mqtt://127.0.0.1:1")), Is.EqualTo("no connection: ConnectionRefused"));
        Assert.That(await ErrorAsync(Source("mqtt://gibt-es-nicht.invalid")), Is.EqualTo("the name cannot be resolved"));
        Assert.That(await ErrorAsync(Source($"mqtts://localhost:{broker.TlsPort}")), Is.EqualTo("no secure connection: the broker's certificate is not accepted"));
        Assert.That(await ErrorAsync(Source($"mqtts://localhost:{broker.Port}")), Does.StartWith("no secure connection"));
        Assert.That(await ErrorAsync(Source($"mqtts://127.0.0.1:{broker.TlsPort}", more: ",\"certificateAuthority\":" + JsonSerializer.Serialize(broker.Authority))),
            Is.EqualTo("no secure connection: the broker's certificate is not accepted"), "it is for localhost");
    }

    [Test]
    public async Task Should_trust_the_authority_that_it_is_told()
    {
        await town.DeviceAsync();
        var put = await town.PutAsync("mqtt-sources/broker",
            broker.Source("json", $"\"{town.Id}/#\"", ",\"certificateAuthority\":" + JsonSerializer.Serialize(broker.Authority), $"mqtts://localhost:{broker.TlsPort}"), town.Admin);
        Assert.That(put.Status, Is.EqualTo(201), put.Body);
        await StateAsync(town);
        await broker.PublishAsync(($"{town.Id}/a", Messages.Plain("pegel-1")));
        Assert.That(await town.UplinksAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_not_go_to_private_addresses_unless_the_operator_allows_it()
    {
        await using var careful = await Service.StartAsync(settings: [.. Quick.Skip(1)]);
        var there = await careful.TownAsync();

        var literal = await there.PutAsync("mqtt-sources/broker", broker.Source("json", "\"a\""), there.Admin);
        Assert.That((literal.Status, literal.Json.GetProperty("errors").EnumerateObject().Single().Name), Is.EqualTo((422, "address")));
        Assert.That((await there.PutAsync("mqtt-sources/broker", broker.Source("json", "\"a\"", address: $"mqtt://localhost:{broker.Port}"), there.Admin)).Status, Is.EqualTo(201));
        var state = await StateAsync(there, "disconnected", now => now.TryGetProperty("lastError", out _));
        Assert.That(state.GetProperty("lastError").GetString(), Does.StartWith("the address is a private one"));
    }

    [Test]
    public async Task Should_rest_while_it_is_disabled_and_lose_nothing()
    {
        await town.DeviceAsync();
        await ConnectAsync("json", $"\"{town.Id}/#\"");
        await town.PutAsync("mqtt-sources/broker", broker.Source("json", $"\"{town.Id}/#\"", ",\"enabled\":false"), town.Admin);
        await StateAsync(town, "disabled");
        await Task.Delay(500);
        await broker.PublishAsync(($"{town.Id}/a", Messages.Plain("pegel-1")));
        Assert.That(await town.UplinksAsync(0), Is.Empty);

        await town.PutAsync("mqtt-sources/broker", broker.Source("json", $"\"{town.Id}/#\""), town.Admin);

        Assert.That(await town.UplinksAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_follow_other_topics_from_then_on()
    {
        await town.DeviceAsync();
        await ConnectAsync("json", $"\"{town.Id}/alt\"");
        await town.PutAsync("mqtt-sources/broker", broker.Source("json", $"\"{town.Id}/neu\""), town.Admin);
        await Eventually.TrueAsync(async () =>
        {
            await broker.PublishAsync(($"{town.Id}/neu", Messages.Plain("pegel-1", 1)));
            return (await town.UplinksAsync(0)).Count > 0;
        }, "the new topic");

        await broker.PublishAsync(($"{town.Id}/alt", Messages.Plain("pegel-1", 2)), ($"{town.Id}/neu", Messages.Plain("pegel-1", 3)));

        await Eventually.TrueAsync(async () => (await town.UplinksAsync(0)).Exists(uplink => uplink.Bytes![3] == 3), "the last one");
        Assert.That((await town.UplinksAsync(0)).Select(uplink => (int)uplink.Bytes![3]).Distinct(), Is.EqualTo(new[] { 1, 3 }));
    }

    [Test]
    public async Task Should_leave_nothing_at_the_broker_when_it_is_removed()
    {
        await ConnectAsync("json", $"\"{town.Id}/#\"");
        var clientId = (await town.GetAsync("mqtt-sources/broker", town.Admin)).Text("clientId");
        Assert.That((await town.DeleteAsync("mqtt-sources/broker", town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.GetAsync("mqtt-sources/broker", town.Admin)).Error, Is.EqualTo("unknown_mqtt_source"));

        await Eventually.TrueAsync(async () =>
        {
            await using var peer = await Peers.ConnectAsync(broker, clientId);
            return !peer.Connected.SessionPresent;
        }, "end of the session");
    }

    [TestCase("""{"kind":"json"}""", "name", "address", "topics")]
    [TestCase("""{"name":"x","address":"http://a","topics":["a"],"kind":"json"}""", "address")]
    [TestCase("""{"name":"x","address":"mqtt://u:p@a","topics":["a"],"kind":"json"}""", "address")]
    [TestCase("""{"name":"x","address":"mqtt://a/b","topics":["a"],"kind":"json"}""", "address")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a"],"kind":"xml"}""", "kind")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a"],"kind":"mapped"}""", "mapping")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a"],"kind":"mapped","mapping":"fehlt"}""", "mapping")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a"],"kind":"json","mapping":"a"}""", "mapping")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":[],"kind":"json"}""", "topics")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a/b+","#/a",null,"$share/g/a","ok/+/#"],"kind":"json"}""", "topics[0]", "topics[1]", "topics[2]", "topics[3]")]
    [TestCase("""{"name":"x","address":"mqtt://a","topics":["a"],"kind":"json","password":"y"}""", "username")]
    [TestCase("""{"name":"x","address":"mqtts://a","topics":["a"],"kind":"json","certificateAuthority":"y"}""", "certificateAuthority")]
    public async Task Should_name_all_fields_at_fault(string body, params string[] fields)
    {
        var answer = await town.PutAsync("mqtt-sources/broker", body, town.Admin);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_mqtt_source")), answer.Body);
        Assert.That(answer.Json.GetProperty("errors").EnumerateObject().Select(fault => fault.Name), Is.EquivalentTo(fields));
    }

    [Test]
    public async Task Should_be_for_admins_and_developers_of_the_town_alone()
    {
        var elsewhere = await service.TownAsync();
        var source = broker.Source("json", "\"a\"");
        Assert.That((await town.PutAsync("mqtt-sources/broker", source, town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.PutAsync("mqtt-sources/broker", source, elsewhere.Admin)).Status, Is.EqualTo(403));
        Assert.That((await town.PutAsync("mqtt-sources/broker", source, town.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("mqtt-sources", null)).Status, Is.EqualTo(401));
        Assert.That((await town.PutAsync("mqtt-sources/broker", source, service.Neighbours.Token(town.Id, Roles.Developer))).Status, Is.EqualTo(201));
        Assert.That((await elsewhere.GetAsync("mqtt-sources/broker", elsewhere.Admin)).Error, Is.EqualTo("unknown_mqtt_source"));
        await town.DeleteAsync("mqtt-sources/broker", town.Admin);
    }
}
