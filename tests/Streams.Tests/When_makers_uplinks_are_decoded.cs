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
            Assert.That(Library.Codecs.ContainsKey(profile.Codec!), profile.Id);
            Assert.That(ProfileRules.Faults(profile), Is.Empty, profile.Id);
            Assert.That((profile.Dataset, profile.DatasetName), Is.Not.EqualTo((default(string), default(string))), profile.Id);
        }
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
