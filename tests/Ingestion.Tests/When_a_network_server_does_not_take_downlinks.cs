using System.Diagnostics;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_a_network_server_does_not_take_downlinks
{
    Service service = null!;
    NetworkServerStandIn server = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start() => service = await DownlinkSurroundings.ServiceAsync(("Ingestion:Downlinks:AtOnce", "2"), ("Ingestion:Downlinks:Timeout", "00:00:05"), ("Ingestion:Downlinks:Lease", "00:00:10"));

    [OneTimeTearDown]
    public async Task Stop() => await service.DisposeAsync();

    [SetUp]
    public async Task Register()
    {
        server = await NetworkServerStandIn.StartAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    [TearDown]
    public async Task StopServer() => await server.DisposeAsync();

    DownlinkStore Store => service.Get<DownlinkStore>();

    [TestCase(400)]
    [TestCase(404)]
    [TestCase(422)]
    public async Task Should_give_up_at_once_what_will_not_change(int status)
    {
        server.Answers = _ => NetworkServerStandIn.Fault(status, "error:pkg/applicationserver:device_not_found");
        await town.PutWayAsync("ttn", "tts", server.Url);
        var failed = await town.InStateAsync(await town.QueueAsync(), "failed");
        Assert.That(failed.States(), Is.EqualTo(new[] { "queued", "sending", "failed" }));
        Assert.That(failed.GetProperty("reason").GetString(), Is.EqualTo($"HTTP {status}: error:pkg/applicationserver:device_not_found"));
        Assert.That(server.Got, Has.Count.EqualTo(1));
    }

    [TestCase(401)]
    [TestCase(403)]
    [TestCase(429)]
    [TestCase(503)]
    public async Task Should_try_again_what_may_change_with_the_same_correlation_id(int status)
    {
        server.Answers = n => n <= 2 ? NetworkServerStandIn.Fault(status, "später") : null;
        await town.PutWayAsync("ttn", "tts", server.Url);
        var sent = await town.InStateAsync(await town.QueueAsync(), "sent");
        Assert.That(sent.States(), Is.EqualTo(new[] { "queued", "sending", "queued", "sending", "queued", "sending", "sent" }));
        Assert.That((server.Got.Count, server.Got.Select(got => got.Body).Distinct().Count()), Is.EqualTo((3, 1)));
    }

    [Test]
    public async Task Should_send_what_waits_when_the_way_is_put_right()
    {
        await town.PutWayAsync("ttn", "tts", "http://127.0.0.1:1");
        var path = await town.QueueAsync();
        await Eventually.TrueAsync(async () => (await town.GetAsync(path, town.Admin)).Json.TryGetProperty("reason", out var reason) && reason.GetString() == "no connection", "failed attempt");
        await town.PutWayAsync("ttn", "tts", server.Url);
        await town.InStateAsync(path, "sent");
    }

    [Test]
    public async Task Should_keep_the_order_of_a_device_and_put_what_is_urgent_first()
    {
        // The first attempt fails, and what came after it waits with it.
        server.Answers = n => n == 1 ? NetworkServerStandIn.Fault(503, "später") : null;
        foreach (var body in new[] { """{"fPort":1,"bytes":"01"}""", """{"fPort":1,"bytes":"02","priority":"low"}""", """{"fPort":1,"bytes":"03"}""", """{"fPort":1,"bytes":"04","priority":"high"}""" })
            await town.QueueAsync(body);
        await town.PutWayAsync("ttn", "tts", server.Url);
        await Eventually.TrueAsync(() => Task.FromResult(server.Got.Count == 5), "all four, one of them twice");
        Assert.That(server.Got.Select(got => Convert.FromBase64String(got.Body.Split("\"frm_payload\":\"")[1].Split('"')[0])[0]), Is.EqualTo(new byte[] { 4, 4, 1, 3, 2 }));
    }

    [Test]
    public async Task Should_let_it_expire_and_send_it_no_more()
    {
        server.Answers = _ => NetworkServerStandIn.Fault(503, "später");
        await town.PutWayAsync("ttn", "tts", server.Url);
        var expired = await town.InStateAsync(await town.QueueAsync("""{"fPort":1,"bytes":"01","validFor":1}"""), "expired");
        Assert.That(expired.States()[^2..], Is.EqualTo(new[] { "queued", "expired" }));
        Assert.That(expired.GetProperty("reason").GetString(), Does.Contain("503"));
        var before = server.Got.Count;
        server.Answers = _ => null;
        await town.InStateAsync(await town.QueueAsync("""{"fPort":1,"bytes":"02"}"""), "sent");
        Assert.That(server.Got, Has.Count.EqualTo(before + 1));
    }

    [Test]
    public async Task Should_send_again_what_a_killed_process_sent_and_did_not_write_down()
    {
        // Without a listener nobody here takes it; the process that dies does: it sends, and is gone before it can say so.
        var path = await town.QueueAsync();
        var taken = (await Store.TakeAsync(town.Id, "", ["pegel-1"], 1, TimeSpan.FromSeconds(2), default)).Single();
        var way = new WayRow("ttn", new DownlinkWay("Netz", "tts", server.Url, "stadt"), "NNSXS.GEHEIM", null, DateTime.UtcNow);
        Assert.That((await service.Get<NetworkServers>().SendAsync(way, taken, default)).State, Is.EqualTo("sent"));
        await town.PutWayAsync("ttn", "tts", server.Url);
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("sending"));

        var sent = await town.InStateAsync(path, "sent");
        Assert.That(sent.States(), Is.EqualTo(new[] { "queued", "sending", "sending", "sent" }));
        Assert.That(sent.GetProperty("history")[2].GetProperty("reason").GetString(), Does.Contain("has not said what came of it"));
        Assert.That((server.Got.Count, server.Got.Select(got => got.Body).Distinct().Count()), Is.EqualTo((2, 1)));
        // The dead process's attempt is not its own any more.
        Assert.That(await Store.RecordAsync(town.Id, taken, SendingOutcome.Never("zu spät"), TimeSpan.Zero, default), Is.False);
    }

    [Test]
    public async Task Should_not_send_again_what_the_network_server_has_told_of_meanwhile()
    {
        var path = await town.QueueAsync();
        var taken = (await Store.TakeAsync(town.Id, "", ["pegel-1"], 1, TimeSpan.FromSeconds(30), default)).Single();
        Assert.That(await Store.ToldAsync(town.Id, "pegel-1", taken.Downlink.Correlation, DownlinkReport.Taken, DateTimeOffset.UtcNow, "tts", null, default), Is.True);
        Assert.That(await Store.RecordAsync(town.Id, taken, SendingOutcome.Again("no answer within 10 s"), TimeSpan.Zero, default), Is.False);
        Assert.That((await town.GetAsync(path, town.Admin)).Json.States(), Is.EqualTo(new[] { "queued", "sending", "sent" }));
    }

    [Test]
    public async Task Should_take_what_is_told_of_it()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var path = await town.QueueAsync();
        var name = "allmende:" + path[^32..];
        await town.InStateAsync(path, "sent");
        var at = DateTimeOffset.UtcNow.AddSeconds(-5);
        Task<bool> Told(DownlinkReport report, string? correlation = null, string device = "pegel-1") => Store.ToldAsync(town.Id, device, correlation ?? name, report, at, "tts", "weil", default);
        Assert.That(await Told(DownlinkReport.Sent), Is.False, "known");
        Assert.That(await Told(DownlinkReport.Failed, device: "pegel-2"), Is.False, "another device's");
        foreach (var foreign in new[] { "", "allmende:", "allmende:x", "as:downlink:01E0", path[^32..] }) Assert.That(await Told(DownlinkReport.Failed, foreign), Is.False, foreign);
        Assert.That(await Told(DownlinkReport.Unacknowledged), Is.True);
        Assert.That((await town.GetAsync(path, town.Admin)).Json.GetProperty("reason").GetString(), Is.EqualTo("weil"));
        Assert.That(await Told(DownlinkReport.Acknowledged), Is.True, "heard after another attempt of the network server");
        Assert.That(await Told(DownlinkReport.Failed), Is.False, "the device has it");
        var told = (await town.GetAsync(path, town.Admin)).Json;
        Assert.That(told.States(), Is.EqualTo(new[] { "queued", "sending", "sent", "failed", "acknowledged" }));
        Assert.That(told.GetProperty("history")[4].GetProperty("at").GetDateTimeOffset(), Is.EqualTo(at).Within(TimeSpan.FromMilliseconds(1)));
    }

    [Test]
    public async Task Should_not_hold_up_another_municipality_nor_another_way()
    {
        await using var slow = await NetworkServerStandIn.StartAsync();
        slow.Hangs = true;
        for (var n = 2; n <= 9; n++) await town.DeviceAsync($"pegel-{n}");
        await town.PutWayAsync("langsam", "tts", slow.Url, devices: null);
        for (var n = 2; n <= 9; n++) await town.QueueAsync(device: $"pegel-{n}");
        await Eventually.TrueAsync(() => Task.FromResult(!slow.Got.IsEmpty), "one that hangs");
        await town.PutWayAsync("flink", "tts", server.Url);
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        await elsewhere.PutWayAsync("ttn", "tts", server.Url);

        var since = Stopwatch.StartNew();
        await elsewhere.InStateAsync(await elsewhere.QueueAsync(), "sent");
        await town.InStateAsync(await town.QueueAsync(), "sent");
        Assert.That(since.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)), "the time-out of the one that hangs");
        Assert.That(slow.Got, Has.Count.LessThanOrEqualTo(4));
        var path = (await town.GetAsync("devices/pegel-2/downlinks", town.Admin)).Json.GetProperty("items")[0].GetProperty("id").GetString();
        var late = await town.InStateAsync($"devices/pegel-2/downlinks/{path}", "queued");
        Assert.That(late.GetProperty("reason").GetString(), Is.EqualTo("no answer within 5 s"));
    }
}
