using System.Text;
using Allmende.Ingestion.Mqtt;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>Topics of devices: <c>down</c>, which the platform publishes, and <c>up</c>, which a device may read itself.</summary>
[TestFixture]
public class When_somebody_subscribes
{
    const string Body = """{"bytes":"01ff"}""";

    Service service = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        device = await town.DeviceAsync();
    }

    string Up => $"{town.Id}/devices/pegel-1/up";

    string Down => $"{town.Id}/devices/pegel-1/down";

    Task<Peer> ConnectAsync(string? credential = null, string level = "V5", string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null) =>
        Peer.ConnectAsync(service.MqttPort, town.Id, credential ?? device.Key, Enum.Parse<ProtocolLevel>(level), clientId, with);

    /// <summary>As a downlink will be published.</summary>
    void Send(string payload, string device = "pegel-1", int qos = 2, bool retain = false, long expiresAt = long.MaxValue, Service? at = null, string? of = null)
    {
        var topic = MqttTopic.OfDevice(TopicKind.Downlink, of ?? town.Id, device);
        (at ?? service).Get<MqttBroker>().Publish(topic, new MqttMessage { Topic = topic.Utf8, Payload = Encoding.UTF8.GetBytes(payload), Qos = qos, Retain = retain, ExpiresAt = expiresAt });
    }

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_get_messages_at_the_lower_QoS_in_their_order(string level)
    {
        await using var peer = await ConnectAsync(level: level);
        for (var qos = 0; qos <= 2; qos++)
        {
            Assert.That(await peer.SubscribeAsync(Down, qos), Is.EqualTo((ReasonCode)qos));
            Send("1");
            Send("2", qos: 1);
            var (first, second) = (await peer.MessageAsync(), await peer.MessageAsync());
            Assert.That((first.Topic, first.Payload, first.Qos), Is.EqualTo((Down, "1", qos)));
            Assert.That((second.Payload, second.Qos), Is.EqualTo(("2", Math.Min(1, qos))));
            if (qos < 2) continue;
            await peer.AnswerAsync(PacketType.PubRec, first.PacketId);
            Assert.That((await peer.AckAsync(PacketType.PubRel)).PacketId, Is.EqualTo(first.PacketId));
            await peer.AnswerAsync(PacketType.PubComp, first.PacketId);
        }
        await peer.NothingCameAsync();
    }

    [Test]
    public async Task Should_be_granted_what_could_be_named_one_by_one_and_no_more()
    {
        await town.DeviceAsync("pegel-2");
        var elsewhere = await service.TownAsync();
        await elsewhere.DeviceAsync();
        await using var own = await ConnectAsync();
        await using var all = await ConnectAsync(town.Key);
        await using var analyst = await ConnectAsync(town.Analyst);
        await using var anonymous = await Peer.ConnectAsync(service.MqttPort, null, null);
        var nobody = new[] { own, all, analyst, anonymous };
        foreach (var filter in new[]
        {
            "#", "+/#", "+/devices/pegel-1/down", "+/devices/+/down", $"{elsewhere.Id}/devices/pegel-1/down", $"{elsewhere.Id}/devices/+/down", "nirgendwo/devices/pegel-1/down",
            $"{town.Id}/#", $"{town.Id}/+/pegel-1/down", $"{town.Id}", "$SYS/#", $"$share/g/+/devices/pegel-1/down",
        })
            foreach (var peer in nobody) Assert.That(await peer.SubscribeAsync(filter), Is.EqualTo(ReasonCode.NotAuthorized), filter);
        foreach (var (filter, ofDevice, ofKey) in new[]
        {
            (Down, true, true), ($"{town.Id}/devices/pegel-2/down", false, true), ($"{town.Id}/devices/+/down", false, true), ($"{town.Id}/devices/#", false, true),
            (Up, true, false), ($"{town.Id}/devices/pegel-1/#", true, true), ($"$share/g/{Down}", true, true),
        })
        {
            Assert.That(await own.SubscribeAsync(filter), Is.EqualTo(ofDevice ? ReasonCode.GrantedQos1 : ReasonCode.NotAuthorized), filter);
            Assert.That(await all.SubscribeAsync(filter), Is.EqualTo(ofKey ? ReasonCode.GrantedQos1 : ReasonCode.NotAuthorized), filter);
            Assert.That(await analyst.SubscribeAsync(filter), Is.EqualTo(ReasonCode.NotAuthorized), filter);
            Assert.That(await anonymous.SubscribeAsync(filter), Is.EqualTo(ReasonCode.NotAuthorized), filter);
        }
        foreach (var filter in new[] { "", "a#", "a/#/b", "a/b+", "$share/g", "$share//a", "$share/+/a", "a/b/c/d/e/f/g/h/i", new string('a', 3000) })
            Assert.That(await own.SubscribeAsync(filter), Is.EqualTo(ReasonCode.TopicFilterInvalid), filter);
        await using var old = await ConnectAsync(level: "V311");
        Assert.That(await old.SubscribeAsync("#"), Is.EqualTo(ReasonCode.Unspecified));
    }

    [Test]
    public async Task Should_not_read_what_a_device_sent_though_the_filter_matches()
    {
        await using var own = await ConnectAsync();
        await using var all = await ConnectAsync(town.Key);
        Assert.That(await own.SubscribeAsync($"{town.Id}/devices/pegel-1/+"), Is.EqualTo(ReasonCode.GrantedQos1));
        Assert.That(await all.SubscribeAsync($"{town.Id}/devices/#"), Is.EqualTo(ReasonCode.GrantedQos1));
        await using var sender = await ConnectAsync();
        await sender.PublishedAsync(Up, Body);
        Assert.That((await own.MessageAsync()).Payload, Is.EqualTo(Body));
        await all.NothingCameAsync();
        Send("an");
        Assert.That((await all.MessageAsync()).Topic, Is.EqualTo(Down));
    }

    [Test]
    public async Task Should_get_what_it_missed_while_it_was_away()
    {
        Func<ConnectPacket, ConnectPacket> lasting = packet => packet with { CleanStart = false, SessionExpiry = 60 };
        var peer = await ConnectAsync(clientId: "lange", with: lasting);
        await peer.SubscribeAsync(Down, 2);
        Send("unacknowledged", qos: 1);
        var first = await peer.MessageAsync(acknowledge: false);
        Send("half", qos: 2);
        var half = await peer.MessageAsync();
        await peer.AnswerAsync(PacketType.PubRec, half.PacketId);
        await peer.AckAsync(PacketType.PubRel);
        await peer.DisconnectAsync();
        Send("lost", qos: 0);
        Send("expired", qos: 1, expiresAt: Environment.TickCount64);
        Send("kept", qos: 1);

        await using var again = await ConnectAsync(clientId: "lange", with: lasting);
        Assert.That(again.Connected.SessionPresent);
        var repeated = await again.MessageAsync();
        Assert.That((repeated.Payload, repeated.Dup, repeated.PacketId), Is.EqualTo(("unacknowledged", true, first.PacketId)));
        Assert.That((await again.AckAsync(PacketType.PubRel)).PacketId, Is.EqualTo(half.PacketId));
        await again.AnswerAsync(PacketType.PubComp, half.PacketId);
        var kept = await again.MessageAsync();
        Assert.That((kept.Payload, kept.Dup), Is.EqualTo(("kept", false)));
        await again.NothingCameAsync();
    }

    [Test]
    public async Task Should_get_no_more_at_once_than_it_takes()
    {
        await using var peer = await ConnectAsync(with: packet => packet with { ReceiveMaximum = 2, MaximumPacketSize = 200 });
        await peer.SubscribeAsync(Down, 1);
        for (var n = 0; n < 4; n++) Send($"{n}", qos: 1);
        Send(new string('x', 300), qos: 1);
        Send("last", qos: 0);
        var messages = new[] { await peer.MessageAsync(acknowledge: false), await peer.MessageAsync(acknowledge: false) };
        await peer.NothingCameAsync();
        foreach (var message in messages) await peer.AnswerAsync(PacketType.PubAck, message.PacketId);
        Assert.That(new[] { (await peer.MessageAsync()).Payload, (await peer.MessageAsync()).Payload, (await peer.MessageAsync()).Payload }, Is.EqualTo(new[] { "2", "3", "last" }));
    }

    [Test]
    public async Task Should_lose_QoS_0_or_the_session_when_it_is_too_slow()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:Mqtt:MostQueued", "5")]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        var down = $"{there.Id}/devices/pegel-1/down";
        Func<ConnectPacket, ConnectPacket> slowly = packet => packet with { ReceiveMaximum = 1, SessionExpiry = 60, CleanStart = false };
        await using var slow = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key, clientId: "langsam", with: slowly);
        await using var other = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);
        await slow.SubscribeAsync(down);
        await other.SubscribeAsync(down);
        for (var n = 0; n < 6; n++) Send($"{n}", qos: 1, at: own, of: there.Id);
        Send("too much", qos: 0, at: own, of: there.Id);
        var first = await slow.MessageAsync(acknowledge: false);
        await slow.NothingCameAsync();
        Send("far too much", qos: 1, at: own, of: there.Id);

        Assert.That(await slow.ClosedAsync(), Is.EqualTo(ReasonCode.QuotaExceeded));
        await using var again = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key, clientId: "langsam", with: slowly);
        Assert.That((first.Payload, again.Connected.SessionPresent), Is.EqualTo(("0", false)), "it knows that it missed something");
        for (var n = 0; n < 6; n++) Assert.That((await other.MessageAsync()).Payload, Is.EqualTo($"{n}"), "others are not slowed");
    }

    [Test]
    public async Task Should_get_each_message_once_with_all_identifiers()
    {
        await using var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down, 1, identifier: 7);
        await peer.SubscribeAsync($"{town.Id}/devices/pegel-1/+", 2, identifier: 268_435_455);
        Send("x");
        var message = await peer.MessageAsync();
        Assert.That((message.Qos, message.Identifiers.Order()), Is.EqualTo((2, new[] { 7u, 268_435_455u }.Order())).Using<(int, IEnumerable<uint>)>((a, b) => a.Item1 == b.Item1 && a.Item2.SequenceEqual(b.Item2)));
        await peer.NothingCameAsync();
    }

    [Test]
    public async Task Should_share_with_its_group()
    {
        await using var alone = await ConnectAsync(town.Key);
        await using var one = await ConnectAsync(town.Key);
        await using var two = await ConnectAsync(town.Key);
        await alone.SubscribeAsync($"$share/anderer/{town.Id}/devices/+/down");
        await one.SubscribeAsync($"$share/g/{town.Id}/devices/+/down");
        await two.SubscribeAsync($"$share/g/{town.Id}/devices/+/down");
        for (var n = 0; n < 6; n++) Send($"{n}");
        var got = new List<string>();
        for (var n = 0; n < 3; n++) got.AddRange([(await one.MessageAsync()).Payload, (await two.MessageAsync()).Payload]);
        Assert.That(got, Is.EquivalentTo(new[] { "0", "1", "2", "3", "4", "5" }));
        for (var n = 0; n < 6; n++) Assert.That((await alone.MessageAsync()).Payload, Is.EqualTo($"{n}"));
        await two.DisconnectAsync();
        Send("6");
        Send("7");
        Assert.That(new[] { (await one.MessageAsync()).Payload, (await one.MessageAsync()).Payload }, Is.EqualTo(new[] { "6", "7" }));
    }

    [Test]
    public async Task Should_see_retained_messages_as_it_asks()
    {
        await using var sender = await ConnectAsync();
        Assert.That(await sender.PublishedAsync(Up, Body, retain: true), Is.EqualTo(ReasonCode.Success));
        async Task<Received?> SeenAsync(Peer peer)
        {
            var (first, body) = await peer.ReceiveAsync();
            return first == 0xD0 ? null : Received.Of(first, body, peer.Level);
        }
        await using var always = await ConnectAsync();
        await using var never = await ConnectAsync();
        await using var once = await ConnectAsync();
        await always.SubscribeAsync(Up, 0);
        Assert.That(await always.MessageAsync(), Has.Property(nameof(Received.Retain)).True);
        await always.SubscribeAsync(Up, 0);
        Assert.That((await SeenAsync(always))!.Payload, Is.EqualTo(Body));
        await never.SubscribeAsync(Up, 0, retainHandling: 2);
        await never.NothingCameAsync();
        await once.SubscribeAsync(Up, 0, retainHandling: 1);
        Assert.That((await once.MessageAsync()).Retain);
        await once.SubscribeAsync(Up, 0, retainHandling: 1, retainAsPublished: true);
        await once.NothingCameAsync();

        await sender.PublishedAsync(Up, Body, retain: true);
        Assert.That(((await always.MessageAsync()).Retain, (await once.MessageAsync()).Retain), Is.EqualTo((false, true)), "as it was published, or not");
        Assert.That(await sender.PublishedAsync(Up, "", retain: true), Is.EqualTo(ReasonCode.Success));
        await using var late = await ConnectAsync();
        await late.SubscribeAsync(Up);
        await late.NothingCameAsync();
    }

    [Test]
    public async Task Should_get_what_the_publisher_said_of_the_message_but_not_its_own()
    {
        byte[] said = [0x01, 1, 0x03, 0, 1, (byte)'j', 0x08, 0, 1, (byte)'r', 0x09, 0, 1, 7, 0x26, 0, 1, (byte)'a', 0, 1, (byte)'b', 0x26, 0, 1, (byte)'a', 0, 1, (byte)'c'];
        await using var sender = await ConnectAsync();
        await using var other = await ConnectAsync();
        await sender.SubscribeAsync(Up, noLocal: true);
        await other.SubscribeAsync(Up);
        await sender.PublishedAsync(Up, Body, properties: [0x02, 0, 0, 0, 90, .. said, 0x23, 0, 1]);
        var message = await other.MessageAsync();
        Assert.That(message.Forwarded, Is.EqualTo(said));
        Assert.That(message.Expiry, Is.InRange(85, 90));
        await sender.NothingCameAsync();
    }

    [Test]
    public async Task Should_get_nothing_any_more_once_it_has_unsubscribed()
    {
        await using var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down);
        await peer.SendAsync(buffer => new UnsubscribePacket(3, [Down, Up]).Encode(buffer, peer.Level));
        var (first, body) = await peer.ReceiveAsync();
        Assert.That(first, Is.EqualTo(0xB0));
        Assert.That(SubAckPacket.Decode(PacketType.UnsubAck, body, peer.Level, out _)!.Codes, Is.EqualTo(new[] { ReasonCode.Success, ReasonCode.NoSubscriptionExisted }));
        Send("x");
        await peer.NothingCameAsync();
    }

    [Test]
    public async Task Should_keep_to_so_many_subscriptions()
    {
        await using var peer = await ConnectAsync(town.Key);
        var filters = Enumerable.Range(0, 130).Select(n => new RequestedFilter($"{town.Id}/devices/d-{n}/down", 1, false, false, 0)).ToList();
        await peer.SendAsync(buffer => new SubscribePacket(3, 0, filters).Encode(buffer, peer.Level));
        var codes = SubAckPacket.Decode(PacketType.SubAck, (await peer.ReceiveAsync()).Body, peer.Level, out _)!.Codes;
        Assert.That(codes.Select(code => code == ReasonCode.GrantedQos1), Is.EqualTo(Enumerable.Range(0, 130).Select(n => n < 100)));
    }

    [Test]
    public async Task Should_hear_of_a_death_by_its_will()
    {
        WillPacket Will(uint delay = 0, bool retain = false) => new(Up, Encoding.UTF8.GetBytes(Body), 1, retain, delay, null, []);
        await using var watching = await ConnectAsync();
        await watching.SubscribeAsync(Up);

        var good = await ConnectAsync(with: packet => packet with { Will = Will() });
        await good.DisconnectAsync();
        await watching.NothingCameAsync();

        var bad = await ConnectAsync(with: packet => packet with { Will = Will() });
        bad.Break();
        Assert.That((await watching.MessageAsync()).Payload, Is.EqualTo(Body));
        var wanted = await ConnectAsync(with: packet => packet with { Will = Will() });
        await wanted.DisconnectAsync(ReasonCode.DisconnectWithWill);
        await watching.MessageAsync();

        Func<ConnectPacket, ConnectPacket> lasting = packet => packet with { Will = Will(delay: 1), CleanStart = false, SessionExpiry = 60 };
        var gone = await ConnectAsync(clientId: "bald", with: lasting);
        gone.Break();
        await using var back = await ConnectAsync(clientId: "bald", with: lasting);
        await watching.NothingCameAsync();
        back.Break();
        Assert.That((await watching.MessageAsync()).Payload, Is.EqualTo(Body), "after its delay");
        Assert.That(await town.UplinksAsync(3), Has.Count.EqualTo(3), "a will is an uplink like any other");

        await using var foreign = await ConnectAsync(with: packet => packet with { Will = Will() with { Topic = $"{town.Id}/devices/pegel-2/up" } });
        Assert.That(foreign.Connected.Code, Is.EqualTo(ReasonCode.NotAuthorized));
    }

    [Test]
    public async Task Should_not_be_slowed_by_one_who_reads_nothing()
    {
        await using var deaf = await ConnectAsync();
        await using var good = await ConnectAsync();
        await deaf.SubscribeAsync(Down, 0);
        await good.SubscribeAsync(Down, 1);
        var payload = new string('x', 100_000);
        for (var n = 0; n < 100; n++)
        {
            Send($"{n}:{payload}", qos: 1);
            Assert.That((await good.MessageAsync()).Payload, Does.StartWith($"{n}:"));
        }
    }
}
