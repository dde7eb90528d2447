using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Data;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>Real engines of its own, which are killed.</summary>
[TestFixture]
public class When_something_fails
{
    TestEngines engines = null!;
    Neighbours neighbours = null!;

    [SetUp]
    public async Task Start()
    {
        engines = await TestEngines.StartAsync();
        neighbours = await Neighbours.StartAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        await neighbours.DisposeAsync();
        await engines.DisposeAsync();
    }

    [Test]
    public async Task Should_acknowledge_nothing_while_the_log_is_down()
    {
        await using var service = await Service.StartAsync(engines, neighbours);
        var town = await service.TownAsync();
        await town.DeviceAsync();
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 1))).Status, Is.EqualTo(202));

        await engines.Redis.Process.KillAsync(restart: false);
        var refused = await town.UplinkAsync("json", Messages.Plain("pegel-1", 2));
        Assert.That((refused.Status, refused.Error, refused.RetryAfter), Is.EqualTo((503, "not_durable", TimeSpan.FromSeconds(2))));

        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();
        await Eventually.TrueAsync(async () => (await town.UplinkAsync("json", Messages.Plain("pegel-1", 3))).Status == 202, "log that is back", TimeSpan.FromSeconds(20));
        Assert.That((await town.UplinksAsync(2)).Select(uplink => (int)uplink.Bytes![3]).Distinct(), Is.EqualTo(new[] { 1, 3 }), "what was acknowledged is there, and no more");
    }

    [Test]
    public async Task Should_find_every_acknowledged_uplink_when_the_log_dies_under_load()
    {
        await using var service = await Service.StartAsync(engines, neighbours);
        var town = await service.TownAsync();
        await town.DeviceAsync();
        var acknowledged = new System.Collections.Concurrent.ConcurrentBag<string>();
        var next = 0;
        var senders = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref next) < 1200)
            {
                var answer = await town.UplinkAsync("json", Messages.Plain("pegel-1", Interlocked.Increment(ref next)));
                if (answer.Status == 202) acknowledged.Add(answer.Text("uplink"));
                else await Task.Delay(20);
            }
        })).ToList();

        await Eventually.TrueAsync(() => Task.FromResult(acknowledged.Count > 300), "first uplinks");
        await engines.Redis.Process.KillAsync();
        await engines.Redis.Process.WhenReadyAsync();
        await Task.WhenAll(senders);

        var stored = (await town.UplinksAsync(acknowledged.Count)).Select(uplink => uplink.Id).ToHashSet();
        TestContext.Out.WriteLine($"{acknowledged.Count} acknowledged, {stored.Count} stored");
        Assert.That(acknowledged.Where(id => !stored.Contains(id)), Is.Empty);
    }

    [Test]
    public async Task Should_write_down_what_was_told_of_a_device_when_the_database_is_back()
    {
        await using var service = await Service.StartAsync(engines, neighbours);
        var town = await service.TownAsync();
        var device = await town.DeviceAsync();
        await town.UplinkAsync("chirpstack?event=join", Events.ChirpStackJoin(device.DevEui));

        await engines.Postgres.Process.KillAsync(restart: false);
        Assert.That((await town.UplinkAsync("chirpstack?event=status", Events.ChirpStackStatus(device.DevEui))).Status, Is.EqualTo(204));
        await Task.Delay(1000);
        await engines.Postgres.Process.StartAsync();
        await engines.Postgres.Process.WhenReadyAsync();

        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/pegel-1/signals", town.Admin)).Body.Contains("98.42", StringComparison.Ordinal), "battery", TimeSpan.FromSeconds(20));
    }

    [Test]
    public async Task Should_take_uplinks_of_known_devices_while_the_database_is_down()
    {
        await using var service = await Service.StartAsync(engines, neighbours, ("Ingestion:DevicesRefreshedEvery", "00:00:00.1"));
        var town = await service.TownAsync();
        var device = await town.DeviceAsync();
        await town.UplinkAsync("json", Messages.Plain("pegel-1", 1), device.Key);

        await engines.Postgres.Process.KillAsync(restart: false);
        await Task.Delay(500); // several comparisons fail

        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 2), device.Key)).Status, Is.EqualTo(202));
        var unknown = await town.UplinkAsync("json", Messages.Plain("pegel-2"));
        Assert.That((unknown.Status, unknown.Error), Is.EqualTo((503, "unavailable")), "whether there is such a device is not known");
    }

    [Test]
    public async Task Should_tell_after_a_restart_what_could_not_be_told_before()
    {
        string municipality;
        await using (var first = await Service.StartAsync(engines, neighbours, ("Ingestion:ThingAwaited", "00:00:00.1")))
        {
            var town = await first.TownAsync();
            municipality = town.Id;
            await engines.Redis.Process.KillAsync(restart: false);
            await town.DeviceAsync("pegel-1");
            await town.DeviceAsync("pegel-2");
            await using var left = first.Get<MunicipalDatabases>().Of(municipality).CreateCommand("SELECT count(*) FROM outbox");
            Assert.That(await left.ExecuteScalarAsync(), Is.EqualTo(2L));
        }
        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();

        await using var second = await Service.StartAsync(engines, neighbours);
        await second.Get<Platform.Municipalities>().RefreshAsync(TimeSpan.Zero, default);
        var again = new Town(second, municipality);
        var told = await again.EventsAsync(2);

        Assert.That(told.Select(one => (one.Type, one.Subject)).Order(), Is.EqualTo(new[] { (EventTypes.DeviceRegistered, "pegel-1"), (EventTypes.DeviceRegistered, "pegel-2") }));
        Assert.That(told.Select(one => one.Id), Is.Unique);
        await using var none = second.Get<MunicipalDatabases>().Of(municipality).CreateCommand("SELECT count(*) FROM outbox");
        await Eventually.TrueAsync(async () => await none.ExecuteScalarAsync() is 0L, "empty outbox");
    }

    [Test]
    public async Task Should_keep_a_devices_events_in_order_however_often_telling_fails()
    {
        await using var service = await Service.StartAsync(engines, neighbours, ("Ingestion:ThingAwaited", "00:00:00.1"), ("Ingestion:OutboxSweptEvery", "00:00:00.2"));
        var town = await service.TownAsync();
        await engines.Redis.Process.KillAsync(restart: false);
        await town.DeviceAsync("pegel-1");
        await town.PutAsync("devices/pegel-1", """{"name":"Neu","profile":"gauge"}""", town.Admin);
        await town.DeleteAsync("devices/pegel-1", town.Admin);
        await town.DeviceAsync("pegel-1");
        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();

        var told = await Eventually.GetAsync(async () => await town.EventsAsync(4) is { Count: >= 4 } all ? all : null, "all events", TimeSpan.FromSeconds(30));

        // An append that was not confirmed may have been done: an event may come twice, with the same id.
        Assert.That(told.DistinctBy(one => one.Id).Select(one => one.Type), Is.EqualTo(new[]
        {
            EventTypes.DeviceRegistered, EventTypes.DeviceChanged, EventTypes.DeviceRemoved, EventTypes.DeviceRegistered,
        }));
    }
}
