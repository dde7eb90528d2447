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

    public static IEnumerable<TestCaseData> Tasks() => Library.Profiles.Values.OrderBy(profile => profile.Id, StringComparer.Ordinal)
        .SelectMany(profile => (profile.Tasks ?? []).Select(task => new TestCaseData(profile.Codec, task) { TestName = $"Should_encode_the_task({profile.Id}.{task.Id})" }));

    /// <summary>What a profile says that its devices can be told, its codec encodes: the example, and each parameter at its bounds and with each of its values.</summary>
    [TestCaseSource(nameof(Tasks))]
    public async Task Should_encode_the_task(string codec, ProfileTask task)
    {
        Assert.That((task.Example is null, string.IsNullOrEmpty(task.NameEn), task.Parameters.All(parameter => parameter is { Label.Length: > 0, LabelEn.Length: > 0 })), Is.EqualTo((false, false, true)));
        foreach (var data in Told(task))
        {
            var encoded = await runner.EncodeAsync(Runner.Municipality, Library.Codecs[codec], new CodecCall(Data: data), CancellationToken.None);
            Assert.That(encoded.Fault, Is.EqualTo(default(CodecFault)));
            Assert.That(Texts(encoded.Answer, "errors"), Is.Empty, data.GetRawText());
            var (port, bytes) = (encoded.Answer.GetProperty("fPort").GetInt32(), encoded.Answer.GetProperty("bytes").EnumerateArray().Select(one => one.GetByte()).ToArray());
            Assert.That((port is >= 1 and <= 223, bytes.Length is > 0 and <= 51), Is.EqualTo((true, true)), data.GetRawText());
            var decoded = await runner.DecodeDownlinkAsync(Runner.Municipality, Library.Codecs[codec], new CodecCall(port, bytes), CancellationToken.None);
            Assert.That(JsonDifference.Find(data, decoded.Answer.GetProperty("data")), Is.Null, data.GetRawText());
        }
    }

    static IEnumerable<JsonElement> Told(ProfileTask task)
    {
        yield return task.Example!.Value;
        foreach (var parameter in task.Parameters)
            foreach (var value in parameter.Type switch
            {
                "Boolean" => ["true", "false"],
                "Category" => parameter.Values!.Select(one => JsonSerializer.Serialize(one)),
                _ => parameter.Range!.Select(one => JsonSerializer.Serialize(one)),
            })
            {
                var data = System.Text.Json.Nodes.JsonNode.Parse(task.Example.Value.GetRawText())!.AsObject();
                data[parameter.Name] = System.Text.Json.Nodes.JsonNode.Parse(value);
                yield return Runner.Json(data.ToJsonString());
            }
    }

    [Test]
    public void Should_have_tasks_where_something_is_moved_or_switched() => Assert.That(
        Library.Profiles.Values.Where(profile => profile.Tasks is { Count: > 0 }).Select(profile => profile.Id),
        Is.EquivalentTo(new[] { "mclimate-vicki", "milesight-iot-ws558", "milesight-iot-wt101", "strega-smart-valve" }));

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
