using System.Net;
using System.Net.Sockets;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Sources;

/// <summary>A real mosquitto, engines and processes of the platform that come and go: each message is taken once.</summary>
[TestFixture]
public class When_a_broker_or_the_platform_fails
{
    Mosquitto broker = null!;
    TestEngines engines = null!;
    Neighbours neighbours = null!;

    [SetUp]
    public async Task Start()
    {
        broker = await Mosquitto.StartAsync();
        engines = await TestEngines.StartAsync();
        neighbours = await Neighbours.StartAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        await neighbours.DisposeAsync();
        await engines.DisposeAsync();
        await broker.DisposeAsync();
    }

    Task<Service> ServiceAsync(params (string, string)[] settings) => Service.StartAsync(engines, neighbours, [.. When_uplinks_are_taken_from_a_broker.Quick, .. settings]);

    async Task<(Town Town, string DevEui)> ConnectedAsync(Service service, string kind = "tts")
    {
        var town = await service.TownAsync();
        var device = await town.DeviceAsync();
        Assert.That((await town.PutAsync("mqtt-sources/broker", broker.Source(kind, kind == "tts" ? "\"v3/#\"" : "\"application/#\""), town.Admin)).Status, Is.EqualTo(201));
        await When_uplinks_are_taken_from_a_broker.StateAsync(town);
        return (town, device.DevEui);
    }

    static (string, string) TheThingsStack(string devEui, int n) => ("v3/stadt@ttn/devices/pegel-1/up", Messages.TheThingsStack("pegel-1", devEui, $""" "f_port":1,"f_cnt":{n},"frm_payload":"AQ==", """));

    static (string, string) ChirpStack(string devEui, int n) => ($"application/1/device/{devEui}/event/up", Messages.ChirpStack(devEui, $""" "fCnt":{n},"fPort":1,"data":"AQ==", """));

    static async Task<IEnumerable<long?>> CountersAsync(Town town, int count) => (await town.UplinksAsync(count)).OrderBy(uplink => uplink.FCnt).Select(uplink => uplink.FCnt);

    [TestCase("tts")]
    [TestCase("chirpstack")]
    public async Task Should_take_once_what_came_while_the_platform_was_stopped(string kind)
    {
        (string, string) Message(string devEui, int n) => kind == "tts" ? TheThingsStack(devEui, n) : ChirpStack(devEui, n);
        string id, devEui;
        await using (var before = await ServiceAsync())
        {
            (var town, devEui) = await ConnectedAsync(before, kind);
            id = town.Id;
            await broker.PublishAsync([.. Enumerable.Range(1, 20).Select(n => Message(devEui, n))]);
            Assert.That(await CountersAsync(town, 20), Is.EqualTo(Enumerable.Range(1, 20)));
        }
        await broker.PublishAsync([.. Enumerable.Range(21, 200).Select(n => Message(devEui, n))]);

        await using var after = await ServiceAsync();

        Assert.That(await CountersAsync(new Town(after, id), 220), Is.EqualTo(Enumerable.Range(1, 220)));
    }

    [Test]
    public async Task Should_go_on_when_the_broker_restarts()
    {
        await using var service = await ServiceAsync();
        var (town, devEui) = await ConnectedAsync(service);
        await broker.PublishAsync([.. Enumerable.Range(1, 10).Select(n => TheThingsStack(devEui, n))]);
        Assert.That(await CountersAsync(town, 10), Has.Exactly(10).Items);

        // It writes its sessions down every second.
        await Task.Delay(TimeSpan.FromSeconds(2));
        await broker.Process.KillAsync(restart: false);
        var state = await When_uplinks_are_taken_from_a_broker.StateAsync(town, "disconnected");
        Assert.That(state.GetProperty("lastError").GetString(), Does.Contain("connection").IgnoreCase);
        await broker.Process.StartAsync();
        await broker.Process.WhenReadyAsync();
        await broker.PublishAsync([.. Enumerable.Range(11, 10).Select(n => TheThingsStack(devEui, n))]);

        Assert.That(await CountersAsync(town, 20), Is.EqualTo(Enumerable.Range(1, 20)));
        await When_uplinks_are_taken_from_a_broker.StateAsync(town);
    }

    [Test]
    public async Task Should_acknowledge_nothing_while_the_log_is_down()
    {
        string id;
        await using (var before = await ServiceAsync())
        {
            var (town, devEui) = await ConnectedAsync(before);
            id = town.Id;
            await broker.PublishAsync(TheThingsStack(devEui, 1));
            Assert.That(await CountersAsync(town, 1), Is.EqualTo(new[] { 1 }));
            await engines.Redis.Process.KillAsync(restart: false);
            await broker.PublishAsync([.. Enumerable.Range(2, 100).Select(n => TheThingsStack(devEui, n))]);
            await When_uplinks_are_taken_from_a_broker.StateAsync(town, which: now => now.TryGetProperty("lastError", out var error) && error.GetString()!.Contains("could not be stored", StringComparison.Ordinal));
            Assert.That((await When_uplinks_are_taken_from_a_broker.StateAsync(town)).GetProperty("taken").GetInt64(), Is.EqualTo(1));
        }
        // The platform is gone without the messages; the broker still has them.
        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();

        await using var after = await ServiceAsync();

        await Eventually.TrueAsync(async () => (await new Town(after, id).UplinksAsync(0)).DistinctBy(uplink => uplink.Id).Count() == 101, "all uplinks", TimeSpan.FromSeconds(30));
        Assert.That((await new Town(after, id).UplinksAsync(101)).DistinctBy(uplink => uplink.Id).Select(uplink => uplink.FCnt!.Value).Order(), Is.EqualTo(Enumerable.Range(1, 101)));
    }

