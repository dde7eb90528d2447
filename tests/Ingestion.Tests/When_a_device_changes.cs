using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Events;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_changes
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    [Test]
    public async Task Should_take_the_new_description_and_tell_of_it()
    {
        var device = await town.DeviceAsync();

        var answer = await town.PutAsync("devices/pegel-1", """{"name":"Pegel Neustadt","profile":"decoded"}""", town.Admin);

        Assert.That((answer.Status, answer.Text("name"), answer.Json.TryGetProperty("devEui", out _)), Is.EqualTo((200, "Pegel Neustadt", false)));
        var told = (await town.EventsAsync(2))[1];
        Assert.That((told.Type, told.DataAs(ContractsJson.Default.DeviceRegistered).Datastreams.Single().Id), Is.EqualTo((EventTypes.DeviceChanged, "pegel-1.temperature")));
        // Uplinks carry the new profile at once; the key stays, the DevEUI is nobody's.
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), device.Key)).Status, Is.EqualTo(202));
        Assert.That((await town.UplinksAsync()).Single().Profile, Is.EqualTo("decoded"));
        Assert.That((await town.UplinkAsync("chirpstack", Messages.ChirpStack(device.DevEui))).Error, Is.EqualTo("unknown_device"));
    }

    [Test]
    public async Task Should_refuse_what_cannot_be()
    {
        var other = await town.DeviceAsync("pegel-2");
        await town.DeviceAsync("pegel-1");
        Assert.That((await town.PutAsync("devices/nobody", """{"name":"x","profile":"gauge"}""", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.PutAsync("devices/pegel-1", """{"id":"pegel-9","name":"x","profile":"gauge"}""", town.Admin)).Error, Is.EqualTo("invalid_device"));
        Assert.That((await town.PutAsync("devices/pegel-1", """{"name":"x","profile":"none"}""", town.Admin)).Error, Is.EqualTo("invalid_device"));
        Assert.That((await town.PutAsync("devices/pegel-1", $$"""{"name":"x","profile":"gauge","devEui":"{{other.DevEui}}"}""", town.Admin)).Error, Is.EqualTo("dev_eui_taken"));
        Assert.That((await town.PutAsync("devices/pegel-1", """{"name":"x","profile":"gauge"}""", town.Analyst)).Status, Is.EqualTo(403));
    }

    [Test]
    public async Task Should_be_gone_when_removed()
    {
        var device = await town.DeviceAsync();
        await town.UplinkAsync("json", Messages.Plain("pegel-1"));
        // One that is gone before it was told of is told of as removed alone.
        await town.EventsAsync(1);

        Assert.That((await town.DeleteAsync("devices/pegel-1", town.Admin)).Status, Is.EqualTo(204));

        Assert.That((await town.DeleteAsync("devices/pegel-1", town.Admin)).Status, Is.EqualTo(404));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"))).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), device.Key)).Status, Is.EqualTo(401));
        Assert.That((await town.EventsAsync(2)).Select(told => told.Type), Is.EqualTo(new[] { EventTypes.DeviceRegistered, EventTypes.DeviceRemoved }));
    }

    [Test]
    public async Task Should_be_known_at_once_when_registered_after_its_first_uplink_was_refused()
    {
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"))).Error, Is.EqualTo("unknown_device"));
        await town.DeviceAsync();
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"))).Status, Is.EqualTo(202));
    }

    [Test]
    public async Task Should_have_one_key_at_a_time()
    {
        var device = await town.DeviceAsync();
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 1), device.Key)).Status, Is.EqualTo(202));

        var answer = await town.PostAsync("devices/pegel-1/key", "", town.Admin);

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 2), device.Key)).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1", 3), answer.Text("key"))).Status, Is.EqualTo(202));
        Assert.That((await town.PostAsync("devices/nobody/key", "", town.Admin)).Status, Is.EqualTo(404));
        Assert.That((await town.PostAsync("devices/pegel-1/key", "", device.Key)).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task Should_be_told_again_when_its_profile_changes()
    {
        await town.DeviceAsync("pegel-1");
        await town.DeviceAsync("wetter-1", Profiles.Decoded);
        service.Neighbours.Add(town.Id, new DeviceProfile(Profiles.Gauge, "Pegelsonde 2", "gauge-codec", [new("level", "Wasserstand", "water_level", "cm")]));

        await service.Get<IEventBus>().PublishAsync(town.Id, "streams", EventTypes.DeviceProfileChanged, Profiles.Gauge, new Removed(Profiles.Gauge), ContractsJson.Default.Removed, default);

        var told = await Eventually.GetAsync(async () => (await town.EventsAsync(3)).SingleOrDefault(e => e.Type == EventTypes.DeviceChanged), "change of the device");
        var device = told.DataAs(ContractsJson.Default.DeviceRegistered);
        Assert.That((device.Id, device.ProfileName, device.Datastreams.Single().Id), Is.EqualTo(("pegel-1", "Pegelsonde 2", "pegel-1.level")));
    }

    [Test]
    public async Task Should_be_seen_by_another_instance()
    {
        await using var neighbours = await Neighbours.StartAsync();
        await using var one = await Service.StartAsync(neighbours: neighbours);
        await using var other = await Service.StartAsync(neighbours: neighbours, settings: ("Ingestion:DevicesRefreshedEvery", "00:00:00.2"));
        town = await one.TownAsync();
        await other.Get<Platform.Municipalities>().RefreshAsync(TimeSpan.Zero, default);
        async Task<int> ElsewhereAsync(int n) =>
            (await other.SendAsync(HttpMethod.Post, $"/{town.Id}/uplinks/json", town.Key, Town.JsonContent(Messages.Plain("pegel-1", n)))).Status;

        Assert.That(await ElsewhereAsync(1), Is.EqualTo(404));
        await town.DeviceAsync();
        await Eventually.TrueAsync(async () => await ElsewhereAsync(2) == 202, "device at the other instance");
        await town.DeleteAsync("devices/pegel-1", town.Admin);
        await Eventually.TrueAsync(async () => await ElsewhereAsync(3) == 404, "removal at the other instance");
    }
}
