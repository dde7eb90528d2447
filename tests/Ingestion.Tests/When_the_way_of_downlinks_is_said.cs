using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_the_way_of_downlinks_is_said
{
    const string Body = """{"name":"Netz","kind":"tts","url":"https://ns.example","application":"stadt","secret":"GEHEIM","devices":["pegel-1"]}""";

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Register()
    {
        // As it comes: no private addresses.
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    Task<Answer> PutAsync(string body, string id = "ttn") => town.PutAsync("downlink-ways/" + id, body, town.Admin);

    [Test]
    public async Task Should_keep_it_and_never_show_the_secret()
    {
        Assert.That((await PutAsync(Body)).Status, Is.EqualTo(201));
        Assert.That((await PutAsync(Body.Replace("\"secret\":\"GEHEIM\",", "").Replace("Netz", "Anders"))).Status, Is.EqualTo(204));
        foreach (var path in new[] { "downlink-ways", "downlink-ways/ttn" })
        {
            var shown = (await town.GetAsync(path, town.Admin)).Body;
            Assert.That(shown, Does.Not.Contain("GEHEIM").And.Contain("\"hasSecret\":true").And.Contain("Anders").And.Contain("\"devices\":[\"pegel-1\"]"));
        }
        // Whoever sends it elsewhere must know it.
        Assert.That((await PutAsync(Body.Replace("\"secret\":\"GEHEIM\",", "").Replace("ns.example", "boese.example"))).Json.GetProperty("errors").TryGetProperty("secret", out _), Is.True);
        Assert.That((await town.DeleteAsync("downlink-ways/ttn", town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.DeleteAsync("downlink-ways/ttn", town.Admin)).Error, Is.EqualTo("unknown_downlink_way"));
    }

    [Test]
    public async Task Should_tell_the_field_at_fault()
    {
        foreach (var (part, other, field) in new[]
        {
            ("\"kind\":\"tts\"", "\"kind\":\"ttn\"", "kind"),
            ("https://ns.example", "http://ns.example", "url"),
            ("https://ns.example", "https://ns.example/api", "url"),
            ("https://ns.example", "https://a:b@ns.example", "url"),
            ("https://ns.example", "https://127.0.0.1", "url"),
            ("https://ns.example", "https://[::ffff:10.0.0.1]:8090", "url"),
            ("https://ns.example", "file:///etc/passwd", "url"),
            ("\"stadt\"", "\"stadt/../../x\"", "application"),
            ("\"GEHEIM\"", "\"GEHEIM\\r\\nX: y\"", "secret"),
            ("\"secret\":\"GEHEIM\",", "", "secret"),
            ("\"pegel-1\"", "\"nirgends\"", "devices"),
            ("\"pegel-1\"", "null", "devices[0]"),
            ("\"Netz\"", "\"\"", "name"),
        })
        {
            var answer = await PutAsync(Body.Replace(part, other));
            Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_downlink_way")), other);
            Assert.That(answer.Json.GetProperty("errors").TryGetProperty(field, out _), Is.True, answer.Body);
        }
    }

    [Test]
    public async Task Should_give_a_device_one_way_and_all_others_one()
    {
        Assert.That((await PutAsync(Body)).Status, Is.EqualTo(201));
        Assert.That((await PutAsync(Body, "zwei")).Json.GetProperty("errors").GetProperty("devices")[0].GetString(), Does.Contain("ttn"));
        var ofAll = Body.Replace(",\"devices\":[\"pegel-1\"]", "");
        Assert.That((await PutAsync(ofAll, "zwei")).Status, Is.EqualTo(201));
        Assert.That((await PutAsync(ofAll, "drei")).Json.GetProperty("errors").GetProperty("devices")[0].GetString(), Does.Contain("zwei"));
        await town.DeviceAsync("pegel-2");
        foreach (var (device, way) in new[] { ("pegel-1", "ttn"), ("pegel-2", "zwei") })
            Assert.That((await town.SendAsync(device: device, query: "?dryRun=true")).Text("way"), Is.EqualTo(way));
    }

    [Test]
    public async Task Should_call_the_device_as_the_network_server_does()
    {
        await PutAsync(Body);
        await town.PatchAsync("devices/pegel-1", """{"externalIds":{"tts":"eui-70b3d57ed0000001"}}""", town.Admin);
        Assert.That((await town.SendAsync(query: "?dryRun=true")).Text("url"), Does.EndWith("/devices/eui-70b3d57ed0000001/down/push"));
    }

    [Test]
    public async Task Should_not_reach_a_private_address_by_a_name()
    {
        Assert.That((await PutAsync(Body.Replace("ns.example", "localhost:9"))).Status, Is.EqualTo(201));
        var path = await town.QueueAsync();
        var refused = await town.InStateAsync(path, "queued", "sending");
        await Eventually.TrueAsync(async () => (refused = (await town.GetAsync(path, town.Admin)).Json).TryGetProperty("nextAttemptAt", out _), "first attempt");
        Assert.That(refused.GetProperty("reason").GetString(), Does.Contain("no public address"));
    }
}