    [Test]
    public async Task Should_take_what_waits_when_the_log_is_back()
    {
        await using var service = await ServiceAsync(("Ingestion:Sources:KeepAlive", "00:00:01"));
        var (town, devEui) = await ConnectedAsync(service);
        await engines.Redis.Process.KillAsync(restart: false);
        await broker.PublishAsync([.. Enumerable.Range(1, 150).Select(n => TheThingsStack(devEui, n))]);
        var since = (await When_uplinks_are_taken_from_a_broker.StateAsync(town)).GetProperty("since").GetString();
        // Longer than the broker, or we, would bear silence.
        await Task.Delay(TimeSpan.FromSeconds(4));
        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();

        await Eventually.TrueAsync(async () => (await town.UplinksAsync(0)).DistinctBy(uplink => uplink.Id).Count() == 150, "all uplinks", TimeSpan.FromSeconds(30));
        Assert.That((await When_uplinks_are_taken_from_a_broker.StateAsync(town, which: now => now.GetProperty("taken").GetInt64() == 150)).GetProperty("since").GetString(), Is.EqualTo(since), "the connection stays");
    }

    [Test]
    public async Task Should_be_run_by_one_process_of_several_and_by_another_when_that_ends()
    {
        var first = await ServiceAsync();
        await using var second = await ServiceAsync();
        var (town, devEui) = await ConnectedAsync(first);
        await Task.Delay(1000);
        var since = (await When_uplinks_are_taken_from_a_broker.StateAsync(town)).GetProperty("since").GetString();
        await broker.PublishAsync([.. Enumerable.Range(1, 50).Select(n => TheThingsStack(devEui, n))]);
        Assert.That(await CountersAsync(town, 50), Is.EqualTo(Enumerable.Range(1, 50)));
        // Two with one client id would push each other out again and again.
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.That((await When_uplinks_are_taken_from_a_broker.StateAsync(town)).GetProperty("since").GetString(), Is.EqualTo(since), "nobody pushed it out");

        await first.DisposeAsync();
        await broker.PublishAsync([.. Enumerable.Range(51, 50).Select(n => TheThingsStack(devEui, n))]);

        Assert.That(await CountersAsync(new Town(second, town.Id), 100), Is.EqualTo(Enumerable.Range(1, 100)));
    }

    [Test]
    public async Task Should_go_on_while_the_database_is_away()
    {
        await using var service = await ServiceAsync(("Ingestion:DevicesRefreshedEvery", "00:00:00.2"));
        var (town, devEui) = await ConnectedAsync(service);
        await broker.PublishAsync(TheThingsStack(devEui, 1));
        Assert.That(await CountersAsync(town, 1), Is.EqualTo(new[] { 1 }));

        await engines.Postgres.Process.KillAsync(restart: false);
        await Task.Delay(1000);
        await broker.PublishAsync(TheThingsStack(devEui, 2));
        Assert.That(await CountersAsync(town, 2), Is.EqualTo(new[] { 1, 2 }));
        await engines.Postgres.Process.StartAsync();
        await engines.Postgres.Process.WhenReadyAsync();
        await broker.PublishAsync(TheThingsStack(devEui, 3));

        Assert.That(await CountersAsync(town, 3), Is.EqualTo(new[] { 1, 2, 3 }));
        await When_uplinks_are_taken_from_a_broker.StateAsync(town, which: now => now.GetProperty("taken").GetInt64() == 3);
    }

    [Test]
    public async Task Should_speak_3_1_1_to_a_broker_that_knows_no_other()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var levels = new List<byte>();
        var serving = Task.Run(async () =>
        {
            while (levels.Count < 2)
            {
                using var client = await listener.AcceptTcpClientAsync();
                var packet = new byte[1024];
                _ = await client.GetStream().ReadAsync(packet);
                levels.Add(packet[8]);
                // Unacceptable protocol version, as 3.1.1 says it.
                await client.GetStream().WriteAsync(new byte[] { 0x20, 2, 0, (byte)(packet[8] == 4 ? 0 : 1) });
            }
        });
        await using var service = await ServiceAsync();
        var town = await service.TownAsync();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await town.PutAsync("mqtt-sources/broker", broker.Source("json", "\"a\"", address: $"mqtt://127.0.0.1:{port}"), town.Admin);

        await serving.WaitAsync(TimeSpan.FromSeconds(15));
        Assert.That(levels, Is.EqualTo(new byte[] { 5, 4 }));
    }

    [Test]
    public async Task Should_give_a_silent_broker_up()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var held = new List<TcpClient>();
        var serving = Task.Run(async () =>
        {
            while (held.Count < 2)
            {
                var client = await listener.AcceptTcpClientAsync();
                held.Add(client);
                var packet = new byte[1024];
                _ = await client.GetStream().ReadAsync(packet);
                await client.GetStream().WriteAsync(new byte[] { 0x20, 3, 0, 0, 0 });
                _ = await client.GetStream().ReadAsync(packet);
                // SUBACK, and not a word from then on.
                await client.GetStream().WriteAsync(new byte[] { 0x90, 4, 0, 1, 0, 1 });
            }
        });
        await using var service = await ServiceAsync(("Ingestion:Sources:KeepAlive", "00:00:01"));
        var town = await service.TownAsync();
        await town.PutAsync("mqtt-sources/broker", broker.Source("json", "\"a\"", address: $"mqtt://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), town.Admin);

        await serving.WaitAsync(TimeSpan.FromSeconds(15));
        var shown = await Eventually.GetAsync(async () => (await town.GetAsync("mqtt-sources/broker", town.Admin)).Body is var body && body.Contains("the broker is silent", StringComparison.Ordinal) ? body : null, "word of it");
        Assert.That(shown, Is.Not.Null);
        held.ForEach(client => client.Dispose());
    }
}
