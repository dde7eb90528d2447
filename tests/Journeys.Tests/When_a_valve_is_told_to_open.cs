using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>A Task of SensorThings through the whole platform: from a POST to the device, and back what has become of it.</summary>
[TestFixture]
public class When_a_valve_is_told_to_open
{
    const string Valve = "strega-smart-valve";

    readonly NodePackages packages = new(Path.Combine(Repository.Root, "tests", "Ingestion.Tests"));
    FreshMunicipality town = null!;
    HttpClient developer = null!;

    static string[] Mqtt => TheInstallation.Running.Access.Mqtt.Split(':');

    [OneTimeSetUp]
    public async Task RegisterAsync()
    {
        await packages.InstallAsync();
        town = await TheInstallation.OnboardAsync();
        developer = await town.AsAsync("developer");
    }

    [OneTimeTearDown]
    public void Close()
    {
        developer.Dispose();
        town.Dispose();
    }

    static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    static string Tasks(string device) => $"sta/v1.1/TaskingCapabilities('{device}.valve')/Tasks";

    static async Task<JsonObject> ReadAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>What the device's own client hears on its topic: one message, acknowledged by PUBACK.</summary>
    Task<string> ListenAsync(string device, JsonObject registration) => packages.RunAsync("mosquitto_sub", "", "-h", Mqtt[0], "-p", Mqtt[1], "-V", "mqttv5", "-q", "1", "-C", "1", "-W", "60",
        "-u", town.Id, "-P", registration["key"]!.GetValue<string>(), "-t", $"{town.Id}/devices/{device}/down");

