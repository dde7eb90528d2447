using System.Text;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

[TestFixture]
public class When_a_client_connects
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

    Task<Peer> ConnectAsync(string? user, string? password, string level = "V5", string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null) =>
        Peer.ConnectAsync(service.MqttPort, user, password, Enum.Parse<ProtocolLevel>(level), clientId, with);

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_let_in_who_shows_a_credential_that_holds(string level)
    {
        foreach (var credential in new[] { device.Key, town.Key, town.Admin, town.Analyst })
        {
            await using var peer = await ConnectAsync(town.Id, credential, level);
            Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.Success));
        }
        await using var anonymous = await ConnectAsync(null, null, level);
        Assert.That(anonymous.Connected.Code, Is.EqualTo(ReasonCode.Success));
    }

    [TestCase("V311", 4)]
    [TestCase("V5", 0x86)]
    public async Task Should_refuse_alike_what_is_wrong_foreign_or_nowhere(string level, int expected)
    {
        var elsewhere = await service.TownAsync();
        var foreign = await elsewhere.DeviceAsync();
        foreach (var (user, password) in new (string, string?)[]
        {
            (town.Id, "dk_" + new string('a', 43)), (town.Id, foreign.Key), (town.Id, elsewhere.Key), (town.Id, elsewhere.Admin), (elsewhere.Id, device.Key), (town.Id, ""), (town.Id, null),
            ("nirgendwo", town.Key), ("+", town.Key), (town.Id, town.Admin[..^6]), ("", town.Key),
        })
        {
            await using var peer = await ConnectAsync(user, password, level);
            Assert.That((int)peer.Connected.Code, Is.EqualTo(expected), $"{user} {password}");
            Assert.That(await peer.ClosedAsync(), Is.Null, "after CONNACK there is nothing more");
        }
    }

    [Test]
    public async Task Should_refuse_a_connection_without_credential_where_that_is_set()
    {
        await using var own = await Service.StartAsync(settings: ("Ingestion:Mqtt:AllowAnonymous", "false"));
        await using var peer = await Peer.ConnectAsync(own.MqttPort, null, null);
        Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.NotAuthorized));
    }

    [Test]
    public async Task Should_tell_its_limits()
    {
        await using var peer = await ConnectAsync(town.Id, device.Key, with: packet => packet with { KeepAlive = 0, SessionExpiry = uint.MaxValue });
        Assert.Multiple(() =>
        {
            Assert.That(peer.Connected.AssignedClientId, Does.StartWith("auto-"));
            Assert.That(peer.Connected.KeepAlive, Is.EqualTo(1800));
            Assert.That(peer.Connected.SessionExpiry, Is.EqualTo(86_400));
            Assert.That((peer.Connected.ReceiveMaximum, peer.Connected.TopicAliasMaximum, peer.Connected.MaximumPacketSize), Is.EqualTo((128, 16, 264 * 1024u)));
        });
    }

    [Test]
    public async Task Should_want_a_name_of_who_wants_to_be_remembered_in_3_1_1()
    {
        await using var peer = await ConnectAsync(town.Id, device.Key, "V311", with: packet => packet with { CleanStart = false });
        Assert.That((int)peer.Connected.Code, Is.EqualTo(2));
    }

    [Test]
    public async Task Should_have_no_other_authentication()
    {
        await using var peer = await ConnectAsync(town.Id, device.Key, with: packet => packet with { AuthenticationMethod = "SCRAM-SHA-256" });
        Assert.That(peer.Connected.Code, Is.EqualTo(ReasonCode.BadAuthenticationMethod));
    }

    [Test]
    public async Task Should_answer_another_level_and_be_silent_to_what_is_no_MQTT()
    {
        await using var old = await Peer.OpenAsync(service.MqttPort);
        await old.SendAsync(Convert.FromHexString("100C00044D5154540302003C0000"));
        Assert.That(await old.ReceiveAsync(), Is.EqualTo(((byte)0x20, new byte[] { 0, 1 })));

        await using var web = await Peer.OpenAsync(service.MqttPort);
        await web.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        Assert.That(await web.TryReceiveAsync(), Is.Null);

        await using var early = await Peer.OpenAsync(service.MqttPort);
        await early.SendAsync(new byte[] { 0xC0, 0 });
        Assert.That(await early.TryReceiveAsync(), Is.Null, "CONNECT comes first");
    }

    [Test]
    public async Task Should_end_a_connection_with_the_reason_when_a_packet_is_malformed_and_no_other()
    {
        await using var good = await ConnectAsync(town.Id, device.Key);
        foreach (var (hex, expected) in new[]
        {
            ("00", ReasonCode.MalformedPacket), ("3600", ReasonCode.MalformedPacket), ("30FFFFFF7F", ReasonCode.PacketTooLarge), ("C00100", ReasonCode.MalformedPacket),
            ("82020001", ReasonCode.MalformedPacket), ("8203000100", ReasonCode.ProtocolError), ("3003000000", ReasonCode.ProtocolError), ("300600012B000000", ReasonCode.TopicNameInvalid),
            ("300600000323001F", ReasonCode.TopicAliasInvalid), ("F000", ReasonCode.ProtocolError), ("100D00044D515454050200000000000000", ReasonCode.ProtocolError),
        })
        {
            await using var bad = await ConnectAsync(town.Id, device.Key);
            await bad.SendAsync(Convert.FromHexString(hex));
            Assert.That(await bad.ClosedAsync(), Is.EqualTo(expected), hex);
        }
        await good.NothingCameAsync();
    }

    [Test]
    public async Task Should_survive_noise_of_any_kind()
    {
        await using var good = await ConnectAsync(town.Id, device.Key);
        var noise = ArbMap.Default.GeneratorFor<byte[]>().Where(bytes => bytes.Length > 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(noise.ToArbitrary(), bytes =>
        {
            Task.Run(async () =>
            {
                await using var peer = await ConnectAsync(town.Id, device.Key);
                await peer.SendAsync(bytes);
                peer.HangUp();
                await peer.ClosedAsync();
            }).GetAwaiter().GetResult();
        }));
        await good.NothingCameAsync();
        Assert.That(await good.PublishedAsync($"{town.Id}/devices/pegel-1/up", """{"bytes":"01"}"""), Is.EqualTo(ReasonCode.Success));
    }

    [Test]
    public async Task Should_let_go_of_who_says_nothing()
    {
        await using var own = await Service.StartAsync(settings: ("Ingestion:Mqtt:ConnectAwaited", "00:00:01"));
        var there = await own.TownAsync();
        await using var silent = await Peer.OpenAsync(own.MqttPort);
        await using var slow = await Peer.ConnectAsync(own.MqttPort, there.Id, there.Key, with: packet => packet with { KeepAlive = 1 });

        Assert.That(await silent.TryReceiveAsync(), Is.Null);
        Assert.That(await slow.ClosedAsync(), Is.EqualTo(ReasonCode.KeepAliveTimeout));
    }

    [Test]
    public async Task Should_hold_an_address_to_so_many_connections_without_CONNECT()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:Mqtt:MostWaitingOfAddress", "2"), ("Ingestion:Mqtt:MostAnonymousOfAddress", "1")]);
        await using var first = await Peer.OpenAsync(own.MqttPort);
        await using var second = await Peer.OpenAsync(own.MqttPort);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await using var third = await Peer.OpenAsync(own.MqttPort);
                return await third.TryReceiveAsync() is null;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return true;
            }
        }, "refusal of a third");
        first.Break();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await using var peer = await Peer.ConnectAsync(own.MqttPort, null, null);
                await using var another = await Peer.ConnectAsync(own.MqttPort, null, null);
                return peer.Connected.Code == ReasonCode.Success && another.Connected.Code == ReasonCode.QuotaExceeded;
            }
            catch (Exception fault) when (fault is AssertionException or System.Net.Sockets.SocketException)
            {
                return false;
            }
        }, "room again");
    }

    [Test]
    public async Task Should_give_a_session_to_the_latest_of_the_same_name_and_credential()
    {
        await using var first = await ConnectAsync(town.Id, device.Key, clientId: "station", with: packet => packet with { SessionExpiry = 60 });
        Assert.That(await first.SubscribeAsync($"{town.Id}/devices/pegel-1/down"), Is.EqualTo(ReasonCode.GrantedQos1));
        await using var other = await ConnectAsync(town.Id, town.Key, clientId: "station");
        await first.NothingCameAsync();

        await using var second = await ConnectAsync(town.Id, device.Key, clientId: "station", with: packet => packet with { CleanStart = false, SessionExpiry = 60 });
        Assert.That(await first.ClosedAsync(), Is.EqualTo(ReasonCode.SessionTakenOver));
        Assert.That(second.Connected.SessionPresent);

        await using var third = await ConnectAsync(town.Id, device.Key, clientId: "station");
        Assert.That(await second.ClosedAsync(), Is.EqualTo(ReasonCode.SessionTakenOver));
        Assert.That(third.Connected.SessionPresent, Is.False, "clean start");
        await other.NothingCameAsync();
    }

    [Test]
    public async Task Should_forget_a_session_when_its_time_is_over()
    {
        var first = await ConnectAsync(town.Id, device.Key, "V311", "kurz", packet => packet with { CleanStart = false });
        await first.DisconnectAsync();
        var again = await ConnectAsync(town.Id, device.Key, clientId: "kurz", with: packet => packet with { CleanStart = false, SessionExpiry = 1 });
        Assert.That(again.Connected.SessionPresent, "3.1.1's session lasts");
        again.Break();
        await Eventually.TrueAsync(async () =>
        {
            await Task.Delay(1200);
            await using var late = await ConnectAsync(town.Id, device.Key, clientId: "kurz", with: packet => packet with { CleanStart = false, SessionExpiry = 1 });
            return !late.Connected.SessionPresent;
        }, "end of the session");
    }

    [Test]
    public async Task Should_let_go_of_a_key_that_was_replaced()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:Mqtt:CredentialCheckedEvery", "00:00:00.5"), ("Ingestion:DevicesRefreshedEvery", "00:00:00.2")]);
        var there = await own.TownAsync();
        var mine = await there.DeviceAsync();
        await using var peer = await Peer.ConnectAsync(own.MqttPort, there.Id, mine.Key);
        await peer.NothingCameAsync();

        Assert.That((await there.PostAsync("devices/pegel-1/key", "", there.Admin)).Status, Is.EqualTo(200).Or.EqualTo(201));

        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized));
    }

    [Test]
    public async Task Should_hold_a_device_to_so_many_sessions()
    {
        var peers = new List<Peer>();
        for (var n = 0; n < 17; n++) peers.Add(await ConnectAsync(town.Id, device.Key));
        Assert.That(peers.Select(peer => peer.Connected.Code).Distinct(), Is.EquivalentTo(new[] { ReasonCode.Success, ReasonCode.QuotaExceeded }));
        Assert.That(peers.Count(peer => peer.Connected.Code == ReasonCode.Success), Is.EqualTo(16));
        foreach (var peer in peers) await peer.DisposeAsync();
    }
}
