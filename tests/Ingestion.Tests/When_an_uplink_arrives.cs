using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_an_uplink_arrives
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    async Task<Uplink> TakenAsync(string door, string json)
    {
        var answer = await town.UplinkAsync(door, json);
        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        var uplink = (await town.UplinksAsync()).Last();
        Assert.That(answer.Text("uplink"), Is.EqualTo(uplink.Id));
        return uplink;
    }

    static readonly DateTimeOffset ReceivedAt = new DateTimeOffset(2026, 3, 2, 10, 20, 5, TimeSpan.Zero).AddMicroseconds(12_345);

    [Test]
    public async Task Should_be_read_from_The_Things_Stack()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("tts", Messages.TheThingsStack("any-name", device.DevEui));

        Assert.That((uplink.Device, uplink.Profile, uplink.FPort, uplink.FCnt, uplink.Data), Is.EqualTo(("pegel-1", "gauge", 85, 158L, (object?)null)));
        Assert.That(uplink.Bytes, Is.EqualTo(Convert.FromHexString("03670001047e0001")));
        Assert.That(uplink.Time, Is.EqualTo(ReceivedAt), "nanoseconds are cut to microseconds");
        Assert.That(uplink.ReceivedAt, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromSeconds(10)));
        Assert.That(uplink.Radio, Is.EqualTo(new RadioMetadata(-97, 0, 9, 2)), "the gateway that heard it best, whose snr of 0 is left out");
    }

    [Test]
    public async Task Should_be_read_from_The_Things_Stack_where_everything_is_0_or_empty_and_so_left_out()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("tts", Messages.TheThingsStack("any-name", device.DevEui, uplink: ""));

        Assert.That((uplink.FPort, uplink.FCnt, uplink.Bytes), Is.EqualTo((0, 0L, Array.Empty<byte>())));
    }

    [Test]
    public async Task Should_be_read_from_The_Things_Stack_where_only_the_ids_are_there()
    {
        var device = await town.DeviceAsync();
        var before = DateTimeOffset.UtcNow;

        var uplink = await TakenAsync("tts", $$"""{"end_device_ids":{"dev_eui":"{{device.DevEui}}"},"simulated":true,"uplink_message":{} }""");

        Assert.That((uplink.FPort, uplink.FCnt, uplink.Radio), Is.EqualTo((0, 0L, (RadioMetadata?)null)));
        Assert.That(uplink.Time, Is.GreaterThanOrEqualTo(before.AddMilliseconds(-1)));
    }

    [Test]
    public async Task Should_take_numbers_as_Protocol_Buffers_may_write_them()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("tts", $$"""
            {"end_device_ids":{"dev_eui":"{{device.DevEui}}"},"received_at":"2026-03-02T10:20:05.012345678Z",
             "uplink_message":{"f_cnt":"4294967295","f_port":null,"frm_payload":null,"rx_metadata":[{"rssi":"-97.5","snr":"NaN"}],"settings":null} }
            """);

        Assert.That((uplink.FPort, uplink.FCnt, uplink.Radio, uplink.Time), Is.EqualTo((0, 4294967295L, new RadioMetadata(-97.5, 0, null, 1), ReceivedAt)));
    }

    [Test]
    public async Task Should_be_found_by_the_network_servers_name_where_there_is_no_DevEUI()
    {
        await town.PostAsync("devices", """{"id":"pegel-7","name":"Pegel","profile":"gauge"}""", town.Admin);
        await town.DeviceAsync("pegel-8");

        Assert.That((await TakenAsync("tts", Messages.TheThingsStack("pegel-7", null))).Device, Is.EqualTo("pegel-7"));
        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-7", "70B3D57EDFFFFFFF", receivedAt: "2026-03-02T10:30:00Z"))).Status, Is.EqualTo(202));
        // A device of that name with another DevEUI is another device.
        Assert.That((await town.UplinkAsync("tts", Messages.TheThingsStack("pegel-8", "70B3D57EDFFFFFFF"))).Error, Is.EqualTo("unknown_device"));
    }

    [Test]
    public async Task Should_be_read_from_ChirpStack()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("chirpstack?event=up", Messages.ChirpStack(device.DevEui.ToLowerInvariant()));

        Assert.That((uplink.Device, uplink.FPort, uplink.FCnt, uplink.Time, uplink.Radio), Is.EqualTo(("pegel-1", 85, 158L, ReceivedAt, new RadioMetadata(-36, 10.5, 9, 1))));
        Assert.That(uplink.Bytes, Is.EqualTo(Convert.FromHexString("03670001047e0001")));
        Assert.That((await TakenAsync("chirpstack", Messages.ChirpStack(device.DevEui, ""))).Bytes, Is.Empty);
    }

    [TestCase(""" "bytes":"01fF" """)]
    [TestCase(""" "bytes":[1,255] """)]
    public async Task Should_be_read_from_plain_JSON(string content)
    {
        await town.DeviceAsync();
        var uplink = await TakenAsync("json", Messages.Plain("pegel-1", content));
        Assert.That((uplink.FPort, uplink.FCnt, uplink.Bytes), Is.EqualTo((1, (long?)null, new byte[] { 1, 255 })));
    }

    [Test]
    public async Task Should_keep_fields_that_were_decoded_elsewhere()
    {
        await town.DeviceAsync("pegel-1");
        var decoded = await town.DeviceAsync("wetter-1", Profiles.Decoded);

        Assert.That((await TakenAsync("json", Messages.Plain("pegel-1", """ "data":{"distance":1.25,"battery":{"voltage":3.6}} """))).Data!.Value.GetProperty("distance").GetDouble(), Is.EqualTo(1.25));

        var message = Messages.TheThingsStack("x", decoded.DevEui, """ "frm_payload":"AQ==","decoded_payload":{"temperature":21.5}, """);
        await town.UplinkAsync("tts", message);
        var uplink = (await town.UplinksAsync(2)).Single(uplink => uplink.Device == "wetter-1");
        Assert.That((uplink.Bytes, uplink.Data?.GetRawText()), Is.EqualTo(((byte[]?)null, """{"temperature":21.5}""")), "without a codec, what the network server decoded counts");
    }

    [Test]
    public async Task Should_not_mistake_the_network_servers_decoding_for_the_codecs()
    {
        var device = await town.DeviceAsync();
        var uplink = await TakenAsync("tts", Messages.TheThingsStack("x", device.DevEui, """ "frm_payload":"AQ==","decoded_payload":{"distance":-1}, """));
        Assert.That((uplink.Bytes, uplink.Data), Is.EqualTo((new byte[] { 1 }, (object?)null)));
    }

    [Test]
    public async Task Should_have_the_same_id_when_it_is_sent_again_and_another_when_anything_differs()
    {
        var device = await town.DeviceAsync();
        async Task<string> IdAsync(string door, string json) => (await town.UplinkAsync(door, json)).Text("uplink");
        var message = Messages.TheThingsStack("x", device.DevEui);

        var first = await IdAsync("tts", message);
        Assert.That(await IdAsync("tts", message), Is.EqualTo(first));
        string[] others =
        [
            await IdAsync("tts", message.Replace("\"f_cnt\":158", "\"f_cnt\":159")),
            await IdAsync("tts", message.Replace("\"f_port\":85", "\"f_port\":86")),
            await IdAsync("tts", message.Replace("A2cAAQR+AAE=", "A2cAAQR+AAI=")),
            await IdAsync("tts", message.Replace("05.012345678Z", "05.012346678Z")),
        ];
        Assert.That(others.Append(first), Is.Unique);
        Assert.That(first, Does.Match("^[0-9a-f]{32}$"));

        var chirp = Messages.ChirpStack(device.DevEui).Replace("\"time\": \"2026-03-02T10:20:05.012345678+00:00\",", "");
        var timeless = await IdAsync("chirpstack", chirp);
        Assert.That(await IdAsync("chirpstack", chirp), Is.EqualTo(timeless), "its deduplicationId stands in for the time");
        Assert.That(timeless, Is.Not.EqualTo(await IdAsync("chirpstack", chirp.Replace("a5c902f9202d", "a5c902f9202e"))));
    }

    [TestCase("""{"end_device_ids":{"device_id":"x"},"join_accept":{"session_key_id":"a"},"received_at":"2026-03-02T10:20:05Z"}""")]
    [TestCase("""{"end_device_ids":{"device_id":"x"},"downlink_ack":{"f_port":1}}""")]
    [TestCase("""{"end_device_ids":{"device_id":"x"},"uplink_message":null}""")]
    [TestCase("{}")]
    public async Task Should_pass_over_what_is_no_uplink(string json)
    {
        Assert.That((await town.UplinkAsync("tts", json)).Status, Is.EqualTo(204));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

    [TestCase("join")]
    [TestCase("status")]
    [TestCase("ack")]
    public async Task Should_pass_over_ChirpStacks_other_events(string name)
    {
        Assert.That((await town.UplinkAsync("chirpstack?event=" + name, "{}")).Status, Is.EqualTo(204));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

    [Test]
    public async Task Should_belong_to_its_own_town_where_two_have_a_device_of_that_name()
    {
        var elsewhere = await service.TownAsync();
        await town.DeviceAsync("pegel-1");
        await elsewhere.DeviceAsync("pegel-1", Profiles.Decoded);

        var here = (await town.UplinkAsync("json", Messages.Plain("pegel-1", 1))).Status;
        var there = (await elsewhere.UplinkAsync("json", Messages.Plain("pegel-1", 2))).Status;

        Assert.That((here, there), Is.EqualTo((202, 202)));
        Assert.That((await town.UplinksAsync()).Select(uplink => (uplink.Profile, uplink.Bytes![3])), Is.EqualTo(new[] { ("gauge", (byte)1) }));
        Assert.That((await elsewhere.UplinksAsync()).Select(uplink => (uplink.Profile, uplink.Bytes![3])), Is.EqualTo(new[] { ("decoded", (byte)2) }));
    }

    [Test]
    public async Task Should_be_in_the_order_in_which_its_device_sent_it()
    {
        await town.DeviceAsync();
        for (var n = 0; n < 50; n++) await town.UplinkAsync("json", Messages.Plain("pegel-1", n));
        Assert.That((await town.UplinksAsync(50)).Select(uplink => (int)uplink.Bytes![3]), Is.EqualTo(Enumerable.Range(0, 50)));
    }
}
