using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>Uplinks and SensorThings by MQTT through the whole platform, with clients that other people wrote.</summary>
[TestFixture]
public class When_devices_speak_MQTT
{
    const string Datastream = "raum-7.co2";

    readonly NodePackages packages = new(Path.Combine(Repository.Root, "tests", "Ingestion.Tests"));
    FreshMunicipality town = null!;
    JsonObject registration = null!;
    HttpClient anybody = null!;
    static int seconds;

    static string[] Mqtt => TheInstallation.Running.Access.Mqtt.Split(':');

    [OneTimeSetUp]
    public async Task RegisterAsync()
    {
        await packages.InstallAsync();
        town = await TheInstallation.OnboardAsync();
        anybody = town.Anonymous();
        registration = await town.RegisterAsync("raum-7");
    }

    [OneTimeTearDown]
    public void Close()
    {
        anybody.Dispose();
        town.Dispose();
    }

    [TestCase("mqttv311")]
    [TestCase("mqttv5")]
    public async Task Should_serve_an_uplink_by_SensorThings(string protocol)
    {
        var time = Devices.Now().AddMinutes(-10).AddSeconds(Interlocked.Increment(ref seconds));
        var uplink = new JsonObject { ["time"] = Devices.Rfc3339(time), ["fPort"] = 5, ["bytes"] = Devices.RoomUplink };
        await packages.RunAsync("mosquitto_pub", "", "-h", Mqtt[0], "-p", Mqtt[1], "-V", protocol, "-q", "1", "-u", town.Id, "-P", registration["key"]!.GetValue<string>(),
            "-t", $"{town.Id}/devices/raum-7/up", "-m", uplink.ToJsonString());

        var observation = await Eventually.GetAsync(() => anybody.ObservationAsync(Datastream, time), "value by GET", TimeSpan.FromSeconds(60));
        Assert.That(observation["result"]!.GetValue<double>(), Is.EqualTo(776));
    }

    [TestCase(4, 0)]
    [TestCase(4, 1)]
    [TestCase(4, 2)]
    [TestCase(5, 0)]
    [TestCase(5, 1)]
    [TestCase(5, 2)]
    public async Task Should_create_an_observation_and_receive_it(int level, int qos)
    {
        var time = Devices.Now().AddMinutes(-5).AddSeconds(2 * Interlocked.Increment(ref seconds));
        // The standard's own topics, and with the municipality as who shows no credential must name it.
        var root = level == 5 ? "v1.1" : $"{town.Id}/sta/v1.1";
        string Observation(int result, DateTime at) => new JsonObject { ["phenomenonTime"] = Devices.Rfc3339(at), ["result"] = result }.ToJsonString();
        var heard = await packages.RunAsync("node", JsonSerializer.Serialize(new
        {
            url = $"mqtt://127.0.0.1:{Mqtt[1]}",
            level,
            qos,
            userName = town.Id,
            password = await town.TokenAsync("data-steward"),
            topic = $"{root}/Datastreams('{Datastream}')/Observations?$select=result,phenomenonTime&$filter=result gt 700",
            to = $"{root}/Datastreams('{Datastream}')/Observations",
            messages = new[] { Observation(500, time), Observation(801, time.AddSeconds(1)) },
            expected = 1,
        }), "Mqtt/client.mjs");

        var message = JsonNode.Parse(JsonSerializer.Deserialize<string[]>(heard)!.Single())!.AsObject();
        Assert.That((message["result"]!.GetValue<double>(), DateTime.Parse(message["phenomenonTime"]!.GetValue<string>()).ToUniversalTime()), Is.EqualTo((801.0, time.AddSeconds(1))));
        Assert.That(message.Select(field => field.Key), Is.EquivalentTo(new[] { "result", "phenomenonTime" }));
        foreach (var (result, at) in new[] { (500, time), (801, time.AddSeconds(1)) })
        {
            var read = await Eventually.GetAsync(() => anybody.ObservationAsync(Datastream, at), "what was created by MQTT");
            Assert.That(read["result"]!.GetValue<double>(), Is.EqualTo(result));
        }
    }

    [Test]
    public async Task Should_show_who_asks_without_credential_only_what_is_open()
    {
        using var closed = await TheInstallation.OnboardAsync("internal");
        await closed.RegisterAsync("raum-8");
        string[] client = ["-h", Mqtt[0], "-p", Mqtt[1], "-V", "mqttv5", "-W", "10", "-E", "-d", "-t"];
        var (_, open, _) = await packages.TryAsync("mosquitto_sub", "", [.. client, $"{town.Id}/sta/v1.1/Datastreams('{Datastream}')/Observations"]);
        Assert.That(open, Does.Contain("Subscribed (mid: 1): 0"));
        var (_, foreign, _) = await packages.TryAsync("mosquitto_sub", "", [.. client, $"{closed.Id}/sta/v1.1/Datastreams('raum-8.co2')/Observations"]);
        var (_, missing, _) = await packages.TryAsync("mosquitto_sub", "", [.. client, $"{closed.Id}/sta/v1.1/Datastreams('raum-9.co2')/Observations"]);
        Assert.That(foreign, Does.Contain("Subscribed (mid: 1): 135"));
        static string Nameless(string told) => Regex.Replace(told, "auto-[0-9a-f]+|raum-[0-9]", "…");
        Assert.That(Nameless(missing), Is.EqualTo(Nameless(foreign)), "what may not be seen is as if it were not there");
    }
}
