using System.Diagnostics;
using System.Text.Json;
using Allmende.Ingestion.Mqtt.Protocol;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests.Mqtt;

/// <summary>Our own broker as the way to a device; the way of all devices for which no other is said.</summary>
[TestFixture]
public class When_a_downlink_goes_by_MQTT
{
    Service service = null!;
    Town town = null!;
    (string Id, string DevEui, string Key) device;

    [OneTimeSetUp]
    public async Task Start() => service = await DownlinkSurroundings.ServiceAsync();

    [OneTimeTearDown]
    public async Task Stop() => await service.DisposeAsync();

    [SetUp]
    public async Task Register()
    {
        town = await service.TownAsync();
        device = await town.DeviceAsync();
    }

    string Down => $"{town.Id}/devices/pegel-1/down";

    Task<Peer> ConnectAsync(string? credential = null) => Peer.ConnectAsync(service.MqttPort, town.Id, credential ?? device.Key);

    [Test]
    public async Task Should_wait_until_somebody_listens_and_be_acknowledged_by_PUBACK()
    {
        var path = await town.QueueAsync("""{"fPort":3,"bytes":"01FF","validFor":3600}""");
        // Two sweeps later it still waits, and nobody has tried.
        await Task.Delay(500);
        Assert.That((await town.GetAsync(path, town.Admin)).Json.States(), Is.EqualTo(new[] { "queued" }));
        await using var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down);
        var message = await peer.MessageAsync(acknowledge: false);
        var body = JsonElement.Parse(message.Payload);
        Assert.That((message.Topic, message.Qos, body.GetProperty("id").GetString(), body.GetProperty("fPort").GetInt32(), body.GetProperty("bytes").GetString()), Is.EqualTo((Down, 1, path[^32..], 3, "01ff")));
        Assert.That(body.GetProperty("expiresAt").GetDateTimeOffset(), Is.EqualTo(DateTimeOffset.UtcNow.AddHours(1)).Within(TimeSpan.FromMinutes(1)));
        await town.InStateAsync(path, "sent");
        await peer.AnswerAsync(PacketType.PubAck, message.PacketId);
        var acknowledged = await town.InStateAsync(path, "acknowledged");
        Assert.That(acknowledged.States(), Is.EqualTo(new[] { "queued", "sending", "sent", "acknowledged" }));
        Assert.That(acknowledged.GetProperty("history").EnumerateArray().Last().GetProperty("by").GetString(), Is.EqualTo("device"));
    }

    [Test]
    public async Task Should_not_be_acknowledged_by_a_PUBACK_that_refuses()
    {
        await using var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down);
        var path = await town.QueueAsync();
        var message = await peer.MessageAsync(acknowledge: false);
        await peer.AnswerAsync(PacketType.PubAck, message.PacketId, ReasonCode.PayloadFormatInvalid);
        var second = await town.QueueAsync("""{"fPort":1,"bytes":"02"}""");
        await peer.MessageAsync();
        await town.InStateAsync(second, "acknowledged");
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("sent"));
    }

    [Test]
    public async Task Should_be_acknowledged_by_the_device_on_its_own_topic()
    {
        await using var peer = await ConnectAsync();
        await peer.SubscribeAsync(Down, qos: 0);
        var path = await town.QueueAsync();
        Assert.That((await peer.MessageAsync()).Qos, Is.Zero);
        await town.InStateAsync(path, "sent");
        foreach (var (payload, code) in new[]
        {
            ("", ReasonCode.PayloadFormatInvalid), ("[]", ReasonCode.PayloadFormatInvalid), ("""{"id":"x"}""", ReasonCode.PayloadFormatInvalid), ($$"""{"id":"{{new string('0', 32)}}"}""", ReasonCode.Success),
        })
            Assert.That(await peer.PublishedAsync(Down + "/ack", payload), Is.EqualTo(code), payload);
        await town.DeviceAsync("pegel-2");
        Assert.That(await peer.PublishedAsync($"{town.Id}/devices/pegel-2/down/ack", $$"""{"id":"{{path[^32..]}}"}"""), Is.EqualTo(ReasonCode.NotAuthorized));
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("sent"));
        Assert.That(await peer.PublishedAsync(Down + "/ack", $$"""{"id":"{{path[^32..]}}"}"""), Is.EqualTo(ReasonCode.Success));
        // PUBACK says that it is written down.
        Assert.That((await town.GetAsync(path, town.Admin)).Text("state"), Is.EqualTo("acknowledged"));
    }

    [Test]
    public async Task Should_carry_JSON_to_devices_that_need_no_codec()
    {
        await town.DeviceAsync("lampe", Profiles.Decoded);
        await using var peer = await ConnectAsync(town.Key);
        await peer.SubscribeAsync($"{town.Id}/devices/+/down");
        var path = await town.QueueAsync("""{"data":{"an":true,"text":"a\u0000b"}}""", "lampe");
        var body = JsonElement.Parse((await peer.MessageAsync()).Payload);
        Assert.That((body.GetProperty("data").GetProperty("an").GetBoolean(), body.TryGetProperty("bytes", out _), body.TryGetProperty("fPort", out _)), Is.EqualTo((true, false, false)));
        Assert.That((await town.InStateAsync(path, "acknowledged")).GetProperty("history").EnumerateArray().Last().GetProperty("by").GetString(), Is.EqualTo("mqtt"));
    }

    [TestCase("mqttv311")]
    [TestCase("mqttv5")]
    public async Task Should_reach_mosquittos_client(string protocol)
    {
        var path = await town.QueueAsync();
        using var subscriber = Process.Start(new ProcessStartInfo("mosquitto_sub",
        [
            "-h", "127.0.0.1", "-p", $"{service.MqttPort}", "-u", town.Id, "-P", device.Key, "-V", protocol, "-q", "1", "-t", Down, "-C", "1", "-W", "20",
        ])
        { RedirectStandardOutput = true })!;
        var line = await subscriber.StandardOutput.ReadLineAsync();
        await subscriber.WaitForExitAsync();
        Assert.That(JsonElement.Parse(line!).GetProperty("bytes").GetString(), Is.EqualTo("01ff"));
        await town.InStateAsync(path, "acknowledged");
    }
}
