using System.Text;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Ingestion.Uplinks;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>Nothing that anybody sends makes a door fail: it takes it, or says what is wrong with it.</summary>
[TestFixture]
public class When_input_is_hostile
{
    static readonly string[] Doors = ["tts", "chirpstack", "chirpstack?event=status", "actility", "mioty", "sensor-community", "mapped/liste", "json"];
    static readonly int[] Expected = [202, 204, 400, 404, 413, 422];

    Service service = null!;
    Town town = null!;
    string[] wellFormed = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        var device = await town.DeviceAsync();
        await town.PutAsync("uplink-mappings/liste", """{"name":"Liste","device":"pegel-{$.n}","items":"$.list[*]","time":"@.time","data":{"a":"@.a","b":"$['data'].c"} }""", town.Admin);
        wellFormed =
        [
            Events.ChirpStackStatus(device.DevEui), Events.ChirpStackLocation(device.DevEui), Events.ThingParkUplink(device.DevEui), Events.ThingParkUplinkInText(device.DevEui),
            Events.ThingParkDownlink(device.DevEui, 0), Events.ThingParkNotification(device.DevEui, "devstatusans", "99", "3"), Events.MiotyOfFraunhofer, Events.MiotyOfKiloCenter,
            Events.TheThingsStack(device.DevEui, "downlink_failed", """{"downlink":{"correlation_ids":["a"]},"error":{"name":"b"}}"""), Events.AirRohr,
            """{"n":1,"list":[{"time":"2026-03-02T10:20:05Z","a":"ä\ud83d\ude00"},{"time":"2026-03-02T10:20:06Z","a":{"data":[1]}}],"data":{"c":1}}""",
            Messages.TheThingsStack("pegel-1", device.DevEui), Messages.ChirpStack(device.DevEui), Messages.Plain("pegel-1"),
            Messages.Plain("pegel-1", """ "data":{"a":[1,{"b":null}],"c":"ä\ud83d\ude00","d":1e-300} """),
        ];
    }

    /// <summary>Pieces that parsers stumble over.</summary>
    static readonly string[] Pieces =
    [
        "\0", "\\u0000", "\\ud800", "\ud83d\ude00", "\\", "\"", "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-0", "1e-9999", "99999999999999999999999",
        "\"NaN\"", "{}", "[]", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\"2026-02-30T25:61:61Z\"", "\"0001-01-01T00:00:00+23:59\"", "\"9999-12-31T23:59:59-23:59\"",
        "\"=\"", "\"AA\"", "\"\"", "\ufeff", "\r\n", "//", "/**/", "\"dev_eui\":", "\"device\":", "\"data\":", "\"uplink_message\":", "%00", "'; DROP TABLE device; --",
    ];

    /// <summary>A message with pieces of it cut out, doubled or replaced.</summary>
    Gen<string> Mangled() =>
        from message in Gen.Elements(wellFormed)
        from cuts in Gen.Choose(1, 4)
        from places in Gen.ListOf(Gen.Choose(0, 2000), cuts)
        from lengths in Gen.ListOf(Gen.Choose(0, 30), cuts)
        from pieces in Gen.ListOf(Gen.Elements(Pieces), cuts)
        select places.Zip(lengths, pieces).Aggregate(message, (text, cut) =>
        {
            var at = cut.First % (text.Length + 1);
            return text[..at] + cut.Third + text[Math.Min(text.Length, at + cut.Second)..];
        });

    static Gen<byte[]> Noise() => ArbMap.Default.GeneratorFor<byte[]>();

    [Test]
    public void Should_answer_every_message_that_is_not_quite_right() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(800), Prop.ForAll(Mangled().ToArbitrary(), message => Doors.All(door => IsAnswered(door, Encoding.UTF8.GetBytes(message)))));

    [Test]
    public void Should_answer_noise() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(Noise().ToArbitrary(), bytes => Doors.All(door => IsAnswered(door, bytes))));

    [Test]
    public void Should_answer_every_description_of_a_device_that_is_not_quite_right()
    {
        const string device = """
            {"id":"pegel-x","name":"Pegel","devEui":"70B3D57ED0000001","profile":"none","dataset":"a.b","expectedInterval":3,"location":{"type":"Point","coordinates":[8.38,51.9,3]}}
            """;
        var descriptions = from pieces in Gen.ListOf(Gen.Elements(Pieces), 3)
                           from places in Gen.ListOf(Gen.Choose(0, device.Length), 3)
                           select pieces.Zip(places).Aggregate(device, (text, cut) => text[..Math.Min(text.Length, cut.Second)] + cut.First + text[Math.Min(text.Length, cut.Second + 4)..]);
        var admin = town.Admin;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(descriptions.ToArbitrary(), description =>
        {
            var answer = town.PostAsync("devices", description, admin).GetAwaiter().GetResult();
            return (answer.Status is 400 or 422).Label($"{answer.Status} {answer.Body}");
        }));
    }

    bool IsAnswered(string door, byte[] body)
    {
        var answer = service.SendAsync(HttpMethod.Post, $"/{town.Id}/uplinks/{door}", town.Key, new ByteArrayContent(body)).GetAwaiter().GetResult();
        return Expected.Contains(answer.Status) ? true : throw new AssertionException($"{door}: {answer.Status} {answer.Body}");
    }

    [Test]
    public void Should_read_every_time_as_it_was_written() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
        (from micros in Gen.Choose(0, int.MaxValue)
         from scale in Gen.Choose(0, 60_000)
         from offset in Gen.Choose(-14 * 60, 14 * 60)
         select new DateTimeOffset(DateTime.UnixEpoch.AddMicroseconds((long)micros * scale).Ticks, TimeSpan.FromMinutes(offset))).ToArbitrary(),
        time =>
        {
            var text = time.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", System.Globalization.CultureInfo.InvariantCulture) + "789" + time.ToString("zzz", System.Globalization.CultureInfo.InvariantCulture);
            return Rfc3339.TryParse(Encoding.ASCII.GetBytes(text), out var read) && read == time;
        }));

    [TestCase("2026-03-02T10:20:05Z", "2026-03-02T10:20:05.000000Z")]
    [TestCase("2026-03-02t10:20:05.1z", "2026-03-02T10:20:05.100000Z")]
    [TestCase("2026-03-02T10:20:05.123456999+02:00", "2026-03-02T08:20:05.123456Z")]
    [TestCase("2026-12-31T23:59:60Z", "2026-12-31T23:59:59.999999Z")]
    [TestCase("2024-02-29T00:00:00-00:30", "2024-02-29T00:30:00.000000Z")]
    [TestCase("2023-02-29T00:00:00Z", null)]
    [TestCase("2026-03-02T10:20:05", null)]
    [TestCase("2026-03-02T10:20:05.Z", null)]
    [TestCase("2026-03-02T24:20:05Z", null)]
    [TestCase("2026-03-02T10:20:05+0200", null)]
    [TestCase("0001-01-01T00:00:00+00:01", null)]
    public void Should_know_a_time(string text, string? expected) =>
        Assert.That(Rfc3339.TryParse(Encoding.ASCII.GetBytes(text), out var time) ? time.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", System.Globalization.CultureInfo.InvariantCulture) : null, Is.EqualTo(expected));

    [TestCase("70b3d57ed0000001", "70B3D57ED0000001")]
    [TestCase("70-B3-D5-7E-D0-00-00-01", "70B3D57ED0000001")]
    [TestCase("70:b3:d5:7e:d0:00:00:01", "70B3D57ED0000001")]
    [TestCase("70b3d57ed000001", null)]
    [TestCase("70b3d57ed00000011", null)]
    [TestCase("70b3d57ed000000g", null)]
    public void Should_know_a_DevEUI(string text, string? expected) => Assert.That(Device.NormalizeDevEui(text), Is.EqualTo(expected));
}
