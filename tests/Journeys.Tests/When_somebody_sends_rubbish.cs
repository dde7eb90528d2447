using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Onboarding;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>Bad input gets a clear answer or becomes a dead letter with the reason, and nobody else notices.</summary>
[TestFixture]
public class When_somebody_sends_rubbish
{
    FreshMunicipality town = null!;
    HttpClient device = null!;

    [OneTimeSetUp]
    public async Task OnboardAsync()
    {
        town = await TheInstallation.OnboardAsync();
        await town.RegisterAsync("raum-1");
        device = town.AsDevice();
    }

    [OneTimeTearDown]
    public void Close()
    {
        device.Dispose();
        town.Dispose();
    }

    static IEnumerable<TestCaseData> Faults()
    {
        var good = Devices.Webhook("raum-1", Devices.Now(), Devices.RoomUplink).ToJsonString();
        static TestCaseData Case(string name, string path, string body, params int[] statuses) => new TestCaseData(path, body, statuses).SetArgDisplayNames(name);
        yield return Case("broken JSON", "uplinks/tts", good[..^20], 400, 422);
        yield return Case("no JSON at all", "uplinks/tts", "hello", 400, 422);
        yield return Case("an empty body", "uplinks/tts", "", 400, 422);
        yield return Case("a list", "uplinks/json", "[]", 400, 422);
        yield return Case("a port that is a word", "uplinks/json", """{"device":"raum-1","time":"2026-11-20T10:00:00Z","fPort":"five","bytes":"01"}""", 400, 422);
        yield return Case("bytes that are no hexadecimal", "uplinks/json", """{"device":"raum-1","time":"2026-11-20T10:00:00Z","fPort":5,"bytes":"xyz"}""", 400, 422);
        yield return Case("a time that is none", "uplinks/json", """{"device":"raum-1","time":"yesterday","fPort":5,"bytes":"01"}""", 400, 422);
        yield return Case("nested a thousand times", "uplinks/json", new string('[', 1000), 400, 422);
        yield return Case("an unknown device", "uplinks/json", """{"device":"nobody","time":"2026-11-20T10:00:00Z","fPort":5,"bytes":"01"}""", 404);
        yield return Case("an oversized body", "uplinks/json", $$"""{"device":"raum-1","fPort":5,"bytes":"{{new string('0', 2_000_000)}}"}""", 413);
    }

    [TestCaseSource(nameof(Faults))]
    public async Task Should_say_what_is_wrong_with(string path, string body, int[] statuses)
    {
        using var answer = await device.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        await AssertProblemAsync(answer, statuses);
    }

    [Test]
    public async Task Should_say_that_a_municipality_is_unknown()
    {
        using var http = new HttpClient { BaseAddress = TheInstallation.Running.Gateway };
        http.DefaultRequestHeaders.Add("X-Api-Key", town.DeviceKey);
        using var answer = await http.PostAsJsonAsync("nosuchtown/uplinks/tts", Devices.Webhook("raum-1", Devices.Now(), Devices.RoomUplink));
        await AssertProblemAsync(answer, 401, 403, 404);
    }

    [Test]
    public async Task Should_not_take_uplinks_without_a_key_or_with_a_made_up_one()
    {
        using var nobody = town.Anonymous();
        using var unsigned = await nobody.PostAsJsonAsync("uplinks/tts", Devices.Webhook("raum-1", Devices.Now(), Devices.RoomUplink));
        await AssertProblemAsync(unsigned, 401);
        nobody.DefaultRequestHeaders.Add("X-Api-Key", "ak_0123456789abcdefghijABCDEFGHIJ0123456789abc");
        using var forged = await nobody.PostAsJsonAsync("uplinks/tts", Devices.Webhook("raum-1", Devices.Now(), Devices.RoomUplink));
        await AssertProblemAsync(forged, 401, 403);
    }

    [Test]
    public async Task Should_say_where_a_codec_does_not_parse()
    {
        using var developer = await town.AsAsync("developer");
        using var answer = await developer.PutAsync("codecs/broken", new StringContent("function decodeUplink(input) {\n  return {{;\n}", null, "text/javascript"));
        var problem = await AssertProblemAsync(answer, 422);
        Assert.That(problem.ToJsonString(), Does.Match("\"?line\"?.{0,3}2"));
    }

