using System.Diagnostics;
using System.Text;
using Allmende.Contracts;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

[TestFixture]
public class When_an_uplink_comes_by_MQTT
{
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

    static string Body(int n) => $$"""{"time":"2026-03-02T10:{{n / 60:00}}:{{n % 60:00}}Z","fPort":1,"bytes":"{{n:x8}}"}""";

    Task<Peer> ConnectAsync(string? credential = null, string level = "V5", string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null) =>
        Peer.ConnectAsync(service.MqttPort, town.Id, credential ?? device.Key, Enum.Parse<ProtocolLevel>(level), clientId, with);

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_be_in_the_log_when_it_is_acknowledged(string level)
    {
        await using var peer = await ConnectAsync(level: level);
        await peer.PublishAsync(Up, Body(0), qos: 0);
        Assert.That(await peer.PublishedAsync(Up, Body(1), id: 77), Is.EqualTo(ReasonCode.Success));
        await peer.PublishAsync(Up, Body(2), qos: 2, id: 78);
        Assert.That(await peer.AckAsync(PacketType.PubRec), Is.EqualTo(new AckPacket(78, ReasonCode.Success)));
        await peer.AnswerAsync(PacketType.PubRel, 78);
        Assert.That(await peer.AckAsync(PacketType.PubComp), Is.EqualTo(new AckPacket(78, ReasonCode.Success)));

        var uplinks = await town.UplinksAsync(3);
        Assert.Multiple(() =>
        {
            Assert.That(uplinks.Select(uplink => (int)uplink.Bytes![3]), Is.EquivalentTo(new[] { 0, 1, 2 }));
            Assert.That(uplinks.Select(uplink => (uplink.Device, uplink.Profile, uplink.FPort)).Distinct(), Is.EqualTo(new[] { ("pegel-1", Profiles.Gauge, 1) }));
            Assert.That(uplinks.Single(uplink => uplink.Bytes![3] == 1).Time, Is.EqualTo(new DateTimeOffset(2026, 3, 2, 10, 0, 1, TimeSpan.Zero)));
        });
    }

    [Test]
    public async Task Should_be_the_same_uplink_as_by_HTTP()
    {
        await using var peer = await ConnectAsync(town.Key);
        await peer.PublishedAsync(Up, Body(1));
        var answer = await town.UplinkAsync("json", Body(1).Replace("{\"time\"", "{\"device\":\"pegel-1\",\"time\"", StringComparison.Ordinal));

        Assert.That((await town.UplinksAsync(2)).Select(uplink => uplink.Id).Distinct(), Is.EqualTo(new[] { answer.Text("uplink") }));
    }

    [Test]
    public async Task Should_answer_many_at_once_in_their_order()
    {
        await using var peer = await ConnectAsync();
        var all = new PacketBuffer();
        for (ushort n = 1; n <= 120; n++)
            new PublishPacket { Topic = Encoding.UTF8.GetBytes(Up), Payload = Encoding.UTF8.GetBytes(n % 10 == 0 ? "{" : Body(n)), Qos = 1, PacketId = n }.Encode(all, ProtocolLevel.V5);
        await peer.SendAsync(all.Written);

        for (ushort n = 1; n <= 120; n++)
            Assert.That(await peer.AckAsync(PacketType.PubAck), Is.EqualTo(new AckPacket(n, n % 10 == 0 ? ReasonCode.PayloadFormatInvalid : ReasonCode.Success)));
        Assert.That(await town.UplinksAsync(108), Has.Count.EqualTo(108));
    }

