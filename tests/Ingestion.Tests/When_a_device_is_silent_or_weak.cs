using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Ingestion.Uplinks;
using Allmende.Platform.Data;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>A watch that looks five times a second, over devices that are expected to send every second.</summary>
[TestFixture]
public class When_a_device_is_silent_or_weak
{
    Service service = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start() => service = await Service.StartAsync(settings: [("Ingestion:Watch:Every", "00:00:00.2"), ("Ingestion:Watch:IncidentsShownFor", "00:00:03")]);

    [OneTimeTearDown]
    public async Task Stop() => await service.DisposeAsync();

    [SetUp]
    public async Task Settle() => town = await service.TownAsync();

    async Task RegisterAsync(string more = "")
    {
        var answer = await town.PostAsync("devices", $$"""{"id":"pegel-1","name":"Pegel","profile":"gauge","devEui":"70B3D57EF0000001"{{more}}}""", town.Admin);
        Assert.That(answer.Status, Is.EqualTo(201), answer.Body);
    }

    Task<Answer> SendAsync(string content = "\"bytes\":\"01\"", DateTime? time = null) =>
        town.UplinkAsync("json", Messages.Plain("pegel-1", content, (time ?? DateTime.UtcNow).ToString("O")));

    async Task<JsonElement> DeviceAsync(Func<JsonElement, bool> until, string what) =>
        (await Eventually.GetAsync(async () => await town.GetAsync("devices/pegel-1", town.Analyst) is var answer && until(answer.Json) ? answer : null, what, TimeSpan.FromSeconds(15))).Json;

    async Task<int> TotalAsync(string query) => (await town.GetAsync("device-counts?" + query, town.Analyst)).Json.GetProperty("total").GetInt32();

    static string Kinds(JsonElement device) => string.Join(' ', device.GetProperty("conditions").EnumerateArray().Select(one => one.GetProperty("kind").GetString()));

    static string? Health(JsonElement device) => device.TryGetProperty("health", out var health) ? health.GetString() : null;

    [Test]
    public async Task Should_be_silent_after_three_intervals_and_active_with_the_next_uplink()
    {
        await RegisterAsync(",\"expectedInterval\":1");
        await SendAsync();
        await DeviceAsync(one => Health(one) == "ok", "healthy device");

        var silent = await DeviceAsync(one => one.GetProperty("state").GetString() == "silent", "silent device");
        Assert.That((Health(silent), Kinds(silent)), Is.EqualTo(("silent", "silent")));
        var since = silent.GetProperty("conditions")[0];
        Assert.That(since.GetProperty("since").GetDateTime() - since.GetProperty("detail").GetProperty("lastSeen").GetDateTime(), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(3)));
        Assert.That((await town.GetAsync("device-conditions?open=true", town.Analyst)).Json.GetProperty("items")[0].GetProperty("device").GetString(), Is.EqualTo("pegel-1"));
        Assert.That((await TotalAsync("condition=silent"), await TotalAsync("condition=any"), await TotalAsync("condition=battery-low")), Is.EqualTo((1, 1, 0)));
        Assert.That((await town.GetAsync("device-counts?condition=battery-low", town.Analyst)).Json.GetProperty("conditions").GetRawText(), Is.EqualTo("""{"any":1,"silent":1}"""));
        Assert.That((await town.GetAsync("devices?condition=silent", town.Analyst)).Json.GetProperty("items").GetArrayLength(), Is.EqualTo(1));

        await SendAsync();
        await DeviceAsync(one => one.GetProperty("state").GetString() == "active" && Kinds(one) == "", "device that is back");

