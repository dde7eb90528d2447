using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_device_gets_into_another_state
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    Task<Answer> ChangeAsync(string to, string? reason = null) =>
        town.PostAsync("devices/pegel-1/state", reason is null ? $$"""{"state":"{{to}}"}""" : $$"""{"state":"{{to}}","reason":"{{reason}}"}""", town.Admin);

    async Task<string> StateAsync() => (await town.GetAsync("devices/pegel-1", town.Analyst)).Text("state");

    [Test]
    public async Task Should_be_active_with_its_first_uplink()
    {
        Assert.That(await StateAsync(), Is.EqualTo("planned"));
        Assert.That((await ChangeAsync("installed")).Status, Is.EqualTo(200));
        await town.UplinkAsync("json", Messages.Plain("pegel-1"));
        await Eventually.TrueAsync(async () => await StateAsync() == "active", "active device");

        var answer = await ChangeAsync("faulty", "Gehäuse gebrochen");

        var history = answer.Json.GetProperty("history").EnumerateArray()
            .Select(change => (change.GetProperty("from").GetString(), change.GetProperty("to").GetString(), change.GetProperty("by").GetString(), change.TryGetProperty("reason", out var why) ? why.GetString() : null));
        Assert.That(history, Is.EqualTo(new[] { ("active", "faulty", "tests", "Gehäuse gebrochen"), ("installed", "active", "platform", null), ("planned", "installed", "tests", (string?)null) }));
        await town.UplinkAsync("json", Messages.Plain("pegel-1", 2));
        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/pegel-1", town.Analyst)).Json.GetProperty("lastSeen").GetProperty("at").GetDateTime() > answer.Json.GetProperty("since").GetDateTime(), "uplink");
        Assert.That(await StateAsync(), Is.EqualTo("faulty"), "what sends is not repaired by that");
    }

    [Test]
    public async Task Should_say_which_states_may_follow()
    {
        var answer = await ChangeAsync("active");
        Assert.That((answer.Status, answer.Error, answer.Text("detail")), Is.EqualTo((409, "state_not_allowed", "it is planned; allowed now: installed, retired")));
        Assert.That((await ChangeAsync("planned")).Status, Is.EqualTo(409));
        Assert.That((await ChangeAsync("kaputt")).Error, Is.EqualTo("invalid_device"));
        Assert.That((await town.PostAsync("devices/nobody/state", """{"state":"installed"}""", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.GetAsync("devices/nobody/state", town.Admin)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.PostAsync("devices/pegel-1/state", """{"state":"installed"}""", town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("devices/pegel-1/state", town.Analyst)).Json.GetProperty("allowed").EnumerateArray().Select(one => one.GetString()), Is.EqualTo(new[] { "installed", "retired" }));
    }

    [Test]
    public void Should_lead_nowhere_but_by_what_is_allowed()
    {
        foreach (var from in DeviceState.All)
        {
            Assert.That(DeviceState.After(from), Is.SubsetOf(new[] { "planned", "installed", "faulty", "retired" }), from);
            Assert.That(DeviceState.After(from), Does.Not.Contain(from));
        }
    }

    [Test]
    public async Task Should_be_heard_no_more_when_retired()
    {
        var device = await town.DeviceAsync("pegel-2");
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-2", 1), device.Key)).Status, Is.EqualTo(202));
        Assert.That((await town.PostAsync("devices/pegel-2/state", """{"state":"retired"}""", town.Admin)).Status, Is.EqualTo(200));

        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-2", 2), device.Key)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-2", 3))).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.UplinkAsync("chirpstack", Messages.ChirpStack(device.DevEui))).Error, Is.EqualTo("unknown_device"));
        await town.UplinkAsync("json", Messages.Plain("zeuge"));
        await Eventually.TrueAsync(async () => (await town.GetAsync("unknown-devices/zeuge", town.Admin)).Status == 200, "who came later");
        Assert.That((await town.GetAsync("unknown-devices", town.Admin)).Json.GetProperty("items").GetArrayLength(), Is.EqualTo(1), "it is not unknown");

        await town.PostAsync("devices/pegel-2/state", """{"state":"installed","reason":"wieder aufgehängt"}""", town.Admin);
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-2", 4), device.Key)).Status, Is.EqualTo(202));
    }
}
