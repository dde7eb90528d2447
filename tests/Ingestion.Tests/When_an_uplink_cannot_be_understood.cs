using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_an_uplink_cannot_be_understood
{
    Service service = null!;
    Town town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.DeviceAsync();
    }

    [OneTimeTearDown]
    public async Task Should_have_left_nothing_in_the_log() => Assert.That(await town.UplinksAsync(0), Is.Empty);

    [TestCase("tts", """{"uplink_message":{}}""", "end_device_ids")]
    [TestCase("tts", """{"end_device_ids":[],"uplink_message":{}}""", "end_device_ids")]
    [TestCase("tts", """{"end_device_ids":{"dev_eui":7},"uplink_message":{}}""", "end_device_ids.dev_eui")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":[]}""", "uplink_message")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"f_port":256}}""", "uplink_message.f_port")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"f_port":1.5}}""", "uplink_message.f_port")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"f_cnt":-1}}""", "uplink_message.f_cnt")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"frm_payload":"***"}}""", "uplink_message.frm_payload")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"received_at":"gestern"}}""", "uplink_message.received_at")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"received_at":"2026-03-02T10:20:05"}}""", "uplink_message.received_at")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"received_at":"1970-01-01T00:00:05Z"}}""", "uplink_message.received_at")]
    [TestCase("tts", """{"end_device_ids":{"device_id":"pegel-1"},"uplink_message":{"rx_metadata":[7]}}""", "uplink_message.rx_metadata")]
    [TestCase("chirpstack", "{}", "deviceInfo.devEui")]
    [TestCase("chirpstack", """{"deviceInfo":{"devEui":"70B3D57ED0000001"},"object":[]}""", "object")]
    [TestCase("json", """{"bytes":"01"}""", "device")]
    [TestCase("json", """{"device":"pegel-1"}""", "bytes")]
    [TestCase("json", """{"device":"pegel-1","bytes":"0"}""", "bytes")]
    [TestCase("json", """{"device":"pegel-1","bytes":"0g"}""", "bytes")]
    [TestCase("json", """{"device":"pegel-1","bytes":[256]}""", "bytes")]
    [TestCase("json", """{"device":"pegel-1","bytes":{}}""", "bytes")]
    [TestCase("json", """{"device":"pegel-1","data":[1]}""", "data")]
    [TestCase("json", """{"device":"pegel-1","data":{},"bytes":"01"}""", "data")]
    [TestCase("json", """{"device":"pegel-1","bytes":"01","time":"2999-01-01T00:00:00Z"}""", "time")]
    [TestCase("json", """{"device":"pegel-1","bytes":"01","time":"0000-00-00T00:00:00Z"}""", "time")]
    [TestCase("json", "[]", "")]
    public async Task Should_name_the_field(string door, string json, string field)
    {
        var answer = await town.UplinkAsync(door, json);
        Assert.That((answer.Status, answer.Error, answer.Field), Is.EqualTo((422, "invalid_uplink", field)), answer.Body);
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("{\"device\":\"pegel-1\",}")]
    [TestCase("{\"device\":\"pegel-1\",\"bytes\":\"01\"} {}")]
    [TestCase("{\"device\":\"pegel-1\",\"bytes\":\"01\"}x")]
    [TestCase("nul")]
    [TestCase("{\"device\":\"\\ud800\"}")]
    [TestCase("{\"device\":\"pegel-1\",\"data\":{\"a\":[{\"b\":\"\\ud83d\"}]}}")]
    [TestCase("{\"device\":\"pegel-1\",\"data\":{\"\\ud83d\":1}}")]
    public async Task Should_say_that_it_is_no_JSON(string body)
    {
        var answer = await town.UplinkAsync("json", body);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((400, "malformed_request")), answer.Body);
    }

    [Test]
    public async Task Should_refuse_what_is_nested_too_deeply_or_too_large()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) + "1" + new string('}', 10_000);
        Assert.That((await town.UplinkAsync("json", $$"""{"device":"pegel-1","data":{{deep}}}""")).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync("tts", deep)).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync("tts", $$"""{"a":"{{new string('a', 300_000)}}"}""")).Error, Is.EqualTo("too_large"));
        using var chunked = new StreamContent(new MemoryStream(new byte[300_000]));
        var answer = await service.SendAsync(HttpMethod.Post, $"/{town.Id}/uplinks/tts", town.Key, new UnknownLength(chunked));
        Assert.That(answer.Error, Is.EqualTo("too_large"));
    }

    [Test]
    public async Task Should_not_know_the_device()
    {
        foreach (var name in new[] { "nobody", "\\u0000", "Pegel 1", "../x", new string('a', 200) })
            Assert.That((await town.UplinkAsync("json", Messages.Plain(name))).Error, Is.EqualTo("unknown_device"), name);
        Assert.That((await town.UplinkAsync("chirpstack", Messages.ChirpStack("no DevEUI"))).Error, Is.EqualTo("unknown_device"));
    }

    /// <summary>Sent in chunks, without a Content-Length.</summary>
    sealed class UnknownLength(HttpContent content) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => content.CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
