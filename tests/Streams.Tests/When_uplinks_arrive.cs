using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_uplinks_arrive
{
    static readonly DateTimeOffset Time = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    static StreamsService Service => OneStreamsService.Service;

    [Test]
    public async Task Should_become_observations_of_the_things_datastreams()
    {
        var town = await Service.MunicipalityAsync();

        await Service.SendAsync(town, Uplink("baum-1", "dragino-lse01", "ce2900f107a5099b6e2890", fPort: 2));

        var observations = await Service.ObservationsAsync(town, 5);
        Assert.That(observations.Select(observation => (observation.Datastream, observation.Value, observation.Quality)), Is.EquivalentTo(new[]
        {
            ("baum-1.water_SOIL", 19.57, Quality.Good), ("baum-1.temp_SOIL", 24.59, Quality.Good), ("baum-1.conduct_SOIL", 28200.0, Quality.OutOfRange),
            ("baum-1.TempC_DS18B20", 24.1, Quality.Good), ("baum-1.Bat", 3.625, Quality.Good),
        }));
        Assert.That(observations.Select(observation => observation.PhenomenonTime), Is.All.EqualTo(Observation.Micros(Time)));
    }

    [Test]
    public async Task Should_map_what_normalizeUplink_makes_and_truth_values()
    {
        var town = await Service.MunicipalityAsync();

        await Service.SendAsync(town, Uplink("platz-1", "bosch-tps110-0292", "01"));
        await Service.SendAsync(town, Uplink("regen-1", "decentlab-dl-tbrg-01", "0202f8000300040258409a00000c54"));

        var observations = await Service.ObservationsAsync(town, 5);
        Assert.That(observations.Single(observation => observation.Datastream == "platz-1.occupied").Json, Is.EqualTo("true"));
        Assert.That(observations.Single(observation => observation.Datastream == "regen-1.precipitation").Value, Is.EqualTo(0.4).Within(1e-9));
    }

    [Test]
    public async Task Should_take_data_that_came_decoded_with_and_without_normalizing()
    {
        var town = await Service.MunicipalityAsync();

        await Service.SendAsync(town, Uplink("klima-1", "milesight-iot-am107", null, """{"temperature": 21.5, "humidity": "47,5", "co2": null, "pressure": 1003}"""));
        await Service.SendAsync(town, Uplink("regen-1", "decentlab-dl-tbrg-01", null, """{"precipitation": {"displayName": "Precipitation", "unit": "mm", "value": 0.2}}"""));
        await Service.SendAsync(town, Uplink("regen-2", "decentlab-dl-tbrg-01", null, """{"precipitation": 0.3}"""));

        var observations = await Service.ObservationsAsync(town, 4);
        Assert.That(observations.Select(observation => (observation.Datastream, observation.Value)), Is.EquivalentTo(new[]
        {
            ("klima-1.temperature", 21.5), ("klima-1.pressure", 1003.0), ("regen-1.precipitation", 0.2), ("regen-2.precipitation", 0.3),
        }));
    }

    [Test]
    public async Task Should_flag_times_that_cannot_be_right()
    {
        var town = await Service.MunicipalityAsync();

        await Service.SendAsync(town, Uplink("klima-1", "milesight-iot-am107", null, """{"temperature": 21}""") with { ReceivedAt = Time.AddHours(-1) });
        await Service.SendAsync(town, Uplink("klima-2", "milesight-iot-am107", null, """{"temperature": 21}""") with { ReceivedAt = Time.AddDays(400) });

        var observations = await Service.ObservationsAsync(town, 2);
        Assert.That(observations.Select(observation => (observation.Datastream, observation.Quality)), Is.EquivalentTo(new[]
        {
            ("klima-1.temperature", Quality.FromFuture), ("klima-2.temperature", Quality.TooOld),
        }));
    }

    [Test]
    public async Task Should_give_the_same_natural_keys_when_delivered_twice()
    {
        var town = await Service.MunicipalityAsync();
        var uplink = Uplink("platz-1", "bosch-tps110-0292", "01ff", fPort: 2);

        await Service.SendAsync(town, uplink);
        await Service.SendAsync(town, uplink with { ReceivedAt = uplink.ReceivedAt.AddMinutes(1) });

        var observations = await Service.ObservationsAsync(town, 4);
        Assert.That(observations.Select(observation => (observation.Datastream, observation.PhenomenonTime)).Distinct().Count(), Is.EqualTo(2));
        Assert.That(observations, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task Should_keep_the_broken_ones_with_the_reason_and_replay_them()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        await PutCodecAsync(client, "mein", "function decodeUplink(i) { throw new Error('noch nicht fertig') }");
        await PutProfileAsync(client, "mein-geraet", "mein");
        await Service.SendAsync(town, Uplink("a", "mein-geraet", "01"));
        await Service.SendAsync(town, Uplink("b", "no-such-profile", "01"));
        await Service.SendAsync(town, Uplink("c", "dragino-lse01", "01", fPort: 2));
        await Service.Log.AppendAsync(town, Topics.Uplinks, "d", "no JSON"u8.ToArray(), CancellationToken.None);

        var letters = await StreamsService.DeadLettersAsync(client, 4);
        Assert.That(letters.EnumerateArray().Select(letter => letter.GetProperty("type").GetString()), Is.EquivalentTo(new[]
        {
            "codec_threw", "profile_unknown", "codec_reported_errors", "uplink_malformed",
        }));
        var mine = letters.EnumerateArray().Single(letter => letter.GetProperty("type").GetString() == "codec_threw");
        Assert.That(mine.GetProperty("reason").GetString(), Does.Contain("noch nicht fertig").And.Contain("line 1"));
        Assert.That(mine.GetProperty("device").GetString(), Is.EqualTo("a"));
        Assert.That(mine.GetProperty("uplink").GetString(), Is.EqualTo("uplink-a"));

        await PutCodecAsync(client, "mein", "function decodeUplink(i) { return { data: { wert: i.bytes[0] } } }");
        var replay = await client.PostAsync(new Uri($"dead-letters/{mine.GetProperty("id").GetString()}/replay", UriKind.Relative), null);

        Assert.That(replay.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await Service.ObservationsAsync(town, 1)).Single(), Is.EqualTo(new Observation("a.wert", Observation.Micros(Time), 1)));
        await StreamsService.DeadLettersAsync(client, 3);
        var again = await client.PostAsync(new Uri($"dead-letters/{mine.GetProperty("id").GetString()}/replay", UriKind.Relative), null);
        Assert.That(again.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_show_a_replayed_one_again_when_it_fails_again()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        await Service.SendAsync(town, Uplink("b", "no-such-profile", "01"));
        var first = (await StreamsService.DeadLettersAsync(client, 1))[0];

        await client.PostAsync(new Uri($"dead-letters/{first.GetProperty("id").GetString()}/replay", UriKind.Relative), null);

        await Testing.Eventually.TrueAsync(async () =>
        {
            var list = await StreamsService.DeadLettersAsync(client, 1);
            return list[0].GetProperty("at").GetDateTime() > first.GetProperty("at").GetDateTime();
        }, "later dead letter");
    }

    [Test]
    public async Task Should_page_dead_letters_by_links()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        for (var i = 0; i < 5; i++) await Service.SendAsync(town, Uplink($"d{i}", "no-such-profile", "01"));
        await StreamsService.DeadLettersAsync(client, 5);

        var seen = new List<string>();
        for (var next = "dead-letters?limit=2"; next is not null;)
        {
            var answer = await client.GetAsync(new Uri(next, UriKind.RelativeOrAbsolute));
            seen.AddRange((await answer.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray().Select(letter => letter.GetProperty("device").GetString()!));
            next = answer.Headers.TryGetValues("Link", out var links) ? new Uri(links.Single().Split('<', '>')[1]).PathAndQuery : null;
        }

        Assert.That(seen, Is.EquivalentTo(new[] { "d0", "d1", "d2", "d3", "d4" }));
    }

    [Test]
    public async Task Should_pass_another_towns_uplinks_while_a_codec_loops()
    {
        var (bad, good) = (await Service.MunicipalityAsync(), await Service.MunicipalityAsync());
        using var client = Service.Client(bad);
        await PutCodecAsync(client, "schleife", "function decodeUplink(i) { for (;;) {} }");
        await PutProfileAsync(client, "schleife", "schleife");
        for (var i = 0; i < 50; i++) await Service.SendAsync(bad, Uplink($"s{i}", "schleife", "01"));

        await Service.SendAsync(good, Uplink("platz-1", "bosch-tps110-0292", "01"));

        Assert.That(await Service.ObservationsAsync(good, 1), Has.Count.EqualTo(1));
        var letters = await StreamsService.DeadLettersAsync(client, 50);
        Assert.That(letters.EnumerateArray().Select(letter => letter.GetProperty("type").GetString()).Distinct(), Is.EquivalentTo(new[] { "codec_killed", "codec_quarantined" }));
    }

    static Uplink Uplink(string device, string profile, string? bytes, string? data = null, int fPort = 1) =>
        new($"uplink-{device}", device, profile, Time, Time.AddSeconds(1), fPort, 7, bytes is null ? null : Convert.FromHexString(bytes), data is null ? null : Runner.Json(data));

    internal static async Task PutCodecAsync(HttpClient client, string id, string text)
    {
        var answer = await client.PutAsync(new Uri($"codecs/{id}", UriKind.Relative), new StringContent(text, Encoding.UTF8, "text/javascript"));
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    static async Task PutProfileAsync(HttpClient client, string id, string codec)
    {
        var answer = await client.PutAsJsonAsync($"device-profiles/{id}", new { name = "Mein Gerät", codec, fields = new[] { new { field = "wert", name = "Wert", observedProperty = "value", unit = "1" } } });
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
