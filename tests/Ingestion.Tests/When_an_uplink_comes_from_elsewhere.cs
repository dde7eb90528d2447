using System.Net.Http.Headers;
using System.Text;
using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

/// <summary>The doors for ThingPark, mioty and Sensor.Community, and what The Things Stack has normalised.</summary>
[TestFixture]
public class When_an_uplink_comes_from_elsewhere
{
    Service service = null!;
    Town town = null!;

    static readonly DateTimeOffset SentAt = new DateTimeOffset(2026, 3, 2, 10, 20, 5, TimeSpan.Zero).AddMicroseconds(12_000);

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    async Task<Uplink> TakenAsync(string door, string json, string? credential = null)
    {
        var answer = await town.UplinkAsync(door, json, credential);
        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        return (await town.UplinksAsync()).Single(uplink => uplink.Id == answer.Text("uplink"));
    }

    [Test]
    public async Task Should_be_read_from_ThingPark()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("actility?LrnDevEui=x&LrnFPort=2&AS_ID=stadt", Events.ThingParkUplink(device.DevEui));

        Assert.That((uplink.Device, uplink.FPort, uplink.FCnt, uplink.Time), Is.EqualTo(("pegel-1", 2, 7011L, SentAt)));
        Assert.That(uplink.Bytes, Is.EqualTo(Convert.FromHexString("10fc3f0b")));
        Assert.That(uplink.Radio, Is.EqualTo(new RadioMetadata(-89, 7.75, 9, 2)));
    }

    [Test]
    public async Task Should_be_read_from_ThingPark_where_numbers_are_text()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("actility", Events.ThingParkUplinkInText(device.DevEui));

        Assert.That((uplink.FPort, uplink.FCnt, uplink.Radio), Is.EqualTo((1, 4L, new RadioMetadata(-110, -2.5, 12, 1))));
        Assert.That(uplink.Bytes, Is.EqualTo(new byte[] { 1, 255 }));
    }

    [Test]
    public async Task Should_have_the_same_id_when_ThingPark_sends_it_again()
    {
        var device = await town.DeviceAsync();
        var first = (await town.UplinkAsync("actility", Events.ThingParkUplink(device.DevEui))).Text("uplink");
        Assert.That((await town.UplinkAsync("actility", Events.ThingParkUplink(device.DevEui))).Text("uplink"), Is.EqualTo(first));
    }

    [TestCase("actility", """{"DevEUI_uplink":{"FPort":1}}""", "DevEUI_uplink.DevEUI")]
    [TestCase("actility", """{"DevEUI_uplink":{"DevEUI":"70B3D57ED0000001","payload_hex":"0g"}}""", "DevEUI_uplink.payload_hex")]
    [TestCase("actility", """{"DevEUI_uplink":{"DevEUI":"70B3D57ED0000001","Lrrs":{"Lrr":"x"}}}""", "DevEUI_uplink.Lrrs.Lrr")]
    [TestCase("actility", """{"DevEUI_location":{"DevEUI":"70B3D57ED0000001","DevLAT":"91","DevLON":"8"}}""", "DevEUI_location.DevLAT")]
    [TestCase("mioty", """{"cnt":1,"data":[1]}""", "epEui")]
    [TestCase("mioty", """{"epEui":"70B3D57ED0000001","data":[256]}""", "data")]
    [TestCase("mioty", """{"epEui":"70B3D57ED0000001","data":"%%"}""", "data")]
    [TestCase("mioty", """{"epEui":-1,"data":[1]}""", "epEui")]
    [TestCase("mioty", """{"epEui":"70B3D57ED0000001","data":[1],"baseStations":[{"rxTime":-5}]}""", "baseStations.rxTime")]
    [TestCase("mioty", """{"epEui":"70B3D57ED0000001","data":[1],"baseStations":[1]}""", "baseStations")]
    [TestCase("sensor-community", """{"sensordatavalues":[{"value_type":"SDS_P1","value":"1"}]}""", "esp8266id")]
    [TestCase("sensor-community", """{"esp8266id":"1","sensordatavalues":[]}""", "sensordatavalues")]
    [TestCase("sensor-community", """{"esp8266id":"1"}""", "sensordatavalues")]
    [TestCase("sensor-community", """{"esp8266id":"1","sensordatavalues":[{"value":"1"}]}""", "sensordatavalues.value_type")]
    [TestCase("sensor-community", """{"esp8266id":"1","sensordatavalues":[{"value_type":"x","value":{}}]}""", "sensordatavalues.value")]
    public async Task Should_name_the_field_at_fault(string door, string json, string field)
    {
        var answer = await town.UplinkAsync(door, json);
        Assert.That((answer.Status, answer.Error, answer.Field), Is.EqualTo((422, "invalid_uplink", field)), answer.Body);
    }

    [TestCase("actility")]
    [TestCase("mioty")]
    [TestCase("sensor-community")]
    public async Task Should_tell_broken_and_huge_messages_from_wrong_ones(string door)
    {
        Assert.That((await town.UplinkAsync(door, "{\"a\":")).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync(door, "[]")).Error, Is.EqualTo("invalid_uplink"));
        Assert.That((await town.UplinkAsync(door, $"{{\"a\":\"{new string('x', 300_000)}\"}}")).Status, Is.EqualTo(413));
    }

    [Test]
    public async Task Should_be_read_from_Fraunhofers_application_centre()
    {
        var device = await town.DeviceAsync();
        var address = string.Join('-', device.DevEui.Chunk(2).Select(two => new string(two))).ToLowerInvariant();

        var uplink = await TakenAsync("mioty?device=" + address, Events.MiotyOfFraunhofer);

        Assert.That((uplink.Device, uplink.FPort, uplink.FCnt), Is.EqualTo(("pegel-1", 7, 1234L)));
        Assert.That(uplink.Bytes, Is.EqualTo(new byte[] { 1, 2, 3, 255 }));
        Assert.That(uplink.Time, Is.EqualTo(new DateTimeOffset(2026, 3, 2, 10, 20, 5, TimeSpan.Zero).AddMicroseconds(12_345)), "of the base station that heard it first");
        Assert.That(uplink.Radio, Is.EqualTo(new RadioMetadata(-110.5, 9.25, null, 2)));
    }

    [Test]
    public async Task Should_take_what_a_blueprint_read_for_a_profile_without_codec()
    {
        var device = await town.DeviceAsync("wetter-1", Profiles.Decoded);

        var uplink = await TakenAsync("mioty?device=" + device.DevEui, Events.MiotyOfFraunhofer);

        Assert.That(uplink.Data!.Value.GetProperty("temperature").GetProperty("value").GetDouble(), Is.EqualTo(22.5));
    }

    [Test]
    public async Task Should_be_read_as_the_mioty_Alliance_writes_it()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("mioty", Events.MiotyOfTheAlliance(Convert.ToUInt64(device.DevEui, 16)));

        Assert.That((uplink.Device, uplink.FCnt, uplink.Radio), Is.EqualTo(("pegel-1", 99L, new RadioMetadata(-101.5, 10.25, null, 1))));
        Assert.That(uplink.Bytes, Is.EqualTo(new byte[] { 222, 173 }));
    }

    [Test]
    public async Task Should_be_read_from_KiloCenter()
    {
        var device = await town.DeviceAsync();

        var uplink = await TakenAsync("mioty?device=" + device.DevEui, Events.MiotyOfKiloCenter);

        Assert.That((Encoding.ASCII.GetString(uplink.Bytes!), uplink.FCnt, uplink.Radio), Is.EqualTo(("Hello", 1234L, new RadioMetadata(-95, 7.5, null, 1))));
    }

    [Test]
    public async Task Should_be_read_from_an_airRohr()
    {
        await town.DeviceAsync("esp8266-12331981", Profiles.Decoded);

        var uplink = await TakenAsync("sensor-community", Events.AirRohr);

        Assert.That((uplink.Device, uplink.Bytes), Is.EqualTo(("esp8266-12331981", (byte[]?)null)));
        Assert.That(uplink.Data!.Value.GetRawText(), Is.EqualTo(
            """{"SDS_P1":0.4,"SDS_P2":0.2,"BME280_temperature":20.47,"BME280_pressure":100613.25,"BME280_humidity":69.02,"noise_LAeq":49.9,"samples":4222662,"GPS_date":"03/02/2026","signal":-94}"""));
        Assert.That(uplink.Time, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromSeconds(10)));
    }

    async Task<Answer> BasicAsync(string user, string password, string door = "sensor-community", string? apiKey = null)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/{town.Id}/uplinks/{door}") { Content = Town.JsonContent(door == "json" ? Messages.Plain("feinstaub-1") : Events.AirRohr) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        if (apiKey is not null) request.Headers.Add("X-Api-Key", apiKey);
        using var answer = await http.SendAsync(request);
        return new Answer((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, null, null, string.Join(", ", answer.Headers.WwwAuthenticate) + await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task Should_take_the_airRohrs_password()
    {
        var device = await town.DeviceAsync("feinstaub-1", Profiles.Decoded);
        await town.DeviceAsync("feinstaub-2", Profiles.Decoded);

        Assert.That((await BasicAsync("feinstaub-1", device.Key)).Status, Is.EqualTo(202), "its id and its key");
        Assert.That((await BasicAsync(town.Id, device.Key)).Status, Is.EqualTo(202), "the municipality and its key");
        Assert.That((await BasicAsync("feinstaub-2", town.Key)).Status, Is.EqualTo(202), "its id and the municipality's key");
        Assert.That((await town.UplinksAsync(3)).Select(uplink => uplink.Device), Is.EquivalentTo(new[] { "feinstaub-1", "feinstaub-1", "feinstaub-2" }));

        Assert.That((await BasicAsync(town.Id, town.Key)).Status, Is.EqualTo(404), "which device is up to the chip's number then");
        await town.DeviceAsync("esp8266-12331981", Profiles.Decoded);
        Assert.That((await BasicAsync(town.Id, town.Key)).Status, Is.EqualTo(202));
    }

    [Test]
    public async Task Should_not_take_a_wrong_password_nor_any_at_another_door()
    {
        var device = await town.DeviceAsync("feinstaub-1", Profiles.Decoded);

        var wrong = await BasicAsync("feinstaub-1", "dk_" + new string('0', 43));
        Assert.That((wrong.Status, wrong.Body), Is.EqualTo((401, wrong.Body)));
        Assert.That(wrong.Body, Does.Contain("Basic realm=\"allmende\", charset=\"UTF-8\""));
        Assert.That((await BasicAsync("feinstaub-1", "")).Status, Is.EqualTo(401));
        Assert.That((await BasicAsync("feinstaub-1", device.Key, "json")).Status, Is.EqualTo(401), "another door");
        Assert.That((await BasicAsync("feinstaub-1", device.Key, apiKey: device.Key)).Status, Is.EqualTo(401), "two credentials");
        Assert.That((await BasicAsync("feinstaub-1", service.Neighbours.AddKey(town.Id, "something:else"))).Status, Is.EqualTo(403));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

    [Test]
    public async Task Should_take_what_The_Things_Stack_normalised_where_it_did_not_decode()
    {
        var device = await town.DeviceAsync("wetter-1", Profiles.Decoded);
        const string measurement = """{"air":{"temperature":21.5}}""";
        Task<Uplink> SentAsync(string content) => TakenAsync("tts", Messages.TheThingsStack("x", device.DevEui, content));

        Assert.That((await SentAsync($""" "f_cnt":1,"normalized_payload":[{measurement}], """)).Data!.Value.GetRawText(), Is.EqualTo(measurement));
        Assert.That((await SentAsync($$""" "f_cnt":2,"decoded_payload":{"temperature":21},"normalized_payload":[{{measurement}}], """)).Data!.Value.GetRawText(), Is.EqualTo("""{"temperature":21}"""));
        Assert.That((await SentAsync($""" "f_cnt":3,"normalized_payload":[{measurement},{measurement}], """)).Data!.Value.GetRawText(), Is.EqualTo($"[{measurement},{measurement}]"));
        Assert.That((await SentAsync(""" "f_cnt":4,"normalized_payload":[], """)).Data, Is.Null);
    }
}
