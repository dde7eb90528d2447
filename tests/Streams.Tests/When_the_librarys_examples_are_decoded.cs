using System.Text.Json;
using Allmende.Contracts;
using Allmende.Streams.Codecs;
using Allmende.Streams.Library;
using Allmende.Streams.Profiles;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

/// <summary>Every message in <c>Library/examples</c>, through the real sandbox.</summary>
[TestFixture]
public class When_the_librarys_examples_are_decoded
{
    const int FewestProfiles = 70;
    static readonly DeviceLibrary Library = new();

    /// <summary>UCUM codes that the library's profiles use; another one is looked up before it is added.</summary>
    static readonly string[] Units =
    [
        "%", "1", "A", "Cel", "Hz", "Pa", "V", "V.A.h", "W", "W.h", "W/m2", "dB[SPL]", "[ppb]", "[ppm]", "bar", "cm", "deg", "hPa", "kPa", "km", "km/h", "lx", "m", "m/s", "m3", "m3/m3",
        "mA", "mV", "mg/m3", "min", "mm", "mm/h", "nm", "s", "uS/cm", "ug/m3",
    ];

    CodecRunner runner = null!;

    [OneTimeSetUp] public void Start() => runner = Runner.Start();

    [OneTimeTearDown] public async Task StopAsync() => await runner.DisposeAsync();

    public static IEnumerable<TestCaseData> Uplinks() => Cases("Should_yield_the_data", downlinks: false);

    public static IEnumerable<TestCaseData> Downlinks() => Cases("Should_encode_and_decode_the_downlink", downlinks: true);

    [TestCaseSource(nameof(Uplinks))]
    public async Task Should_yield_the_data(string codec, CodecExample example)
    {
        var outcome = await DecodeAsync(codec, example);

        Assert.That(outcome.Fault, Is.Null);
        var decoded = outcome.Answer.GetProperty("decoded");
        Assert.That(JsonDifference.Find(example.Data, decoded.GetProperty("data")), Is.Null);
        Assert.That(Texts(decoded, "errors").Concat(Texts(decoded, "warnings")), Is.Empty);
        if (example.Normalized is { } normalized) Assert.That(JsonDifference.Find(normalized, outcome.Answer.GetProperty("normal").GetProperty("data")), Is.Null);
    }

    [TestCaseSource(nameof(Downlinks))]
    public async Task Should_encode_and_decode_the_downlink(string codec, CodecExample example)
    {
        var encoded = await runner.EncodeAsync(Runner.Municipality, Library.Codecs[codec], new CodecCall(Data: example.Data), CancellationToken.None);
        var decoded = await runner.DecodeDownlinkAsync(Runner.Municipality, Library.Codecs[codec], new CodecCall(example.FPort, example.Payload), CancellationToken.None);

        Assert.That((encoded.Fault, decoded.Fault), Is.EqualTo((default(CodecFault), default(CodecFault))));
        Assert.That(encoded.Answer.GetProperty("fPort").GetInt32(), Is.EqualTo(example.FPort));
        Assert.That(encoded.Answer.GetProperty("bytes").EnumerateArray().Select(one => one.GetByte()), Is.EqualTo(example.Payload));
        Assert.That(JsonDifference.Find(example.Data, decoded.Answer.GetProperty("data")), Is.Null);
    }

    [Test]
    public async Task Should_show_every_field_that_a_profile_maps()
    {
        foreach (var profile in Decoded)
        {
            var ready = new ReadyProfile(profile);
            var observations = new List<Observation>();
            foreach (var example in Library.Examples[profile.Codec!].Where(example => !example.Downlink))
            {
                var answer = (await DecodeAsync(profile.Codec!, example)).Answer;
                JsonElement? normal = answer.TryGetProperty("normal", out var found) ? found.GetProperty("data") : null;
                ready.Map(new Uplink("u", "d", profile.Id, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch), normal, answer.GetProperty("decoded").GetProperty("data"), false, observations);
            }
            Assert.That(observations.Select(observation => observation.Datastream).Distinct(), Is.EquivalentTo(profile.Fields.Select(field => "d." + field.Field)), profile.Id);
        }
    }

    [Test]
    public void Should_be_there_for_every_profile()
    {
        Assert.That(Library.Profiles, Has.Count.GreaterThanOrEqualTo(FewestProfiles));
        foreach (var profile in Decoded) Assert.That(Library.Examples.GetValueOrDefault(profile.Codec!)?.Any(example => !example.Downlink), Is.True, profile.Id);
        foreach (var profile in Library.Profiles.Values)
        {
            Assert.That(ProfileRules.Faults(profile), Is.Empty, profile.Id);
            Assert.That((profile.Dataset is null, profile.DatasetName is null, profile.ExpectedInterval is null), Is.EqualTo((false, false, false)), profile.Id);
        }
        Assert.That(Library.Codecs.Keys, Is.EquivalentTo(Library.Examples.Keys));
    }

    [Test]
    public void Should_be_measured_in_units_of_UCUM_with_ranges_and_English_names()
    {
        foreach (var profile in Library.Profiles.Values)
            foreach (var field in profile.Fields)
            {
                if (field.Unit is not null) Assert.That(Units, Does.Contain(field.Unit), $"{profile.Id} {field.Field}");
                Assert.That(field.Range is null, Is.EqualTo(field.Unit is null), $"{profile.Id} {field.Field}");
                Assert.That(field.NameEn, Is.Not.Empty, $"{profile.Id} {field.Field}");
            }
    }

    /// <summary>Those that have a codec; uplinks of the others come decoded.</summary>
    static IEnumerable<DeviceProfile> Decoded => Library.Profiles.Values.Where(profile => profile.Codec is not null);

    static IEnumerable<TestCaseData> Cases(string test, bool downlinks) =>
        from codec in Library.Examples.Keys.Order(StringComparer.Ordinal)
        from example in Library.Examples[codec]
        where example.Downlink == downlinks
        select new TestCaseData(codec, example).SetName($"{test}({codec}: {example.Description})");

    async Task<CodecOutcome> DecodeAsync(string codec, CodecExample example) =>
        (await runner.DecodeAsync(Runner.Municipality, Library.Codecs[codec], [new CodecCall(example.FPort, example.Payload, DateTimeOffset.UnixEpoch)], CancellationToken.None))[0];

    static IEnumerable<string> Texts(JsonElement decoded, string name) =>
        decoded.TryGetProperty(name, out var list) ? list.EnumerateArray().Select(text => text.ToString()) : [];
}
