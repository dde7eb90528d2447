using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Downlinks;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Log;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>Commands of SensorThings' Tasks: each becomes one downlink, however often and late it comes, or fails with a reason; all that becomes of it is told.</summary>
[TestFixture]
public class When_a_Task_commands_a_device
{
    static int count;
    TestEngines engines = null!;
    Service service = null!;
    NetworkServerStandIn server = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        engines = await TestEngines.StartAsync();
        service = await DownlinkSurroundings.ServiceAsync(engines);
        service.Neighbours.Encodes = (codec, call) => codec != "gauge-codec" ? (404, "{}")
            : call.GetProperty("data").TryGetProperty("open", out var open) ? (200, $$"""{"fPort":3,"bytes":[{{(open.GetBoolean() ? 1 : 0)}}],"warnings":[],"errors":[]}""")
            : (200, """{"errors":["open is missing"]}""");
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        await engines.DisposeAsync();
    }

    [SetUp]
    public async Task Register()
    {
        service.Neighbours.StreamsAnswers = true;
        server = await NetworkServerStandIn.StartAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    [TearDown]
    public async Task StopServer() => await server.DisposeAsync();

    /// <summary>A command. Ids fall, as those of two instances may whose clocks differ: the order is that of the topic.</summary>
    static DeviceCommand Command(string data = """{"open":true}""", DownlinkSettings? downlink = null, string device = "pegel-1", DateTimeOffset? at = null) =>
        new(Guid.CreateVersion7(DateTimeOffset.UtcNow.AddMilliseconds(-Interlocked.Increment(ref count))), DeviceCommand.Send, device, "57", at ?? DateTimeOffset.UtcNow, "musterstadt-developer", JsonElement.Parse(data), downlink);

    static DeviceCommand Cancelling(DeviceCommand command) => command with { Kind = DeviceCommand.Cancel, Data = null, Downlink = null };

    Task AppendAsync(DeviceCommand command) => AppendAsync(command.Device, JsonSerializer.SerializeToUtf8Bytes(command, ContractsJson.Default.DeviceCommand));

    Task AppendAsync(string key, byte[] payload) => service.Get<ILog>().AppendAsync(town.Id, Topics.Commands, key, payload, CancellationToken.None);

    static string PathOf(DeviceCommand command) => $"devices/{command.Device}/downlinks/{command.Id:N}";

    async Task<JsonElement> InStateAsync(DeviceCommand command, params string[] states)
    {
        await Eventually.TrueAsync(async () => (await town.GetAsync(PathOf(command), town.Admin)).Status == 200, "the downlink");
        return await town.InStateAsync(PathOf(command), states);
    }

    /// <summary>What was told of a command, in its order, once the last is <paramref name="last"/>.</summary>
    async Task<List<TaskChanged>> ToldAsync(DeviceCommand command, string last)
    {
        List<TaskChanged> told = [];
        await Eventually.TrueAsync(async () =>
        {
            var events = (await town.EventsAsync()).Where(one => one.Type == EventTypes.TaskChanged);
            told = [.. events.Select(one => one.DataAs(ContractsJson.Default.TaskChanged)).Where(change => change.Command == command.Id).OrderBy(change => change.Place)];
            return told.Count > 0 && told[^1].State == last;
        }, $"{last} is told");
        return told;
    }

    async Task<int> DownlinksAsync(string device = "pegel-1") => (await town.GetAsync($"devices/{device}/downlinks", town.Admin)).Json.GetProperty("items").GetArrayLength();

    [Test]
    public async Task Should_become_a_downlink_that_tells_what_becomes_of_it()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var command = Command(downlink: new DownlinkSettings(Confirmed: true, Priority: "high", ValidFor: 600));
        await AppendAsync(command);
        var sent = await InStateAsync(command, "sent");
        Assert.That((sent.GetProperty("by").GetString(), sent.GetProperty("task").GetString(), sent.GetProperty("fPort").GetInt32(), sent.GetProperty("bytes").GetString(), sent.GetProperty("priority").GetString()),
            Is.EqualTo(("musterstadt-developer", "57", 3, "01", "high")));
        Assert.That((sent.GetProperty("confirmed").GetBoolean(), sent.GetProperty("data").GetRawText()), Is.EqualTo((true, """{"open":true}""")));
        Assert.That(sent.GetProperty("expiresAt").GetDateTimeOffset(), Is.EqualTo(command.At.AddSeconds(600)).Within(TimeSpan.FromMilliseconds(1)));
        var body = JsonElement.Parse(server.Got.Single().Body).GetProperty("downlinks")[0];
        Assert.That(body.GetProperty("correlation_ids")[0].GetString(), Is.EqualTo($"allmende:{command.Id:N}"));

        Assert.That((await ToldAsync(command, "sent")).Select(change => change.State), Is.EqualTo(new[] { "queued", "sending", "sent" }));
        var ack = $$$"""{"session_key_id":"AWnj0318qrtJ7kbudd8Vmw==","f_port":3,"f_cnt":11,"frm_payload":"AQ==","confirmed":true,"correlation_ids":["allmende:{{{command.Id:N}}}"]}""";
        var devEui = (await town.GetAsync("devices/pegel-1", town.Admin)).Text("devEui");
        Assert.That((await town.UplinkAsync("tts", Events.TheThingsStack(devEui, "downlink_ack", ack))).Status, Is.EqualTo(204));
        var told = await ToldAsync(command, "acknowledged");
        Assert.That((told.Count, told[^1].Since), Is.EqualTo((4, (await town.GetAsync(PathOf(command), town.Admin)).Json.GetProperty("stateSince").GetDateTimeOffset())));
    }

    [Test]
    public async Task Should_become_one_downlink_however_often_it_comes()
    {
        var (first, second) = (Command(), Command("""{"open":false}"""));
        foreach (var command in new[] { first, second, first, second, first }) await AppendAsync(command);
        await InStateAsync(second, "queued");
        // As after a kill between the commit and the mark, and as two processes for a moment after a partition has moved.
        var batch = new LogBatch(town.Id, Topics.Commands, 0, [.. new[] { first, second }.Select((command, i) =>
            new LogRecord(new LogPosition(0, i, 0), command.Device, JsonSerializer.SerializeToUtf8Bytes(command, ContractsJson.Default.DeviceCommand), null))]);
        var third = Command();
        var racing = batch with { Records = [.. batch.Records, new LogRecord(new LogPosition(0, 2, 0), third.Device, JsonSerializer.SerializeToUtf8Bytes(third, ContractsJson.Default.DeviceCommand), null)] };
        await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => service.Get<TakeCommands>().HandleAsync(racing, CancellationToken.None)));
        Assert.That(await DownlinksAsync(), Is.EqualTo(3));
        Assert.That((await ToldAsync(third, "queued")), Has.Count.EqualTo(1));
        Assert.That((await town.GetAsync(PathOf(first), town.Admin)).Json.States(), Is.EqualTo(new[] { "queued" }));
    }

    [Test]
    public async Task Should_go_to_the_device_in_the_order_in_which_it_was_told()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var commands = Enumerable.Range(0, 5).Select(i => Command($$"""{"open":{{(i % 2 == 0 ? "true" : "false")}}}""")).ToList();
        foreach (var command in commands) await AppendAsync(command);
        await InStateAsync(commands[^1], "sent");
        Assert.That(server.Got.Select(one => JsonElement.Parse(one.Body).GetProperty("downlinks")[0].GetProperty("correlation_ids")[0].GetString()), Is.EqualTo(commands.Select(command => $"allmende:{command.Id:N}")));
    }

    [Test]
    public async Task Should_not_be_sent_when_it_has_expired_on_its_way()
    {
        var late = Command(downlink: new DownlinkSettings(ValidFor: 60), at: DateTimeOffset.UtcNow.AddSeconds(-61));
        var longAgo = Command(at: DateTimeOffset.UtcNow.AddDays(-2));
        var inTime = Command(downlink: new DownlinkSettings(ValidFor: 7200), at: DateTimeOffset.UtcNow.AddHours(-1));
        foreach (var command in new[] { late, longAgo, inTime }) await AppendAsync(command);
        await InStateAsync(inTime, "queued");
        foreach (var command in new[] { late, longAgo })
            Assert.That((await ToldAsync(command, "expired")).Select(change => change.Reason), Is.EqualTo(new[] { "it came too late to be sent" }));
        Assert.That(await DownlinksAsync(), Is.EqualTo(1));
    }

    [Test]
    public async Task Should_fail_with_a_reason_where_nothing_can_be_sent()
    {
        await town.DeviceAsync("pegel-2");
        Assert.That((await town.PostAsync("devices/pegel-2/state", """{"state":"retired"}""", town.Admin)).Status, Is.AnyOf(200, 204));
        var tooLong = Command(downlink: new DownlinkSettings(ValidFor: 40 * 86400));
        foreach (var (command, reason) in new[]
        {
            (Command("""{"close":true}"""), "data cannot be encoded: open is missing"), (Command(device: "nirgends"), "nirgends"), (Command(device: "a/b"), "a/b"), (Command(device: "pegel-2"), "retired"),
            (tooLong, "expiresAt must be at most 30 days ahead"),
        })
        {
            await AppendAsync(command);
            await AppendAsync(command);
            var told = await ToldAsync(command, "failed");
            Assert.That((told.Count, told[0].Reason), Is.EqualTo((1, told[0].Reason)));
            Assert.That(told[0].Reason, Does.Contain(reason));
        }
        Assert.That(await DownlinksAsync(), Is.Zero);
    }

    [Test]
    public async Task Should_fail_where_as_many_wait_as_may()
    {
        var most = service.Get<DownlinkOptions>().MostWaiting;
        for (var i = 0; i < most; i++) await AppendAsync(Command());
        var full = Command();
        await AppendAsync(full);
        Assert.That((await ToldAsync(full, "failed"))[0].Reason, Is.EqualTo($"{most} downlinks wait for the device already"));
        Assert.That(await DownlinksAsync(), Is.EqualTo(most));
    }

    [Test]
    public async Task Should_be_cancelled_while_it_waits()
    {
        var (waiting, never) = (Command(), Command());
        await AppendAsync(waiting);
        await InStateAsync(waiting, "queued");
        await AppendAsync(Cancelling(waiting) with { By = "musterstadt-admin" });
        var cancelled = await InStateAsync(waiting, "cancelled");
        Assert.That(cancelled.GetProperty("history")[1].GetProperty("by").GetString(), Is.EqualTo("musterstadt-admin"));
        await ToldAsync(waiting, "cancelled");
        // The end of it came first: nothing is made of the command then.
        await AppendAsync(Cancelling(never));
        await AppendAsync(never);
        await AppendAsync(Command());
        await Eventually.TrueAsync(async () => await DownlinksAsync() == 2, "the next one");
        Assert.That((await town.GetAsync(PathOf(never), town.Admin)).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Should_stay_sent_when_it_is_cancelled_afterwards()
    {
        await town.PutWayAsync("ttn", "tts", server.Url);
        var (sent, next) = (Command(), Command());
        await AppendAsync(sent);
        await InStateAsync(sent, "sent");
        await AppendAsync(Cancelling(sent));
        await AppendAsync(next);
        await InStateAsync(next, "sent");
        Assert.That((await town.GetAsync(PathOf(sent), town.Admin)).Text("state"), Is.EqualTo("sent"));
    }

    [Test]
    public async Task Should_wait_for_a_codec_that_cannot_be_asked_right_now()
    {
        service.Neighbours.StreamsAnswers = false;
        var (first, second) = (Command(), Command());
        await AppendAsync(first);
        await AppendAsync(second);
        await Task.Delay(1500);
        Assert.That(await DownlinksAsync(), Is.Zero);
        service.Neighbours.StreamsAnswers = true;
        await InStateAsync(second, "queued");
        Assert.That((await town.GetAsync(PathOf(first), town.Admin)).Text("state"), Is.EqualTo("queued"));
    }

    [TestCase("rubbish")]
    [TestCase("{}")]
    [TestCase("""{"id":"0199d2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f","kind":"send","device":"pegel-1","task":"1","at":"2026-11-20T10:00:00Z","by":"x","data":[]}""")]
    [TestCase("""{"id":"0199d2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f","kind":"explode","device":"pegel-1","task":"1","at":"2026-11-20T10:00:00Z","by":"x","data":{}}""")]
    public async Task Should_not_hold_up_others_when_it_is_none(string payload)
    {
        var command = Command();
        await AppendAsync("pegel-1", System.Text.Encoding.UTF8.GetBytes(payload));
        await AppendAsync(command);
        await InStateAsync(command, "queued");
        var letter = JsonSerializer.Deserialize((await service.ReadAsync(town.Id, Topics.DeadLetters, 1)).Single(), ContractsJson.Default.DeadLetter)!;
        Assert.That((letter.Topic, letter.Type), Is.EqualTo((Topics.Commands, "unreadable_record")));
    }

    [Test]
    public async Task Should_tell_what_devices_of_a_profile_can_be_told()
    {
        var task = new ProfileTask("valve", "Ventil", [new TaskParameter("open", "Boolean")]);
        service.Neighbours.Add(town.Id, new DeviceProfile("valve", "Ventil", "gauge-codec", [new("open", "Offen", "valve_open")], Tasks: [task]));
        await town.DeviceAsync("ventil-1", "valve");
        await Eventually.TrueAsync(async () =>
        {
            var registered = (await town.EventsAsync()).FirstOrDefault(one => one is { Type: EventTypes.DeviceRegistered, Subject: "ventil-1" });
            return registered?.DataAs(ContractsJson.Default.DeviceRegistered).Tasks is [{ Id: "valve", Parameters: [{ Name: "open" }] }];
        }, "the device with its tasks");
    }
}