    [Test]
    public async Task Should_reach_the_device_and_show_that_it_did()
    {
        var registration = await town.RegisterAsync("ventil-1", Valve);
        var capability = await Eventually.GetAsync(async () => (await ReadAsync(developer, "sta/v1.1/Things('ventil-1')?$expand=TaskingCapabilities($expand=Actuator)"))["TaskingCapabilities"]!.AsArray().FirstOrDefault()?.AsObject(), "what the valve can be told");
        Assert.That((capability["@iot.id"]!.GetValue<string>(), capability["Actuator"]!["@iot.id"]!.GetValue<string>()), Is.EqualTo(("ventil-1.valve", Valve)));

        using var dryRun = await developer.PostAsync(Tasks("ventil-1") + "?dryRun=true", Json("""{"taskingParameters":{"open":true,"minutes":20}}"""));
        var shown = JsonNode.Parse(await dryRun.Content.ReadAsStringAsync())!;
        Assert.That(dryRun.StatusCode, Is.EqualTo(HttpStatusCode.OK), shown.ToJsonString());
        Assert.That((shown["downlink"]!["topic"]!.GetValue<string>(), shown["downlink"]!["downlink"]!["bytes"]!.GetValue<string>()), Is.EqualTo(($"{town.Id}/devices/ventil-1/down", "4114")));

        var heard = ListenAsync("ventil-1", registration);
        using var answer = await developer.PostAsync(Tasks("ventil-1"), Json("""{"taskingParameters":{"open":true,"minutes":20}}"""));
        var task = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), task.ToJsonString());

        var message = JsonNode.Parse(await heard)!;
        Assert.That((message["fPort"]!.GetValue<int>(), message["bytes"]!.GetValue<string>(), message["data"]!.ToJsonString()), Is.EqualTo((2, "4114", """{"open":true,"minutes":20}""")));
        var path = $"sta/v1.1/Tasks({task["@iot.id"]!.ToJsonString()})";
        var status = await Eventually.GetAsync(async () => (await ReadAsync(developer, path))["status"] is { } now && now["state"]!.GetValue<string>() == "acknowledged" ? now : null, "the Task says that the valve has it", TimeSpan.FromSeconds(30));
        Assert.That(status["by"]!.GetValue<string>(), Is.EqualTo($"{town.Id}-developer"));
        var downlink = await ReadAsync(developer, status["downlink"]!.GetValue<string>()[(town.Id.Length + 2)..]);
        Assert.That((downlink["state"]!.GetValue<string>(), downlink["task"]!.GetValue<string>(), downlink["id"]!.GetValue<string>()), Is.EqualTo(("acknowledged", task["@iot.id"]!.ToString(), message["id"]!.GetValue<string>())));
        // A valve may acknowledge before it is written down that the message was sent.
        Assert.That(downlink["history"]!.AsArray().Select(change => change!["to"]!.GetValue<string>()),
            Is.EqualTo(new[] { "queued", "sending", "sent", "acknowledged" }).Or.EqualTo(new[] { "queued", "sending", "acknowledged" }));
    }

    [Test]
    public async Task Should_be_told_by_MQTT_as_well()
    {
        var registration = await town.RegisterAsync("ventil-2", Valve);
        await Eventually.TrueAsync(async () => (await developer.GetAsync("sta/v1.1/TaskingCapabilities('ventil-2.valve')")).IsSuccessStatusCode, "what the valve can be told");
        var heard = ListenAsync("ventil-2", registration);
        await packages.RunAsync("mosquitto_pub", "", "-h", Mqtt[0], "-p", Mqtt[1], "-V", "mqttv5", "-q", "1", "-u", town.Id, "-P", await town.TokenAsync("admin"),
            "-t", "v1.1/TaskingCapabilities('ventil-2.valve')/Tasks", "-m", """{"taskingParameters":{"open":false}}""");
        Assert.That(JsonNode.Parse(await heard)!["bytes"]!.GetValue<string>(), Is.EqualTo("30"));
        await Eventually.TrueAsync(async () => (await ReadAsync(developer, Tasks("ventil-2") + "?$filter=status/state eq 'acknowledged'"))["value"]!.AsArray().Count == 1, "the Task says that the valve has it");
    }

    [Test]
    public async Task Should_wait_and_be_cancelled_where_nobody_listens()
    {
        await town.RegisterAsync("ventil-3", Valve);
        await Eventually.TrueAsync(async () => (await developer.GetAsync("sta/v1.1/TaskingCapabilities('ventil-3.valve')")).IsSuccessStatusCode, "what the valve can be told");
        using var answer = await developer.PostAsync(Tasks("ventil-3"), Json("""{"taskingParameters":{"open":true}}"""));
        var task = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        var path = $"sta/v1.1/Tasks({task["@iot.id"]!.ToJsonString()})";
        await Eventually.TrueAsync(async () => (await ReadAsync(developer, path))["status"]!["state"]!.GetValue<string>() == "queued", "it waits", TimeSpan.FromSeconds(30));
        using var deleted = await developer.DeleteAsync(path);
        Assert.That(deleted.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await Eventually.TrueAsync(async () => (await ReadAsync(developer, "devices/ventil-3/downlinks"))["items"]![0]!["state"]!.GetValue<string>() == "cancelled", "nothing is sent", TimeSpan.FromSeconds(30));
    }

    [Test]
    public async Task Should_be_told_and_seen_by_those_alone_who_may()
    {
        await town.RegisterAsync("ventil-4", Valve);
        await Eventually.TrueAsync(async () => (await developer.GetAsync("sta/v1.1/TaskingCapabilities('ventil-4.valve')")).IsSuccessStatusCode, "what the valve can be told");
        using var own = await developer.PostAsync(Tasks("ventil-4"), Json("""{"taskingParameters":{"open":true}}"""));
        Assert.That(own.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        foreach (var role in new[] { "analyst", "data-owner", "partner" })
        {
            using var client = await town.AsAsync(role);
            foreach (var query in new[] { "", "?dryRun=true" })
            {
                using var answer = await client.PostAsync(Tasks("ventil-4") + query, Json("""{"taskingParameters":{"open":true}}"""));
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), role + query);
            }
            Assert.That((await ReadAsync(client, Tasks("ventil-4") + "?$count=true"))["@iot.count"]!.GetValue<int>(), Is.Zero, role);
        }
        using var anybody = town.Anonymous();
        using var refused = await anybody.PostAsync(Tasks("ventil-4"), Json("""{"taskingParameters":{"open":true}}"""));
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await ReadAsync(anybody, Tasks("ventil-4") + "?$count=true"))["@iot.count"]!.GetValue<int>(), Is.Zero);
    }
}