    [Test]
    public async Task Should_take_topics_by_alias()
    {
        await using var peer = await ConnectAsync();
        Assert.That(await peer.PublishedAsync(Up, Body(1), properties: [0x23, 0, 16]), Is.EqualTo(ReasonCode.Success));
        Assert.That(await peer.PublishedAsync("", Body(2), properties: [0x23, 0, 16]), Is.EqualTo(ReasonCode.Success));
        Assert.That(await town.UplinksAsync(2), Has.Count.EqualTo(2));
        await peer.PublishAsync("", Body(3), properties: [0x23, 0, 3]);
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.ProtocolError));
    }

    [Test]
    public async Task Should_say_what_is_wrong_in_MQTT_5()
    {
        var elsewhere = await service.TownAsync();
        await town.DeviceAsync("pegel-2");
        await using var peer = await ConnectAsync();
        async Task Expect(string topic, string body, ReasonCode code) => Assert.That(await peer.PublishedAsync(topic, body), Is.EqualTo(code), $"{topic} {body}");

        await Expect(Up, "{", ReasonCode.PayloadFormatInvalid);
        await Expect(Up, """{"time":"1980-01-01T00:00:00Z","bytes":"01"}""", ReasonCode.PayloadFormatInvalid);
        await Expect(Up, """{"device":"pegel-2","bytes":"01"}""", ReasonCode.PayloadFormatInvalid);
        await Expect(Up, "", ReasonCode.PayloadFormatInvalid);
        await Expect($"{town.Id}/devices/pegel-2/up", Body(1), ReasonCode.NotAuthorized);
        await Expect($"{town.Id}/devices/pegel-3/up", Body(1), ReasonCode.NotAuthorized);
        await Expect($"{elsewhere.Id}/devices/pegel-1/up", Body(1), ReasonCode.NotAuthorized);
        await Expect("nirgendwo/devices/pegel-1/up", Body(1), ReasonCode.NotAuthorized);
        await Expect($"{town.Id}/devices/pegel-1/down", Body(1), ReasonCode.NotAuthorized);
        await Expect($"{town.Id}/devices/pegel-1/status", Body(1), ReasonCode.TopicNameInvalid);
        await Expect($"{town.Id}/devices/PEGEL/up", Body(1), ReasonCode.TopicNameInvalid);
        await Expect("a", Body(1), ReasonCode.TopicNameInvalid);
        await Expect($"$share/g/{Up}", Body(1), ReasonCode.TopicNameInvalid);
        await using var all = await ConnectAsync(town.Key);
        Assert.That(await all.PublishedAsync($"{town.Id}/devices/pegel-3/up", Body(1)), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That(await all.PublishedAsync($"{town.Id}/devices/pegel-2/up", Body(1)), Is.EqualTo(ReasonCode.Success));
        await using var analyst = await ConnectAsync(town.Analyst);
        Assert.That(await analyst.PublishedAsync(Up, Body(1)), Is.EqualTo(ReasonCode.NotAuthorized));
        await using var anonymous = await Peer.ConnectAsync(service.MqttPort, null, null);
        Assert.That(await anonymous.PublishedAsync(Up, Body(1)), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That(await town.UplinksAsync(1), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_be_told_in_3_1_1_to_keep_nothing_that_will_never_be_taken()
    {
        await using var peer = await ConnectAsync(level: "V311");
        Assert.That(await peer.PublishedAsync(Up, "{"), Is.EqualTo(ReasonCode.Success));
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-3/up", Body(1)), Is.EqualTo(ReasonCode.Success));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

    [Test]
    public async Task Should_be_slowed_down_by_code()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "2")]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);

        var codes = new List<ReasonCode>();
        for (var n = 0; n < 6; n++) codes.Add(await peer.PublishedAsync($"{there.Id}/devices/pegel-1/up", Body(n)));
        Assert.That(codes.Take(2), Is.All.EqualTo(ReasonCode.Success));
        Assert.That(codes[^1], Is.EqualTo(ReasonCode.QuotaExceeded));
    }

    [Test]
    public async Task Should_be_read_more_slowly_the_more_is_refused()
    {
        await using var own = await Service.StartAsync(settings:
        [
            ("Ingestion:MunicipalityRate:PerSecond", "1"), ("Ingestion:MunicipalityRate:Burst", "1"),
            ("Ingestion:RefusalRate:PerSecond", "2"), ("Ingestion:RefusalRate:Burst", "1"), ("Ingestion:LongestHold", "00:00:01"),
        ]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);
        var topic = $"{there.Id}/devices/pegel-1/up";

        var since = Stopwatch.StartNew();
        for (ushort id = 1; id <= 6; id++) await peer.PublishAsync(topic, Body(id), id: id);
        var codes = new List<ReasonCode>();
        for (var n = 0; n < 6; n++) codes.Add((await peer.AckAsync(PacketType.PubAck)).Code);

        Assert.That(codes[..2], Is.EqualTo(new[] { ReasonCode.Success, ReasonCode.QuotaExceeded }));
        Assert.That(since.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(1)), "four more within the receive maximum, read one after the other");
    }

    /// <summary>3.1.1 knows no refusal, QoS 0 no answer: they are read as fast as the device may send, and nothing of it is lost.</summary>
    [TestCase("V311", 1)]
    [TestCase("V5", 0)]
    public async Task Should_be_slowed_down_by_being_read_slowly(string level, int qos)
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "20"), ("Ingestion:DeviceRate:Burst", "2")]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key, Enum.Parse<ProtocolLevel>(level));

        // The first one is looked up in the database.
        await there.UplinkAsync("json", Messages.Plain("pegel-1", 0));
        var since = Stopwatch.StartNew();
        for (ushort id = 1; id <= 32; id++) await peer.PublishAsync($"{there.Id}/devices/pegel-1/up", Body(id), qos, id);
        if (qos == 1)
            for (var n = 0; n < 32; n++) await peer.AckAsync(PacketType.PubAck);
        else await peer.NothingCameAsync();

        Assert.That(since.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(1.2)), "31 beyond the burst at 20 a second");
        Assert.That(await there.UplinksAsync(33), Has.Count.EqualTo(33));
    }

    [Test]
    public async Task Should_be_hung_up_on_in_3_1_1_when_too_many_send_at_once()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "2")]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        var peers = new List<Peer>();
        for (var n = 0; n < 6; n++) peers.Add(await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key, ProtocolLevel.V311));

        foreach (var (n, peer) in peers.Index()) await peer.PublishAsync($"{there.Id}/devices/pegel-1/up", Body(n));
        var answers = await Task.WhenAll(peers.Select(peer => peer.TryReceiveAsync()));

        Assert.That(answers.Count(answer => answer is { First: 0x40 }), Is.InRange(3, 5), "two at once, and those who wait for the next");
        foreach (var peer in peers) await peer.DisposeAsync();
    }

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_not_come_twice_though_it_is_sent_twice_with_QoS_2(string level)
    {
        const string body = """{"bytes":"01ff"}"""; // without a time, so that nothing but the packet's id tells that it is the same
        var first = await ConnectAsync(level: level, clientId: "genau", with: packet => packet with { CleanStart = false, SessionExpiry = level == "V5" ? 60 : packet.SessionExpiry });
        await first.PublishAsync(Up, body, qos: 2, id: 5);
        Assert.That((await first.AckAsync(PacketType.PubRec)).PacketId, Is.EqualTo(5));
        first.Break();

        await using var second = await ConnectAsync(level: level, clientId: "genau", with: packet => packet with { CleanStart = false, SessionExpiry = level == "V5" ? 60 : packet.SessionExpiry });
        Assert.That(second.Connected.SessionPresent);
        await second.PublishAsync(Up, body, qos: 2, id: 5, dup: true);
        Assert.That(await second.AckAsync(PacketType.PubRec), Is.EqualTo(new AckPacket(5, ReasonCode.Success)));
        await second.AnswerAsync(PacketType.PubRel, 5);
        Assert.That(await second.AckAsync(PacketType.PubComp), Is.EqualTo(new AckPacket(5, ReasonCode.Success)));
        await second.AnswerAsync(PacketType.PubRel, 5);
        Assert.That((await second.AckAsync(PacketType.PubComp)).Code, Is.EqualTo(level == "V5" ? ReasonCode.PacketIdNotFound : ReasonCode.Success));
        Assert.That(await town.UplinksAsync(1), Has.Count.EqualTo(1));

        await second.PublishAsync(Up, body, qos: 2, id: 5);
        await second.AckAsync(PacketType.PubRec);
        Assert.That(await town.UplinksAsync(2), Has.Count.EqualTo(2), "the id is free again");
    }

    [Test]
    public async Task Should_be_held_to_the_receive_maximum()
    {
        await using var own = await Service.StartAsync(settings: ("Ingestion:Mqtt:ReceiveMaximum", "4"));
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);
        for (ushort id = 1; id <= 5; id++) await peer.PublishAsync($"{there.Id}/devices/pegel-1/up", Body(id), qos: 2, id: id);
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.ReceiveMaximumExceeded));
    }

    [Test]
    public async Task Should_keep_to_the_largest_body()
    {
        await using var peer = await ConnectAsync();
        static string Large(int bytes) => $"{{\"data\":{{\"text\":\"{new string('x', bytes)}\"}}}}";
        var large = Large(256 * 1024);
        Assert.That(await peer.PublishedAsync(Up, large), Is.EqualTo(ReasonCode.QuotaExceeded));
        await peer.PublishAsync(Up, large + new string(' ', 16 * 1024));
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.PacketTooLarge));
        await using var another = await ConnectAsync();
        Assert.That(await another.PublishedAsync(Up, Large(200 * 1024)), Is.EqualTo(ReasonCode.Success));
    }

    [Test]
    public async Task Should_never_be_acknowledged_while_the_log_is_down()
    {
        await using var engines = await TestEngines.StartAsync();
        await using var own = await Service.StartAsync(engines);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        var topic = $"{there.Id}/devices/pegel-1/up";
        Task<Peer> OpenAsync(ProtocolLevel level) => Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key, level);
        await using var five = await OpenAsync(ProtocolLevel.V5);
        await using var three = await OpenAsync(ProtocolLevel.V311);
        Assert.That(await five.PublishedAsync(topic, Body(1)), Is.EqualTo(ReasonCode.Success));

        await engines.Redis.Process.KillAsync(restart: false);
        foreach (var peer in new[] { five, three })
        {
            await peer.PublishAsync(topic, Body(2), id: 2);
            await peer.PublishAsync(topic, Body(3), id: 3);
        }
        Assert.That(await five.ClosedAsync(), Is.EqualTo(ReasonCode.ServerBusy));
        Assert.That(await three.TryReceiveAsync(), Is.Null);

        await engines.Redis.Process.StartAsync();
        await engines.Redis.Process.WhenReadyAsync();
        await Eventually.TrueAsync(async () =>
        {
            await using var again = await OpenAsync(ProtocolLevel.V311);
            await again.PublishAsync(topic, Body(2), dup: true);
            return await again.TryReceiveAsync() is { First: 0x40 };
        }, "log that is back", TimeSpan.FromSeconds(30));
        Assert.That((await there.UplinksAsync(2)).Select(uplink => (int)uplink.Bytes![3]).Distinct(), Is.SupersetOf(new[] { 1, 2 }));
    }

    [Test]
    public async Task Should_finish_what_was_begun_when_the_server_goes()
    {
        var own = await Service.StartAsync();
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);
        for (ushort id = 1; id <= 50; id++) await peer.PublishAsync($"{there.Id}/devices/pegel-1/up", Body(id), id: id);
        Assert.That((await peer.AckAsync(PacketType.PubAck)).PacketId, Is.EqualTo(1));
        var stopping = own.DisposeAsync();

        var acknowledged = 1;
        ReasonCode? goodbye = null;
        while (await peer.TryReceiveAsync() is { } packet)
            if (packet.First == 0x40) acknowledged++;
            else goodbye = DisconnectPacket.Decode(packet.Body, ProtocolLevel.V5, out _).Code;
        await stopping;
        Assert.That(goodbye, Is.EqualTo(ReasonCode.ServerShuttingDown));
        Assert.That(await service.ReadAsync(there.Id, Topics.Uplinks, acknowledged), Has.Count.GreaterThanOrEqualTo(acknowledged));
    }
}
