using System.Diagnostics;
using System.Text.Json;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>Clients that other people wrote: mosquitto's, and npm's <c>mqtt</c>.</summary>
[TestFixture]
public class When_real_clients_speak_MQTT
{
    readonly NodePackages packages = new(Path.Combine(Repository.Root, "tests", "Ingestion.Tests"));
    Service service = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        await packages.InstallAsync();
    }

    [SetUp]
    public async Task Register()
    {
        town = await service.TownAsync();
        device = await town.DeviceAsync();
    }

    static string Body(int n) => $$"""{"time":"2026-03-02T10:00:{{n:00}}Z","bytes":"{{n:x8}}"}""";

    [TestCase("mqttv311", 0)]
    [TestCase("mqttv311", 1)]
    [TestCase("mqttv311", 2)]
    [TestCase("mqttv5", 0)]
    [TestCase("mqttv5", 1)]
    [TestCase("mqttv5", 2)]
    public async Task Should_serve_mosquittos(string protocol, int qos)
    {
        string[] who = ["-h", "127.0.0.1", "-p", $"{service.MqttPort}", "-u", town.Id, "-P", device.Key, "-V", protocol, "-q", $"{qos}", "-t", $"{town.Id}/devices/pegel-1/up"];
        using var subscriber = Process.Start(new ProcessStartInfo("stdbuf", ["-oL", "mosquitto_sub", .. who, "-d", "-C", "3", "-W", "20"]) { RedirectStandardOutput = true })!;
        var heard = new List<string>();
        while (await subscriber.StandardOutput.ReadLineAsync() is { } line && !line.Contains("Subscribed", StringComparison.Ordinal)) heard.Add(line);

        var (code, output, errors) = await packages.TryAsync("mosquitto_pub", string.Join('\n', Enumerable.Range(1, 3).Select(Body)), [.. who, "-l"]);

        Assert.That(code, Is.Zero, output + errors);
        while (await subscriber.StandardOutput.ReadLineAsync() is { } line) heard.Add(line);
        await subscriber.WaitForExitAsync();
        Assert.That(subscriber.ExitCode, Is.Zero, string.Join('\n', heard));
        Assert.That(heard.Where(line => line.StartsWith('{')), Is.EqualTo(Enumerable.Range(1, 3).Select(Body)));
        Assert.That((await town.UplinksAsync(3)).Select(uplink => (int)uplink.Bytes![3]), Is.EquivalentTo(new[] { 1, 2, 3 }));
    }

    [Test]
    public async Task Should_tell_mosquitto_why_not()
    {
        var (wrong, _, told) = await packages.TryAsync("mosquitto_pub", "", "-h", "127.0.0.1", "-p", $"{service.MqttPort}", "-u", town.Id, "-P", "falsch", "-V", "mqttv5", "-t", "a", "-m", "x");
        Assert.That((wrong, told), Is.EqualTo((5, told)).Or.EqualTo((134, told)), told);
        var (_, output, errors) = await packages.TryAsync("mosquitto_pub", "", "-h", "127.0.0.1", "-p", $"{service.MqttPort}", "-u", town.Id, "-P", device.Key, "-V", "mqttv5", "-q", "1", "-t", $"{town.Id}/devices/pegel-1/up", "-m", "x");
        Assert.That(output + errors, Does.Contain("Payload format invalid").IgnoreCase);
    }

    [TestCase(4, 0)]
    [TestCase(4, 1)]
    [TestCase(4, 2)]
    [TestCase(5, 0)]
    [TestCase(5, 1)]
    [TestCase(5, 2)]
    public async Task Should_serve_npms(int level, int qos)
    {
        var told = await packages.RunAsync("node", JsonSerializer.Serialize(new
        {
            url = $"mqtt://127.0.0.1:{service.MqttPort}",
            level,
            qos,
            userName = town.Id,
            password = device.Key,
            topic = $"{town.Id}/devices/pegel-1/up",
            messages = Enumerable.Range(1, 20).Select(Body),
        }), "Mqtt/client.mjs");

        var heard = JsonSerializer.Deserialize<string[]>(told)!;
        Assert.That(heard, Is.EqualTo(Enumerable.Range(1, 20).Select(Body)), "its own, in their order");
        Assert.That((await town.UplinksAsync(20)).Select(uplink => (int)uplink.Bytes![3]), Is.EquivalentTo(Enumerable.Range(1, 20)));
    }
}
