using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Codecs;
using Allmende.Streams.Library;
using Allmende.Streams.Profiles;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

/// <summary>Real uplinks with the fields that the makers say come out (`../shared/data/lorawan-uplinks.json`, beside the repository).</summary>
[TestFixture]
public class When_makers_uplinks_are_decoded
{
    const string File = "shared/data/lorawan-uplinks.json";
    static readonly DeviceLibrary Library = new();
    CodecRunner runner = null!;

    [OneTimeSetUp] public void Start() => runner = Runner.Start();

    [OneTimeTearDown] public async Task StopAsync() => await runner.DisposeAsync();

    public static IEnumerable<TestCaseData> Uplinks()
    {
        if (Find() is not { } file)
        {
            yield return new TestCaseData(default(JsonElement)).SetName("Should_yield_the_makers_fields").Ignore($"../{File} is not there");
            yield break;
        }
        foreach (var uplink in Runner.Json(System.IO.File.ReadAllText(file)).EnumerateArray())
            yield return new TestCaseData(uplink).SetName($"Should_yield_the_makers_fields({Id(uplink)}: {uplink.GetProperty("description").GetString()})");
    }

    [TestCaseSource(nameof(Uplinks))]
    public async Task Should_yield_the_makers_fields(JsonElement uplink)
    {
        var outcome = await DecodeAsync(uplink);

        Assert.That(outcome.Fault, Is.Null);
        var decoded = outcome.Answer.GetProperty("decoded");
        Assert.That(JsonDifference.Find(uplink.GetProperty("data"), decoded.GetProperty("data")), Is.Null);
        Assert.That(decoded.TryGetProperty("errors", out _), Is.False);
    }

    [Test]
    public async Task Should_find_the_fields_that_the_profiles_map()
    {
        Assume.That(Find(), Is.Not.Null, $"../{File} is not there");
        var uplinks = Runner.Json(await System.IO.File.ReadAllTextAsync(Find()!)).EnumerateArray().ToList();
        foreach (var device in uplinks.GroupBy(Id))
        {
            var profile = new ReadyProfile(Library.Profiles[device.Key]);
            var observations = new List<Observation>();
            foreach (var uplink in device)
            {
                var answer = (await DecodeAsync(uplink)).Answer;
                JsonElement? normal = answer.TryGetProperty("normal", out var found) ? found.GetProperty("data") : null;
                profile.Map(new Uplink("u", "d", device.Key, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch), normal, answer.GetProperty("decoded").GetProperty("data"), false, observations);
            }
            // The one device whose only uplink says that its probe is missing has nothing to map.
            if (device.Key != "dragino-ldds75") Assert.That(observations, Is.Not.Empty, device.Key);
        }
    }

    [Test]
    public void Should_have_a_codec_and_a_title_for_every_profile()
    {
        Assert.That(Library.Profiles, Has.Count.GreaterThanOrEqualTo(25));
        foreach (var profile in Library.Profiles.Values)
        {
            // What is sent ready needs none.
            Assert.That(profile.Codec is null ? profile.Id == "sensor-community-airrohr" : Library.Codecs.ContainsKey(profile.Codec), profile.Id);
            Assert.That(ProfileRules.Faults(profile), Is.Empty, profile.Id);
            Assert.That((profile.Dataset, profile.DatasetName), Is.Not.EqualTo((default(string), default(string))), profile.Id);
        }
    }

    [Test]
    public void Should_map_what_an_airRohr_sends()
    {
        var observations = new List<Observation>();
        new ReadyProfile(Library.Profiles["sensor-community-airrohr"]).Map(
            new Uplink("u", "d", "sensor-community-airrohr", DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(50)), null,
            Runner.Json("""{"SDS_P1":0.4,"SDS_P2":0.2,"BME280_temperature":20.47,"BME280_pressure":100613.25,"BME280_humidity":69.02,"noise_LAeq":49.9,"samples":4222662,"signal":-94}"""), false, observations);
        Assert.That(observations.Select(one => (one.Datastream, one.Value, one.Quality)), Is.EqualTo(new[]
        {
            ("d.SDS_P1", 0.4, Quality.Good), ("d.SDS_P2", 0.2, Quality.Good), ("d.BME280_temperature", 20.47, Quality.Good), ("d.BME280_pressure", 100613.25, Quality.Good),
            ("d.BME280_humidity", 69.02, Quality.Good), ("d.noise_LAeq", 49.9, Quality.Good),
        }));
    }

    async Task<CodecOutcome> DecodeAsync(JsonElement uplink) =>
        (await runner.DecodeAsync(Runner.Municipality, Library.Codecs[Id(uplink)],
            [new CodecCall(uplink.GetProperty("fPort").GetInt32(), Convert.FromHexString(uplink.GetProperty("bytes").GetString()!))], CancellationToken.None))[0];

    static string Id(JsonElement uplink) => $"{uplink.GetProperty("vendor").GetString()}-{uplink.GetProperty("codec").GetString()}";

    static string? Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (System.IO.File.Exists(Path.Combine(directory.FullName, "Platform.sln"))) return Path.Combine(directory.FullName, "..", File) is var file && System.IO.File.Exists(file) ? file : null;
        return null;
    }
}