    [TestCase("loops", "function decodeUplink() { for (;;) {} }")]
    [TestCase("throws", "function decodeUplink() { throw new Error('the sensor is on fire'); }")]
    [TestCase("eats memory", "function decodeUplink() { var all = []; for (;;) all.push(new Array(100000).fill(1)); }")]
    [TestCase("returns rubbish", "function decodeUplink() { return 'rubbish'; }")]
    [TestCase("says the bytes do not fit", "function decodeUplink(input) { return { errors: ['4 bytes are needed, there are ' + input.bytes.length] }; }")]
    public async Task Should_keep_and_explain_what_a_codec_fails_on_and_replay_it_once_that_is_corrected(string what, string javascript)
    {
        var id = what.Replace(' ', '-').ToLowerInvariant();
        await town.KeepCodecAsync(id, javascript);
        await town.RegisterAsync($"device-{id}", id);
        var time = Devices.Now();
        var uplink = await device.SendAsync($"device-{id}", time, "002a");

        var letter = await Eventually.GetAsync(() => DeadLetterAsync($"device-{id}"), $"dead letter of a codec that {what}", TimeSpan.FromSeconds(30));
        Assert.Multiple(() =>
        {
            Assert.That(letter["uplink"]!.GetValue<string>(), Is.EqualTo(uplink));
            Assert.That(letter["reason"]!.GetValue<string>(), Has.Length.GreaterThan(10));
        });

        await town.KeepCodecAsync(id, "function decodeUplink(input) { return { data: { value: (input.bytes[0] << 8) + input.bytes[1] } }; }");
        using var developer = await town.AsAsync("developer");
        using var replayed = await developer.PostAsync($"dead-letters/{letter["id"] ?? letter["uplink"]}/replay", null);
        Assert.That((int)replayed.StatusCode, Is.InRange(200, 299), await replayed.Content.ReadAsStringAsync());
        var observation = await Eventually.GetAsync(() => device.ObservationAsync($"device-{id}.value", time), "value after the replay", TimeSpan.FromSeconds(30));
        Assert.That(observation["result"]!.GetValue<double>(), Is.EqualTo(42));
        await Eventually.TrueAsync(async () => await DeadLetterAsync($"device-{id}") is null, "empty list of dead letters");
    }

    [Test]
    public async Task Should_not_keep_another_municipality_waiting()
    {
        using var loud = await TheInstallation.OnboardAsync();
        await loud.KeepCodecAsync("loops", "function decodeUplink() { for (;;) {} }");
        await loud.RegisterAsync("stuck", "loops");
        using var noise = loud.AsDevice();
        using var quiet = await TheInstallation.OnboardAsync();
        await quiet.RegisterAsync("raum-1");
        using var sensor = quiet.AsDevice();
        // The first value of a town opens connections and reads its profiles; that is not what is measured here.
        var first = Devices.Now().AddMinutes(-5);
        await sensor.SendAsync("raum-1", first, Devices.RoomUplink);
        await Eventually.GetAsync(() => sensor.ObservationAsync("raum-1.co2", first), "first value");

        using var enough = new CancellationTokenSource();
        var flood = Task.Run(async () =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                // Bytes that are none, devices that are none, a codec that never ends: as fast as answers come.
                using var garbage = await noise.PostAsync("uplinks/tts", new StringContent("{\"end_device_ids\":", Encoding.UTF8, "application/json"));
                using var stuck = await noise.PostAsJsonAsync("uplinks/tts", Devices.Webhook("stuck", Devices.Now().AddSeconds(-i), "00", fCnt: i + 1));
            }
        });
        try
        {
            var slowest = TimeSpan.Zero;
            for (var i = 0; i < 20; i++)
            {
                var time = Devices.Now().AddHours(-1).AddSeconds(i);
                var since = Stopwatch.StartNew();
                await sensor.SendAsync("raum-1", time, Devices.RoomUplink, fCnt: i + 10);
                await Eventually.GetAsync(() => sensor.ObservationAsync("raum-1.co2", time), $"value {i} beside the flood", TimeSpan.FromSeconds(10));
                slowest = since.Elapsed > slowest ? since.Elapsed : slowest;
                if (i % 5 == 4)
                    await Task.Delay(500);
            }
            TestContext.Out.WriteLine($"slowest value beside the flood: {slowest.TotalMilliseconds:0} ms");
            Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(5)));
        }
        finally
        {
            await enough.CancelAsync();
            await flood;
        }
    }

    async Task<JsonObject?> DeadLetterAsync(string deviceId)
    {
        using var developer = await town.AsAsync("developer");
        var letters = await developer.GetFromJsonAsync<JsonArray>($"dead-letters?device={deviceId}");
        return letters!.Select(letter => letter!.AsObject()).FirstOrDefault(letter => letter["device"]?.GetValue<string>() == deviceId);
    }

    static async Task<JsonObject> AssertProblemAsync(HttpResponseMessage answer, params int[] statuses)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.AnyOf(statuses.Cast<object>().ToArray()), text);
        Assert.That(answer.Content.Headers.ContentType, Is.EqualTo(new MediaTypeHeaderValue("application/problem+json")).Or.EqualTo(new MediaTypeHeaderValue("application/problem+json", "utf-8")), text);
        var problem = JsonNode.Parse(text)!.AsObject();
        Assert.Multiple(() =>
        {
            Assert.That(problem["type"]?.GetValue<string>(), Does.StartWith("urn:allmende:error:"), text);
            Assert.That(problem["title"]?.GetValue<string>(), Is.Not.Empty, text);
            Assert.That(problem["status"]?.GetValue<int>(), Is.EqualTo((int)answer.StatusCode), text);
        });
        return problem;
    }
}