        var told = (await town.EventsAsync(3)).Where(one => one.Type != EventTypes.DeviceRegistered).Take(2).ToList();
        Assert.That(told.Select(one => one.Type), Is.EqualTo(new[] { EventTypes.DeviceSilent, EventTypes.DeviceRecovered }));
        var recovered = told[1].DataAs(ContractsJson.Default.DeviceCondition);
        Assert.That((recovered.Id, recovered.Kind, recovered.Until > recovered.Since), Is.EqualTo(("pegel-1", "silent", true)));
        Assert.That(told[0].DataAs(ContractsJson.Default.DeviceCondition).Until, Is.Null);
        var history = (await town.GetAsync("devices/pegel-1/state", town.Analyst)).Json.GetProperty("history").EnumerateArray().Select(one => one.GetProperty("to").GetString()).Reverse();
        Assert.That(history.Take(3), Is.EqualTo(new[] { "active", "silent", "active" }));
        Assert.That((await town.GetAsync("device-conditions?open=false&device=pegel-1&kind=silent", town.Analyst)).Json.GetProperty("items").GetArrayLength(), Is.GreaterThan(0));
    }

    [Test]
    public async Task Should_be_expected_as_often_as_its_profile_says()
    {
        await RegisterAsync();
        await SendAsync();
        await DeviceAsync(one => Health(one) == "ok", "healthy device");
        // As an older version would have written it, three intervals ago.
        await ExecuteAsync("UPDATE device SET profile_interval = NULL; UPDATE last_seen SET at = now() - interval '31 min'");
        var device = await DeviceAsync(one => Health(one) == "silent", "silent device");
        Assert.That(device.GetProperty("conditions")[0].GetProperty("detail").GetProperty("expectedInterval").GetInt32(), Is.EqualTo(600));
        // Who is expected less often is not silent.
        await town.PatchAsync("devices/pegel-1", """{"expectedInterval":86400}""", town.Admin);
        await DeviceAsync(one => Health(one) == "ok", "device that is not silent");
    }

    [TestCase("planned")]
    [TestCase("faulty")]
    [TestCase("retired")]
    public async Task Should_not_be_missed_when_nobody_expects_it(string state)
    {
        await RegisterAsync(",\"expectedInterval\":1");
        if (state != "planned")
        {
            await SendAsync();
            await DeviceAsync(one => Health(one) == "silent", "silent device");
            await town.PostAsync("devices/pegel-1/state", $$"""{"state":"{{state}}"}""", town.Admin);
        }
        await town.DeviceAsync("zeuge");
        await town.PatchAsync("devices/zeuge", """{"expectedInterval":1}""", town.Admin);
        await town.UplinkAsync("json", Messages.Plain("zeuge"));
        await Eventually.TrueAsync(async () => (await town.GetAsync("devices/zeuge", town.Analyst)).Text("state") == "silent", "another silent device");
        var device = (await town.GetAsync("devices/pegel-1", town.Analyst)).Json;
        Assert.That((device.GetProperty("state").GetString(), Kinds(device)), Is.EqualTo((state, "")));
        Assert.That((await town.EventsAsync(3)).Where(one => one.Subject == "pegel-1").Select(one => one.Type), Does.Not.Contain(EventTypes.DeviceRecovered));
    }

    [Test]
    public async Task Should_be_weak_while_its_battery_is()
    {
        await RegisterAsync();
        await SendAsync();
        await DeviceAsync(one => Health(one) == "ok", "healthy device");
        var writer = service.Get<LastSeenWriter>();

        writer.NoteBattery(town.Id, "pegel-1", 12, DateTime.UtcNow);
        var weak = await DeviceAsync(one => Kinds(one) == "battery-low", "weak device");
        Assert.That((Health(weak), weak.GetProperty("lastSeen").GetProperty("battery").GetDouble()), Is.EqualTo(("weak", 12)));
        writer.NoteBattery(town.Id, "pegel-1", 22, DateTime.UtcNow);
        await DeviceAsync(one => one.GetProperty("lastSeen").GetProperty("battery").GetDouble() == 22, "better battery");
        await Task.Delay(500); // two looks
        Assert.That(Kinds(await DeviceAsync(_ => true, "")), Is.EqualTo("battery-low"), "not until it is well above");
        writer.NoteBattery(town.Id, "pegel-1", 90, DateTime.UtcNow);
        await DeviceAsync(one => Kinds(one) == "" && Health(one) == "ok", "new battery");

        var told = (await town.EventsAsync(3)).Select(one => one.Type);
        Assert.That(told, Is.EqualTo(new[] { EventTypes.DeviceRegistered, EventTypes.DeviceWeak, EventTypes.DeviceRecovered }));
    }

    [Test]
    public async Task Should_be_weak_while_its_signal_is()
    {
        await RegisterAsync();
        Task<Answer> HeardAsync(int n, int rssi) => town.UplinkAsync("chirpstack", Messages.ChirpStack("70B3D57EF0000001", $"\"fCnt\":{n},\"fPort\":85,\"data\":\"AQ==\",")
            .Replace("\"rssi\": -36", $"\"rssi\": {rssi}", StringComparison.Ordinal).Replace("2026-03-02T10:20:05.012345678+00:00", DateTime.UtcNow.ToString("O"), StringComparison.Ordinal));
        for (var n = 1; n <= 5; n++) Assert.That((await HeardAsync(n, -125)).Status, Is.EqualTo(202));
        var weak = await DeviceAsync(one => Kinds(one) == "signal-weak", "weak device");
        Assert.That(weak.GetProperty("conditions")[0].GetProperty("detail").GetRawText(), Is.EqualTo("""{"snr":10.5,"rssi":-125,"uplinks":5,"spreadingFactor":9}"""));
        Assert.That(weak.GetProperty("lastSeen").GetProperty("gateways").GetInt32(), Is.EqualTo(1));
        for (var n = 6; n <= 8; n++) await HeardAsync(n, -80);
        await DeviceAsync(one => Kinds(one) == "", "good signal");
    }

    [Test]
    public async Task Should_be_noticed_when_its_counter_jumps_or_its_clock_is_off()
    {
        await RegisterAsync();
        await SendAsync("\"fCnt\":1,\"bytes\":\"01\"");
        await SendAsync("\"fCnt\":50,\"bytes\":\"02\"");
        await SendAsync("\"fCnt\":50,\"bytes\":\"03\"");
        await SendAsync("\"fCnt\":0,\"bytes\":\"04\"");
        var noticed = await DeviceAsync(one => Kinds(one).Split(' ').Length == 3, "three conditions");
        Assert.That(Kinds(noticed).Split(' '), Is.EquivalentTo(new[] { "frames-lost", "replayed", "restarted" }));
        Assert.That(noticed.GetProperty("lastSeen").GetProperty("lost").GetInt64(), Is.EqualTo(48));
        Assert.That(await town.UplinksAsync(4), Has.Count.EqualTo(4), "noted, not refused");
        await DeviceAsync(one => Kinds(one) == "", "nothing new");

        await SendAsync("\"fCnt\":1,\"bytes\":\"05\"", DateTime.UtcNow.AddHours(-3));
        var late = await DeviceAsync(one => Kinds(one) == "clock-off", "clock");
        Assert.That(late.GetProperty("conditions")[0].GetProperty("detail").GetProperty("seconds").GetInt32(), Is.EqualTo(-10800).Within(2));
        await SendAsync("\"fCnt\":2,\"bytes\":\"06\"");
        await DeviceAsync(one => Kinds(one) == "", "clock that was set");
    }

    [Test]
    public async Task Should_be_opened_once_by_many_watches()
    {
        await RegisterAsync(",\"expectedInterval\":1");
        await SendAsync();
        await using var other = await Service.StartAsync(neighbours: service.Neighbours, settings: ("Ingestion:Watch:Every", "00:00:00.2"));
        await DeviceAsync(one => Health(one) == "silent", "silent device");
        await Task.Delay(1000); // several looks of both
        Assert.That((await town.GetAsync("device-conditions", town.Analyst)).Json.GetProperty("items").GetArrayLength(), Is.EqualTo(1));
        Assert.That((await town.EventsAsync(2)).Select(one => one.Type), Is.EqualTo(new[] { EventTypes.DeviceRegistered, EventTypes.DeviceSilent }));
    }

    [Test]
    public async Task Should_be_listed_by_page_for_the_towns_own_people()
    {
        foreach (var id in new[] { "a", "b", "c" })
        {
            await town.DeviceAsync(id);
            await town.UplinkAsync("json", Messages.Plain(id)); // of March
        }
        await Eventually.TrueAsync(async () => (await town.GetAsync("device-conditions?kind=clock-off", town.Analyst)).Json.GetProperty("items").GetArrayLength() == 3, "three conditions");
        var first = await town.GetAsync("device-conditions?open=true&limit=2", town.Analyst);
        var second = await service.SendAsync(HttpMethod.Get, new Uri(first.Text("next")).PathAndQuery, town.Analyst);
        Assert.That(first.Json.GetProperty("items").EnumerateArray().Concat(second.Json.GetProperty("items").EnumerateArray()).Select(one => one.GetProperty("device").GetString()), Is.EquivalentTo(new[] { "a", "b", "c" }));
        Assert.That(second.Json.TryGetProperty("next", out _), Is.False);
        Assert.That((await town.GetAsync("device-conditions?kind=x", town.Analyst)).Error, Is.EqualTo("invalid_page"));
        Assert.That((await town.GetAsync("device-conditions?limit=0", town.Analyst)).Error, Is.EqualTo("invalid_page"));
        Assert.That((await town.GetAsync("device-conditions", null)).Status, Is.EqualTo(401));
        Assert.That((await town.GetAsync("device-conditions", town.Key)).Status, Is.EqualTo(403));
    }

    async Task ExecuteAsync(string sql)
    {
        await using var command = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
