using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Log;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_an_uplink_is_refused
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    [Test]
    public async Task Should_ask_who_is_there()
    {
        await town.DeviceAsync();
        Assert.That((await town.PostAsync("uplinks/json", Messages.Plain("pegel-1"), null)).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), "dk_" + new string('0', 43))).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), service.Neighbours.AddKey(town.Id, "something:else"))).Status, Is.EqualTo(403));
        Assert.That(await town.UplinksAsync(0), Is.Empty);

        foreach (var allowed in new[] { town.Admin, service.Neighbours.Token(town.Id, Roles.Developer), town.Key })
            Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), allowed)).Status, Is.EqualTo(202));
    }

    [Test]
    public async Task Should_not_let_a_device_speak_for_another_nor_tell_it_whether_that_one_exists()
    {
        var own = await town.DeviceAsync("pegel-1");
        await town.DeviceAsync("pegel-2");

        var foreign = await town.UplinkAsync("json", Messages.Plain("pegel-2"), own.Key);
        var missing = await town.UplinkAsync("json", Messages.Plain("pegel-3"), own.Key);

        Assert.That((foreign.Status, foreign.Error), Is.EqualTo((404, "unknown_device")));
        static string Anonymous(Answer answer, string name) => System.Text.RegularExpressions.Regex.Replace(answer.Body.Replace(name, "…"), "\"traceId\":\"[^\"]*\"", "");
        Assert.That(Anonymous(foreign, "pegel-2"), Is.EqualTo(Anonymous(missing, "pegel-3")));
    }

    [Test]
    public async Task Should_not_know_another_towns_credentials()
    {
        var elsewhere = await service.TownAsync();
        await town.DeviceAsync();
        var foreign = await elsewhere.DeviceAsync();

        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), foreign.Key)).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), elsewhere.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), elsewhere.Admin)).Status, Is.EqualTo(403));
        Assert.That((await service.SendAsync(HttpMethod.Post, "/nowhere/uplinks/json", foreign.Key, Town.JsonContent("{}"))).Status, Is.EqualTo(404));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

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
        await town.PostAsync("devices", """{"id":"pegel-1","name":"Pegel","profile":"gauge"}""", town.Admin);
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

    [Test]
    public async Task Should_slow_down_a_device_that_sends_too_much_and_nobody_else()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "3")]);
        var there = await own.TownAsync();
        await there.DeviceAsync("pegel-1");
        await there.DeviceAsync("pegel-2");

        var answers = new List<Answer>();
        for (var n = 0; n < 5; n++) answers.Add(await there.UplinkAsync("json", Messages.Plain("pegel-1", n)));

        Assert.That(answers.Select(answer => answer.Status).Take(4), Is.EqualTo(new[] { 202, 202, 202, 429 }));
        Assert.That((answers[3].Error, answers[3].RetryAfter), Is.EqualTo(("too_many_uplinks", TimeSpan.FromSeconds(1))));
        Assert.That((await there.UplinkAsync("json", Messages.Plain("pegel-2"))).Status, Is.EqualTo(202));
        await Eventually.TrueAsync(async () => (await there.UplinkAsync("json", Messages.Plain("pegel-1", 9))).Status == 202, "turn of the device");
    }

    [Test]
    public async Task Should_slow_down_a_town_that_sends_too_much_and_no_other()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:MunicipalityRate:PerSecond", "1"), ("Ingestion:MunicipalityRate:Burst", "2")]);
        var flooding = await own.TownAsync();
        var quiet = await own.TownAsync();

        var answers = new List<int>();
        for (var n = 0; n < 3; n++) answers.Add((await flooding.UplinkAsync("tts", "{}")).Status);

        Assert.That(answers, Is.EqualTo(new[] { 204, 204, 429 }));
        Assert.That((await quiet.UplinkAsync("tts", "{}")).Status, Is.EqualTo(204));
    }

    [Test]
    public async Task Should_ask_to_wait_while_decoding_does_not_keep_up()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:MostWaitingUplinks", "10"), ("Ingestion:WaitingUplinksEvery", "00:00:00.05")]);
        var behind = await own.TownAsync();
        var other = await own.TownAsync();
        await behind.DeviceAsync();
        await other.DeviceAsync();
        var n = 0;

        // Nobody decodes in this test, so that all uplinks wait.
        var refusal = await Eventually.GetAsync(async () => await behind.UplinkAsync("json", Messages.Plain("pegel-1", n++)) is { Status: 503 } answer ? answer : null, "back-pressure");

        Assert.That((refusal.Error, refusal.RetryAfter), Is.EqualTo(("overloaded", TimeSpan.FromSeconds(5))));
        Assert.That((await other.UplinkAsync("json", Messages.Plain("pegel-1"))).Status, Is.EqualTo(202));

        using var decoding = new CancellationTokenSource();
        var decoder = own.Get<ILog>().ConsumeAsync(Topics.Uplinks, "streams", (_, _) => Task.CompletedTask, decoding.Token);
        await Eventually.TrueAsync(async () => (await behind.UplinkAsync("json", Messages.Plain("pegel-1", n++))).Status == 202, "end of back-pressure", TimeSpan.FromSeconds(20));
        await decoding.CancelAsync();
        Assert.That(async () => await decoder, Throws.InstanceOf<OperationCanceledException>());
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
