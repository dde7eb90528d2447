using System.Diagnostics;
using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>Sessions that outlast their connection outlast the process as well, killed or stopped.</summary>
[TestFixture]
public class When_the_MQTT_server_restarts
{
    const string Path = "Datastreams('pegel-1.distance')/Observations";

    Service service = null!;
    Neighbours neighbours = null!;
    ServerProcess server = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start()
    {
        neighbours = await Neighbours.StartAsync();
        service = await Service.StartAsync(neighbours: neighbours);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        await neighbours.DisposeAsync();
    }

    [SetUp]
    public async Task Register()
    {
        foreach (var before in neighbours.Municipalities.Keys) neighbours.Municipalities.TryRemove(before, out _);
        town = await service.TownAsync();
        device = await town.DeviceAsync();
        server = await ServerProcess.StartAsync(service, Settings);
    }

    [TearDown]
    public async Task End() => await server.DisposeAsync();

    static readonly (string, string)[] Settings =
    [
        ("Ingestion:Downlinks:SweptEvery", "00:00:00.200"), ("Ingestion:Downlinks:LookedForEvery", "00:00:00.200"), ("Ingestion:Mqtt:SessionsWrittenEvery", "00:00:00.200"),
        // The machine of the tests is busy, its disk above all.
        ("Ingestion:Mqtt:SessionsWrittenWithin", "00:00:30"),
    ];

    string Up => $"{town.Id}/devices/pegel-1/up";

    string Down => $"{town.Id}/devices/pegel-1/down";

    string Topic => $"{town.Id}/sta/v1.1/{Path}";

    Task<Peer> ConnectAsync(string clientId = "station", bool clean = false, uint expiry = 3600, ProtocolLevel level = ProtocolLevel.V5, string? key = null, WillPacket? will = null, int? port = null) =>
        Peer.ConnectAsync(port ?? server.MqttPort, town.Id, key ?? device.Key, level, clientId, packet => packet with { CleanStart = clean, SessionExpiry = level == ProtocolLevel.V5 ? expiry : 0, Will = will });

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_have_subscriptions_and_what_was_not_acknowledged(string protocol)
    {
        var level = Enum.Parse<ProtocolLevel>(protocol);
        var peer = await ConnectAsync(level: level);
        Assert.That(peer.Connected.SessionPresent, Is.False);
        await peer.SubscribeAsync(Down);
        var path = await town.QueueAsync();
        var first = await peer.MessageAsync(acknowledge: false);
        await town.InStateAsync(path, "sent");

        await server.KillAndStartAsync();

        await using var again = await ConnectAsync(level: level);
        Assert.That(again.Connected.SessionPresent);
        var second = await again.MessageAsync();
        Assert.That((second.Payload, second.Topic, second.Qos), Is.EqualTo((first.Payload, first.Topic, 1)));
        await town.InStateAsync(path, "acknowledged");
        var next = await town.QueueAsync("""{"fPort":9,"bytes":"09"}""");
        Assert.That((await again.MessageAsync()).Payload, Does.Contain("\"fPort\":9"), "by the subscription that is still there");
        await town.InStateAsync(next, "acknowledged");
        await again.NothingCameAsync();
    }

