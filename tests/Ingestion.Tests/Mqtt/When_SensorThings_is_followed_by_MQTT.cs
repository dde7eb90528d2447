using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Mqtt.SensorThings;
using Allmende.Ingestion.Mqtt.Topics;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>OGC 18-088, 14, against a stand-in of Observations; with the real one it is a journey.</summary>
[TestFixture]
public class When_SensorThings_is_followed_by_MQTT
{
    const string Path = "Datastreams('pegel-1.distance')/Observations?$select=result,phenomenonTime&$filter=result gt 5 and Datastream/name ne 'ä'";

    Service service = null!;
    Neighbours neighbours = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        neighbours = await Neighbours.StartAsync();
        service = await Service.StartAsync(neighbours: neighbours, settings: ("Ingestion:Mqtt:FeedAwaited", "00:00:03"));
        town = await service.TownAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        await service.DisposeAsync();
        await neighbours.DisposeAsync();
    }

    string Topic => $"{town.Id}/sta/v1.1/{Path}";

    Task<Peer> ConnectAsync(string? credential, string level = "V5", string clientId = "", Func<ConnectPacket, ConnectPacket>? with = null) =>
        Peer.ConnectAsync(service.MqttPort, credential is null ? null : town.Id, credential, Enum.Parse<ProtocolLevel>(level), clientId, with);

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_get_what_the_feed_says(string level)
    {
        await using var peer = await ConnectAsync(null, level);
        Assert.That(await peer.SubscribeAsync(Topic, 2), Is.EqualTo(ReasonCode.GrantedQos2));
        neighbours.Feed.Send(town.Id, Path, """{"result": 6.5,"phenomenonTime":"2026-03-02T10:00:00Z"}""");
        var message = await peer.MessageAsync();
        Assert.That((message.Topic, message.Payload, message.Qos, message.Retain), Is.EqualTo((Topic, """{"result": 6.5,"phenomenonTime":"2026-03-02T10:00:00Z"}""", 2, false)));
        Assert.That(neighbours.Feed.Asked, Is.EqualTo(new[] { (town.Id, Path, (string?)null, (string?)null) }));
    }

    /// <summary>A client that knows the standard alone (OGC 18-088, 14.1, 14.2), and not what comes before its topics here.</summary>
    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_take_the_standards_own_topics_for_those_of_the_clients_town(string level)
    {
        var own = $"v1.1/{Path}";
        var elsewhere = await service.TownAsync();
        var admin = town.Admin;
        await using var peer = await ConnectAsync(admin, level);
        await using var longer = await ConnectAsync(admin, level);
        await using var stranger = await Peer.ConnectAsync(service.MqttPort, elsewhere.Id, elsewhere.Admin, Enum.Parse<ProtocolLevel>(level), "", null);
        await using var anybody = await ConnectAsync(null);
        foreach (var (one, topic) in new[] { (peer, own), (longer, Topic), (stranger, own) }) Assert.That(await one.SubscribeAsync(topic), Is.EqualTo(ReasonCode.GrantedQos1), topic);
        Assert.That(await anybody.SubscribeAsync(own), Is.EqualTo(ReasonCode.NotAuthorized), "whose?");
        neighbours.Feed.Send(town.Id, Path, "1");
        neighbours.Feed.Send(elsewhere.Id, Path, "2");
        foreach (var (one, topic, payload) in new[] { (peer, own, "1"), (longer, Topic, "1"), (stranger, own, "2") })
        {
            var message = await one.MessageAsync();
            Assert.That((message.Topic, message.Payload), Is.EqualTo((topic, payload)));
        }
        Assert.That(await peer.PublishedAsync("v1.1/Datastreams('pegel-1')/Observations", """{"result":1}"""), Is.EqualTo(ReasonCode.Success));
        Assert.That(neighbours.Posted, Is.EqualTo(new[] { ($"{town.Id}: Datastreams('pegel-1')/Observations", admin, """{"result":1}""") }));
    }

    [Test]
    public async Task Should_share_a_feed_with_who_sees_the_same_and_with_nobody_else()
    {
        await using var anybody = await ConnectAsync(null);
        await using var device = await ConnectAsync((await town.DeviceAsync()).Key);
        await using var analyst = await ConnectAsync(town.Analyst);
        await using var admin = await ConnectAsync(town.Admin);
        // Reads the data that an analyst reads, and sees what devices were told.
        await using var developer = await ConnectAsync(neighbours.Token(town.Id, Contracts.Roles.Developer));
        foreach (var peer in new[] { anybody, device, analyst, admin, developer }) Assert.That(await peer.SubscribeAsync(Topic), Is.EqualTo(ReasonCode.GrantedQos1));
        Assert.That(neighbours.Feed.Asked.Select(asked => asked.Credential is null ? "" : asked.Credential[..2]), Is.EqualTo(new[] { "", "ey", "ey", "ey" }));

        neighbours.Feed.Send(town.Id, Path, "1");
        foreach (var peer in new[] { anybody, device, analyst, admin, developer }) Assert.That((await peer.MessageAsync()).Payload, Is.EqualTo("1"));
        await analyst.DisconnectAsync();
        await anybody.DisconnectAsync();
        await Eventually.TrueAsync(() => Task.FromResult(neighbours.Feed.Open(town.Id, Path) == 3), "end of the feed that nobody follows");
    }

    [Test]
    public async Task Should_miss_nothing_when_the_feed_breaks()
    {
        await using var peer = await ConnectAsync(null);
        await peer.SubscribeAsync(Topic);
        neighbours.Feed.Send(town.Id, Path, "1");
        Assert.That((await peer.MessageAsync()).Payload, Is.EqualTo("1"));
        neighbours.Feed.Break(town.Id, Path);
        neighbours.Feed.Send(town.Id, Path, "2");
        neighbours.Feed.Send(town.Id, Path, "3");
        Assert.That(new[] { (await peer.MessageAsync()).Payload, (await peer.MessageAsync()).Payload }, Is.EqualTo(new[] { "2", "3" }));
        Assert.That(neighbours.Feed.Asked.Last().After, Is.EqualTo("1"));
    }

    [Test]
    public async Task Should_be_kept_for_a_session_that_comes_back()
    {
        Func<ConnectPacket, ConnectPacket> lasting = packet => packet with { CleanStart = false, SessionExpiry = 60 };
        var peer = await ConnectAsync(town.Admin, clientId: "dauernd", with: lasting);
        await peer.SubscribeAsync(Topic);
        peer.Break();
        await Eventually.TrueAsync(() =>
        {
            neighbours.Feed.Send(town.Id, Path, "1");
            return Task.FromResult(true);
        }, "message");
        await using var back = await ConnectAsync(town.Admin, clientId: "dauernd", with: lasting);
        Assert.That(back.Connected.SessionPresent);
        Assert.That((await back.MessageAsync()).Payload, Is.EqualTo("1"));
    }

    [Test]
    public async Task Should_know_that_something_is_lost()
    {
        await using var peer = await ConnectAsync(null);
        await peer.SubscribeAsync(Topic);
        neighbours.Feed.SendLine(town.Id, Path, """{"id":"7","gap":{"from":"1"}}""");
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.ImplementationSpecific));
    }

    [Test]
    public async Task Should_go_on_after_an_error_of_the_feed()
    {
        await using var peer = await ConnectAsync(null);
        await peer.SubscribeAsync(Topic);
        neighbours.Feed.SendLine(town.Id, Path, """{"error":{"code":503,"type":"error","message":"takes too long"}}""");
        await Eventually.TrueAsync(() => Task.FromResult(neighbours.Feed.Asked.Count == 2 && neighbours.Feed.Open(town.Id, Path) == 1), "another feed");
        neighbours.Feed.Send(town.Id, Path, "1");
        Assert.That((await peer.MessageAsync()).Payload, Is.EqualTo("1"));
    }

    [TestCase(429, ReasonCode.QuotaExceeded)]
    [TestCase(400, ReasonCode.TopicFilterInvalid)]
    [TestCase(404, ReasonCode.NotAuthorized)]
    [TestCase(403, ReasonCode.NotAuthorized)]
    public async Task Should_be_refused_as_Observations_does(int status, object expected)
    {
        neighbours.Feed.Refuses = (_, _) => status;
        await using var peer = await ConnectAsync(null);
        Assert.That(await peer.SubscribeAsync(Topic), Is.EqualTo(expected));
        await peer.NothingCameAsync();
    }

    [Test]
    public async Task Should_be_told_when_the_feed_does_not_answer_and_others_go_on()
    {
        neighbours.Feed.Refuses = (topic, _) => topic == Path ? 503 : null;
        await using var peer = await ConnectAsync(null);
        await using var other = await ConnectAsync(null);
        var waiting = peer.SubscribeAsync(Topic);
        Assert.That(await other.SubscribeAsync($"{town.Id}/sta/v1.1/Observations"), Is.EqualTo(ReasonCode.GrantedQos1));
        Assert.That(await waiting, Is.EqualTo(ReasonCode.ImplementationSpecific));
    }

    [Test]
    public async Task Should_lose_the_session_when_its_credential_holds_no_longer()
    {
        var (admin, steward) = (town.Admin, neighbours.Token(town.Id, "data-steward"));
        await using var one = await ConnectAsync(admin);
        await using var two = await ConnectAsync(steward);
        await one.SubscribeAsync(Topic);
        await two.SubscribeAsync(Topic);
        neighbours.Feed.Refuses = (_, credential) => credential == admin ? 401 : null;
        neighbours.Feed.Break(town.Id, Path);

        Assert.That(await one.ClosedAsync(), Is.EqualTo(ReasonCode.NotAuthorized));
        await Eventually.TrueAsync(() => Task.FromResult(neighbours.Feed.Open(town.Id, Path) == 1), "feed in the other's name");
        neighbours.Feed.Send(town.Id, Path, "1");
        Assert.That((await two.MessageAsync()).Payload, Is.EqualTo("1"));
    }

    [Test]
    public async Task Should_read_no_wildcards_and_no_other_towns()
    {
        var elsewhere = await service.TownAsync();
        await using var peer = await ConnectAsync(town.Admin);
        await using var anybody = await ConnectAsync(null);
        foreach (var filter in new[] { $"{town.Id}/sta/v1.1/#", $"{town.Id}/sta/v1.1/Things/+" })
            Assert.That(await peer.SubscribeAsync(filter), Is.EqualTo(ReasonCode.WildcardsNotSupported), filter);
        foreach (var filter in new[] { $"+/sta/v1.1/Observations", $"{town.Id}/sta/#", $"{elsewhere.Id}/sta/v1.1/Observations", "nirgendwo/sta/v1.1/Observations" })
            Assert.That(await peer.SubscribeAsync(filter), Is.EqualTo(ReasonCode.NotAuthorized), filter);
        Assert.That(await anybody.SubscribeAsync("nirgendwo/sta/v1.1/Observations"), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That(await anybody.SubscribeAsync($"{elsewhere.Id}/sta/v1.1/Observations"), Is.EqualTo(ReasonCode.GrantedQos1), "open data is for everybody");
        Assert.That(neighbours.Feed.Asked.Select(asked => asked.Municipality), Is.EqualTo(new[] { elsewhere.Id }));
    }

    [TestCase("V311")]
    [TestCase("V5")]
    public async Task Should_create_what_is_published(string level)
    {
        var admin = town.Admin;
        await using var peer = await ConnectAsync(admin, level);
        Assert.That(await peer.PublishedAsync($"{town.Id}/sta/v1.1/Datastreams('pegel 1')/Observations", """{"result":1}"""), Is.EqualTo(ReasonCode.Success));
        Assert.That(neighbours.Posted, Is.EqualTo(new[] { ($"{town.Id}: Datastreams('pegel 1')/Observations", admin, """{"result":1}""") }));
    }

    [Test]
    public async Task Should_pass_on_what_Observations_says()
    {
        neighbours.AnswersPost = int.Parse;
        await using var peer = await ConnectAsync(town.Admin);
        foreach (var (status, code) in new[]
        {
            (201, ReasonCode.Success), (400, ReasonCode.PayloadFormatInvalid), (403, ReasonCode.NotAuthorized), (404, ReasonCode.TopicNameInvalid), (409, ReasonCode.ImplementationSpecific),
            (413, ReasonCode.QuotaExceeded), (429, ReasonCode.QuotaExceeded),
        })
            Assert.That(await peer.PublishedAsync($"{town.Id}/sta/v1.1/Observations", $"{status}"), Is.EqualTo(code), $"{status}");
        await peer.PublishAsync($"{town.Id}/sta/v1.1/Observations", "503");
        Assert.That(await peer.ClosedAsync(), Is.EqualTo(ReasonCode.ServerBusy), "not acknowledged");
        await using var old = await ConnectAsync(town.Admin, "V311");
        Assert.That(await old.PublishedAsync($"{town.Id}/sta/v1.1/Observations", "400"), Is.EqualTo(ReasonCode.Success), "it will never be taken");
        await old.PublishAsync($"{town.Id}/sta/v1.1/Observations", "429");
        Assert.That(await old.TryReceiveAsync(), Is.Null);
    }

    [Test]
    public async Task Should_never_leave_the_towns_own_SensorThings()
    {
        await using var peer = await ConnectAsync(town.Admin);
        await using var anybody = await ConnectAsync(null);
        foreach (var path in new[] { "..", "../../x", "a/../../../internal", "%2e%2e/x", "..%2f..%2finternal", "a\\..\\b", "a//b", "Observations?$top=1", "a/./b", "Observations#x", "%2E./%2e%2E/x" })
            Assert.That(EntityDoor.PathOf(MqttTopic.Parse($"{town.Id}/sta/v1.1/{path}")!), Is.Null, path);
        foreach (var path in new[] { "../../../internal/x", "%2e%2e/%2e%2e/x", "Observations?$top=1" })
            Assert.That(await peer.PublishedAsync($"{town.Id}/sta/v1.1/{path}", "{}"), Is.EqualTo(ReasonCode.TopicNameInvalid), path);
        Assert.That(await peer.PublishedAsync("nirgendwo/sta/v1.1/Observations", "{}"), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That(await anybody.PublishedAsync($"{town.Id}/sta/v1.1/Observations", "{}"), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That(neighbours.Posted, Is.Empty);
    }
}