    [Test]
    public async Task Should_not_have_what_was_unsubscribed_or_begun_anew()
    {
        var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down);
        await peer.SubscribeAsync(Up);
        await peer.SendAsync(buffer => new UnsubscribePacket(5, [Up]).Encode(buffer, ProtocolLevel.V5));
        Assert.That((await peer.ReceiveAsync()).First, Is.EqualTo(0xB0), "UNSUBACK");
        await server.KillAndStartAsync();
        peer = await ConnectAsync();
        Assert.That(peer.Connected.SessionPresent);
        Assert.That(await peer.PublishedAsync(Up, """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));
        await peer.NothingCameAsync();

        await (await ConnectAsync(clean: true)).DisconnectAsync();
        await server.KillAndStartAsync();
        peer = await ConnectAsync();
        Assert.That(peer.Connected.SessionPresent, Is.False, "a clean start was the end of it");
        await peer.DisposeAsync();
    }

    [Test]
    public async Task Should_know_what_was_begun_with_QoS_2()
    {
        const string body = """{"bytes":"2a"}""";
        var peer = await ConnectAsync();
        await peer.PublishAsync(Up, body, qos: 2, id: 7);
        Assert.That((await peer.AckAsync(PacketType.PubRec)).Code, Is.EqualTo(ReasonCode.Success));
        await peer.PublishAsync(Up, """{"bytes":"2b"}""", qos: 2, id: 8);
        Assert.That((await peer.AckAsync(PacketType.PubRec)).Code, Is.EqualTo(ReasonCode.Success));

        await server.KillAndStartAsync();

        // The client did not get the PUBREC of 7, and got that of 8.
        peer = await ConnectAsync();
        Assert.That(peer.Connected.SessionPresent);
        await peer.PublishAsync(Up, body, qos: 2, id: 7, dup: true);
        Assert.That((await peer.AckAsync(PacketType.PubRec)).Code, Is.EqualTo(ReasonCode.Success));
        foreach (var id in new ushort[] { 7, 8 })
        {
            await peer.AnswerAsync(PacketType.PubRel, id);
            Assert.That((await peer.AckAsync(PacketType.PubComp)).Code, Is.EqualTo(ReasonCode.Success), $"{id}");
        }
        await peer.PublishAsync(Up, body, qos: 2, id: 7);
        Assert.That((await peer.AckAsync(PacketType.PubRec)).Code, Is.EqualTo(ReasonCode.Success));
        var uplinks = await town.UplinksAsync(3);
        Assert.That(uplinks.Select(uplink => (uplink.Id, Convert.ToHexString(uplink.Bytes!))).Distinct().Select(uplink => uplink.Item2), Is.EquivalentTo(new[] { "2A", "2B", "2A" }),
            "two messages, and later a new one; a repetition has the id that it had");
        await peer.DisposeAsync();
    }

    [Test]
    public async Task Should_deliver_QoS_2_once_whenever_it_is_killed()
    {
        var peer = await ConnectAsync();
        Assert.That(await peer.SubscribeAsync(Topic, 2), Is.EqualTo(ReasonCode.GrantedQos2));
        neighbours.Feed.Send(town.Id, Path, "1");
        var first = await peer.MessageAsync();
        Assert.That((first.Payload, first.Qos, first.Dup), Is.EqualTo(("1", 2, false)));

        await server.KillAsync();
        neighbours.Feed.Send(town.Id, Path, "2");
        await server.StartAsync();

        peer = await ConnectAsync();
        var repeated = await peer.MessageAsync();
        Assert.That((repeated.Payload, repeated.PacketId, repeated.Dup), Is.EqualTo(("1", first.PacketId, true)), "the same message, and the client can tell");
        await peer.AnswerAsync(PacketType.PubRec, first.PacketId);
        var (released, second) = (false, (Received?)null);
        while (!released || second is null)
        {
            var (head, packet) = await peer.ReceiveAsync();
            if ((PacketType)(head >> 4) == PacketType.PubRel) released = true;
            else second = Received.Of(head, packet, ProtocolLevel.V5);
        }
        Assert.That(second.Payload, Is.EqualTo("2"), "what came while there was no server");
        await peer.AnswerAsync(PacketType.PubRec, second.PacketId);
        Assert.That((await peer.AckAsync(PacketType.PubRel)).PacketId, Is.EqualTo(second.PacketId));

        await server.KillAndStartAsync();

        peer = await ConnectAsync();
        foreach (var id in new[] { first.PacketId, second.PacketId })
        {
            Assert.That((await peer.AckAsync(PacketType.PubRel)).PacketId, Is.EqualTo(id), "no message again, only the release");
            await peer.AnswerAsync(PacketType.PubComp, id);
        }
        neighbours.Feed.Send(town.Id, Path, "3");
        Assert.That((await peer.MessageAsync()).Payload, Is.EqualTo("3"));
        await peer.DisposeAsync();
    }

    /// <summary>A client that does what MQTT asks of it, and a server that is killed again and again at whatever moment.</summary>
    [Test]
    public async Task Should_take_each_message_of_QoS_2_once_whenever_it_is_killed()
    {
        const int messages = 400, kills = 3;
        var isDone = false;
        var killing = Task.Run(async () =>
        {
            for (var n = 0; n < kills; n++)
            {
                await Task.Delay(300 + 211 * n);
                await server.KillAndStartAsync();
            }
            isDone = true;
        });
        Peer? peer = null;
        var sent = 0;
        for (; sent < messages || !Volatile.Read(ref isDone); sent++)
        {
            var (isSent, isReceived) = (false, false);
            while (true)
                try
                {
                    if (peer is null)
                    {
                        peer = await ConnectAsync();
                        Assert.That(peer.Connected.SessionPresent || sent == 0);
                    }
                    if (!isReceived)
                    {
                        await peer.PublishAsync(Up, $$"""{"bytes":"{{sent:x8}}"}""", qos: 2, id: 5, dup: isSent);
                        isSent = true;
                        Assert.That((await peer.AckAsync(PacketType.PubRec)).Code, Is.EqualTo(ReasonCode.Success));
                        isReceived = true;
                    }
                    await peer.AnswerAsync(PacketType.PubRel, 5);
                    await peer.AckAsync(PacketType.PubComp);
                    break;
                }
                catch (Exception fault) when (fault is AssertionException or System.Net.Sockets.SocketException or IOException)
                {
                    if (peer is not null) await peer.DisposeAsync();
                    peer = null;
                    await Task.Delay(50);
                }
        }
        await killing;
        await peer!.DisposeAsync();
        // Each message has bytes of its own; taken again it must have the id that it had.
        var uplinks = (await town.UplinksAsync(sent)).Select(uplink => (uplink.Id, Convert.ToHexString(uplink.Bytes!))).Distinct().ToList();
        Assert.That(uplinks.Select(uplink => uplink.Item2), Is.EquivalentTo(Enumerable.Range(0, sent).Select(n => $"{n:X8}")));
    }

    [Test]
    public async Task Should_go_on_with_a_feed_where_it_stood()
    {
        var peer = await ConnectAsync();
        await peer.SubscribeAsync(Topic);
        neighbours.Feed.Send(town.Id, Path, "1");
        Assert.That((await peer.MessageAsync()).Payload, Is.EqualTo("1"));
        await peer.DisconnectAsync();
        neighbours.Feed.Send(town.Id, Path, "2");
        await Task.Delay(1000);
        await server.StopAsync();
        neighbours.Feed.Send(town.Id, Path, "3");
        await server.StartAsync();
        await server.KillAndStartAsync();
        neighbours.Feed.Send(town.Id, Path, "4");

        await using var again = await ConnectAsync();
        Assert.That(again.Connected.SessionPresent);
        foreach (var expected in new[] { "2", "3", "4" }) Assert.That((await again.MessageAsync()).Payload, Is.EqualTo(expected));
        // The same filter once more is no second feed.
        await again.SubscribeAsync(Topic);
        neighbours.Feed.Send(town.Id, Path, "5");
        Assert.That((await again.MessageAsync()).Payload, Is.EqualTo("5"));
        await again.NothingCameAsync();
    }

    [Test]
    public async Task Should_give_a_group_each_message_once()
    {
        var filter = $"$share/g/{Topic}";
        var (one, two) = (await ConnectAsync("eins"), await ConnectAsync("zwei"));
        await one.SubscribeAsync(filter);
        await two.SubscribeAsync(filter);
        for (var n = 0; n < 4; n++) neighbours.Feed.Send(town.Id, Path, $"{n}");
        var before = new List<string>();
        foreach (var peer in new[] { one, two, one, two }) before.Add((await peer.MessageAsync()).Payload);
        Assert.That(before, Is.EquivalentTo(new[] { "0", "1", "2", "3" }));
        await Task.Delay(2000);

        await server.KillAsync();
        neighbours.Feed.Send(town.Id, Path, "10");
        neighbours.Feed.Send(town.Id, Path, "11");
        await server.StartAsync();
        (one, two) = (await ConnectAsync("eins"), await ConnectAsync("zwei"));
        await using var three = await ConnectAsync("drei", clean: true);
        await three.SubscribeAsync(filter);
        neighbours.Feed.Send(town.Id, Path, "12");

        var got = new List<string>();
        var readers = new[] { one, two, three }.Select(peer => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var message = await peer.MessageAsync();
                    lock (got) got.Add(message.Payload);
                }
            }
            catch (Exception fault) when (fault is AssertionException or ObjectDisposedException)
            {
                // Hung up on.
            }
        })).ToList();
        await Eventually.TrueAsync(() =>
        {
            lock (got) return Task.FromResult(got.Count >= 3);
        }, "three messages");
        await Task.Delay(500);
        lock (got) Assert.That(got, Is.EquivalentTo(new[] { "10", "11", "12" }));
        foreach (var peer in new[] { one, two, three }) peer.Break();
        await Task.WhenAll(readers);
    }

    [Test]
    public async Task Should_end_a_session_when_its_time_is_over_all_the_same()
    {
        var brief = await ConnectAsync("kurz", expiry: 2);
        await brief.SubscribeAsync(Down);
        var lasting = await ConnectAsync("lang");
        await lasting.SubscribeAsync(Down);
        await brief.DisconnectAsync();
        await lasting.DisconnectAsync();
        await Task.Delay(2000);
        await server.KillAsync();
        await Task.Delay(2000);
        await server.StartAsync();
        await using var late = await ConnectAsync("kurz", expiry: 2);
        await using var back = await ConnectAsync("lang");
        Assert.That((late.Connected.SessionPresent, back.Connected.SessionPresent), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Should_publish_a_will_that_waited_unless_its_client_is_back()
    {
        WillPacket Will(string bytes, uint delay) => new(Up, Encoding.UTF8.GetBytes($$"""{"bytes":"{{bytes}}"}"""), 1, false, delay, null, []);
        var gone = await ConnectAsync("weg", will: Will("0d", 2));
        var back = await ConnectAsync("da", will: Will("0e", 8));
        var connected = await ConnectAsync("verbunden", will: Will("0f", 2));
        var broken = Stopwatch.StartNew();
        gone.Break();
        back.Break();
        await Task.Delay(600);
        await server.KillAndStartAsync();
        await using var again = await ConnectAsync("da");
        Assert.That(again.Connected.SessionPresent);
        await Eventually.TrueAsync(async () => (await town.UplinksAsync(0)).Count >= 2, "both wills");
        await Eventually.TrueAsync(() => Task.FromResult(broken.Elapsed > TimeSpan.FromSeconds(10)), "the time at which the will would have been due");
        Assert.That((await town.UplinksAsync(2)).Select(uplink => Convert.ToHexString(uplink.Bytes!)), Is.EquivalentTo(new[] { "0D", "0F" }), "also of who was connected and did not come back");
        await connected.DisposeAsync();
    }

    [Test]
    public async Task Should_have_what_is_retained()
    {
        await town.DeviceAsync("pegel-2");
        await using (var sender = await ConnectAsync(key: town.Key))
        {
            Assert.That(await sender.PublishedAsync(Up, """{"bytes":"01"}""", retain: true), Is.EqualTo(ReasonCode.Success));
            Assert.That(await sender.PublishedAsync(Up, """{"bytes":"02"}""", retain: true), Is.EqualTo(ReasonCode.Success));
        }
        await server.KillAndStartAsync();
        await using (var peer = await ConnectAsync("a", clean: true))
        {
            await peer.SubscribeAsync(Up);
            var message = await peer.MessageAsync();
            Assert.That((message.Payload, message.Retain), Is.EqualTo(("""{"bytes":"02"}""", true)));
        }
        await using (var sender = await ConnectAsync(key: town.Key)) Assert.That(await sender.PublishedAsync(Up, "", retain: true), Is.EqualTo(ReasonCode.Success));
        await server.KillAndStartAsync();
        await using (var peer = await ConnectAsync("a", clean: true))
        {
            await peer.SubscribeAsync(Up);
            await peer.NothingCameAsync();
        }
    }

    [Test]
    public async Task Should_be_told_by_one_process_and_taken_over_by_another_when_that_ends()
    {
        var peer = await ConnectAsync();
        await peer.SubscribeAsync(Topic);
        // So long a client waits there, in vain, for the session that the first has.
        await using var second = await ServerProcess.StartAsync(service, [.. Settings, ("Ingestion:Mqtt:SessionsWrittenWithin", "00:00:10")]);
        await using (var elsewhere = await ConnectAsync(port: second.MqttPort)) Assert.That(elsewhere.Connected.SessionPresent, Is.False, "each has its own while both live");
        await Eventually.TrueAsync(async () =>
        {
            await using var gone = await ConnectAsync(clean: true, port: second.MqttPort, expiry: 0);
            return !gone.Connected.SessionPresent;
        }, "the session there is over");

        await server.KillAsync();
        neighbours.Feed.Send(town.Id, Path, "1");

        await using var over = await ConnectAsync(port: second.MqttPort);
        Assert.That(over.Connected.SessionPresent);
        Assert.That((await over.MessageAsync()).Payload, Is.EqualTo("1"));
        await peer.DisposeAsync();
    }

    [TestCase("mqttv311")]
    [TestCase("mqttv5")]
    public async Task Should_serve_mosquittos_client_that_wants_to_be_remembered(string protocol)
    {
        string[] expiry = protocol == "mqttv5" ? ["-x", "3600"] : [];
        string[] who = ["mosquitto_sub", "-h", "127.0.0.1", "-p", $"{server.MqttPort}", "-u", town.Id, "-P", device.Key, "-V", protocol, "-q", "1", "-t", Down, "-c", "-i", "mosquitto", .. expiry];
        using (var subscribing = Process.Start(new ProcessStartInfo(who[0], [.. who[1..], "-E"]) { RedirectStandardOutput = true })!) await subscribing.WaitForExitAsync();
        await server.KillAndStartAsync();
        using var subscriber = Process.Start(new ProcessStartInfo(who[0], [.. who[1..], "-W", "60"]) { RedirectStandardOutput = true })!;
        var path = await town.QueueAsync("""{"fPort":4,"bytes":"04"}""");
        Assert.That(await subscriber.StandardOutput.ReadLineAsync(), Does.Contain("\"fPort\":4"));
        await town.InStateAsync(path, "acknowledged");
        await server.KillAndStartAsync();
        await town.QueueAsync("""{"fPort":5,"bytes":"05"}""");
        // What it acknowledged in the second before the kill may come again, as QoS 1 has it.
        string? line;
        do line = await subscriber.StandardOutput.ReadLineAsync();
        while (line?.Contains("\"fPort\":4", StringComparison.Ordinal) is true);
        Assert.That(line, Does.Contain("\"fPort\":5"), "mosquitto came back by itself");
        subscriber.Kill();
        await subscriber.WaitForExitAsync();
    }
}

/// <summary>Engines of its own, of which one is killed.</summary>
[TestFixture]
public class When_sessions_cannot_be_written
{
    [Test]
    public async Task Should_go_on_in_memory_and_be_written_when_the_database_is_back()
    {
        await using var engines = await TestEngines.StartAsync();
        var neighbours = await Neighbours.StartAsync();
        await using var service = await Service.StartAsync(engines, neighbours);
        var town = await service.TownAsync();
        var device = await town.DeviceAsync();
        await using var server = await ServerProcess.StartAsync(service, ("Ingestion:Mqtt:SessionsWrittenEvery", "00:00:00.200"));
        Task<Peer> ConnectAsync() => Peer.ConnectAsync(server.MqttPort, town.Id, device.Key, clientId: "station", with: packet => packet with { CleanStart = false, SessionExpiry = 3600 });
        var peer = await ConnectAsync();
        await peer.SubscribeAsync($"{town.Id}/devices/pegel-1/down");
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));

        await engines.Postgres.Process.KillAsync(restart: false);
        var began = Stopwatch.StartNew();
        Assert.That(await peer.SubscribeAsync($"{town.Id}/devices/pegel-1/up"), Is.EqualTo(ReasonCode.GrantedQos1));
        await peer.PublishAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"02"}""", qos: 2, id: 3);
        var answers = new List<PacketType>();
        for (var n = 0; n < 2; n++)
        {
            var (first, body) = await peer.ReceiveAsync();
            answers.Add((PacketType)(first >> 4));
            if (answers[^1] == PacketType.Publish) await peer.AnswerAsync(PacketType.PubAck, Received.Of(first, body, ProtocolLevel.V5).PacketId);
        }
        Assert.That(answers, Is.EquivalentTo(new[] { PacketType.Publish, PacketType.PubRec }));
        Assert.That(began.Elapsed, Is.LessThan(TimeSpan.FromSeconds(8)), "nobody waits for it");
        peer.Break();
        peer = await ConnectAsync();
        Assert.That(peer.Connected.SessionPresent);

        await engines.Postgres.Process.StartAsync();
        await engines.Postgres.Process.WhenReadyAsync();
        await Task.Delay(2500);
        await server.KillAndStartAsync();
        peer = await ConnectAsync();
        Assert.That(peer.Connected.SessionPresent);
        await peer.PublishAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"04"}""", id: 9);
        var heads = new[] { (await peer.ReceiveAsync()).First, (await peer.ReceiveAsync()).First };
        Assert.That(heads.Select(head => (PacketType)(head >> 4)), Is.EquivalentTo(new[] { PacketType.Publish, PacketType.PubAck }), "by the subscription that was made meanwhile");
        await peer.DisposeAsync();
        await neighbours.DisposeAsync();
    }
}
