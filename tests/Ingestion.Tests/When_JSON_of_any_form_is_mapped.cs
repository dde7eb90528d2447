using Allmende.Contracts;
using Allmende.Ingestion.Mappings;
using Allmende.Ingestion.Tests.Surroundings;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_JSON_of_any_form_is_mapped
{
    const string Stations = """
        {"name":"Wetterstationen","device":"wetter-{$.station}","items":"$.readings[*]","time":"@.ts","timeFormat":"unix",
         "data":{"temperature":"@.values.t","humidity":"@['rel.hum'][0]","voltage":"$.battery[0]"} }
        """;

    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    async Task KeepAsync(string mapping, string id = "wetter")
    {
        var answer = await town.PutAsync("uplink-mappings/" + id, mapping, town.Admin);
        Assert.That(answer.Status, Is.EqualTo(201), answer.Body);
    }

    [Test]
    public async Task Should_become_an_uplink()
    {
        await town.DeviceAsync("box-7", Profiles.Decoded);
        await KeepAsync("""{"name":"Box","device":"$.id","time":"$.ts","data":{"temperature":"$.values.t","humidity":"$.values.list[1]","wind":"$.values.wind"} }""");

        var answer = await town.UplinkAsync("mapped/wetter", """{"id":"BOX_7","ts":"2026-03-02T10:20:05.012Z","values":{"t":7.5,"list":[1,81],"wind":null},"more":{} }""");

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        var uplink = (await town.UplinksAsync()).Single();
        Assert.That((uplink.Id, uplink.Device, uplink.Data!.Value.GetProperty("temperature").GetDouble(), uplink.Data!.Value.GetProperty("humidity").GetInt32()), Is.EqualTo((answer.Text("uplink"), "box-7", 7.5, 81)));
        Assert.That(uplink.Data!.Value.TryGetProperty("wind", out _), Is.False, "what is not there is left out");
        Assert.That(uplink.Time, Is.EqualTo(new DateTimeOffset(2026, 3, 2, 10, 20, 5, 12, TimeSpan.Zero)));
    }

    [Test]
    public async Task Should_become_an_uplink_for_each_reading_of_a_list()
    {
        await town.DeviceAsync("wetter-rathaus", Profiles.Decoded);
        await KeepAsync(Stations);
        const string message = """{"station":"Rathaus","battery":[3.6],"readings":[{"ts":1772446805,"values":{"t":7.5},"rel.hum":[81]},{"ts":1772446865.25,"values":{"t":7.25}}]}""";

        var answer = await town.UplinkAsync("mapped/wetter", message);

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        var uplinks = await town.UplinksAsync(2);
        Assert.That(answer.Json.GetProperty("uplinks").EnumerateArray().Select(id => id.GetString()), Is.EqualTo(uplinks.Select(uplink => uplink.Id)));
        Assert.That(uplinks.Select(uplink => uplink.Time.ToUnixTimeMilliseconds()), Is.EqualTo(new[] { 1772446805000, 1772446865250 }));
        Assert.That(uplinks[0].Data!.Value.GetProperty("humidity").GetInt32(), Is.EqualTo(81));
        Assert.That(uplinks[1].Data!.Value.GetProperty("voltage").GetDouble(), Is.EqualTo(3.6));
        Assert.That((await town.UplinkAsync("mapped/wetter", message)).Body, Is.EqualTo(answer.Body), "sent again, they have the same ids");
    }

    [TestCase("hex", "\"01fF\"")]
    [TestCase("base64", "\"Af8=\"")]
    [TestCase("base64", "[1,255]")]
    public async Task Should_carry_bytes_for_a_codec(string format, string payload)
    {
        var device = await town.DeviceAsync();
        // As another network server writes it.
        await KeepAsync($$"""{"name":"Netz","device":"$.EUI","time":"$.ts","timeFormat":"unix_ms","bytes":"$.data","bytesFormat":"{{format}}","port":"$.port"}""");

        var answer = await town.UplinkAsync("mapped/wetter", $$"""{"cmd":"rx","EUI":"{{device.DevEui}}","ts":1772446805012,"port":85,"data":{{payload}}}""");

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        var uplink = (await town.UplinksAsync()).Single();
        Assert.That((uplink.FPort, uplink.Data, Convert.ToHexStringLower(uplink.Bytes!)), Is.EqualTo((85, (object?)null, "01ff")));
        var tried = (await town.PostAsync("uplink-mappings/wetter/try", $$"""{"EUI":"{{device.DevEui}}","ts":1,"data":{{payload}}}""", town.Analyst)).Json.GetProperty("readings")[0];
        Assert.That((tried.GetProperty("bytes").GetString(), tried.GetProperty("port").GetInt32()), Is.EqualTo(("01ff", 0)));
    }

    [TestCase("""{"EUI":"pegel-1","data":"0g"}""", "$.data")]
    [TestCase("""{"EUI":"pegel-1","data":[256]}""", "$.data")]
    [TestCase("""{"EUI":"pegel-1","data":{}}""", "$.data")]
    [TestCase("""{"EUI":"pegel-1"}""", "$.data")]
    [TestCase("""{"EUI":"pegel-1","data":"01","port":256}""", "$.port")]
    [TestCase("""{"EUI":"pegel-1","data":"01","port":{}}""", "$.port")]
    public async Task Should_name_the_path_of_bytes_at_fault(string message, string path)
    {
        await town.DeviceAsync();
        await KeepAsync("""{"name":"Netz","device":"$.EUI","bytes":"$.data","port":"$.port"}""");
        var answer = await town.UplinkAsync("mapped/wetter", message);
        Assert.That((answer.Status, answer.Error, answer.Field), Is.EqualTo((422, "invalid_uplink", path)), answer.Body);
    }

    [Test]
    public async Task Should_not_lose_good_readings_by_a_bad_one()
    {
        await town.DeviceAsync("wetter-rathaus", Profiles.Decoded);
        await KeepAsync(Stations);
        await KeepAsync("""{"name":"Viele","device":"@.id","items":"$[*]","data":{"temperature":"@.t"} }""", "viele");

        var answer = await town.UplinkAsync("mapped/wetter", """{"station":"rathaus","readings":[{"ts":"gestern","values":{"t":1}},{"ts":1772446805,"values":{"t":2}},{"ts":1772446806}]}""");
        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        Assert.That(answer.Json.GetProperty("uplinks").GetArrayLength(), Is.EqualTo(1));
        Assert.That(answer.Json.GetProperty("refused").EnumerateArray().Select(one => (one.GetProperty("index").GetInt32(), one.GetProperty("type").GetString(), one.GetProperty("field").GetString())),
            Is.EqualTo(new[] { (0, "invalid_uplink", "@.ts"), (2, "invalid_uplink", "@.values.t") }));

        var others = await town.UplinkAsync("mapped/viele", """[{"id":"fehlt","t":1},{"id":"wetter-rathaus","t":2}]""");
        Assert.That(others.Json.GetProperty("refused")[0].GetProperty("type").GetString(), Is.EqualTo("unknown_device"));
        var none = await town.UplinkAsync("mapped/viele", """[{"id":"fehlt","t":1},{"t":2}]""");
        Assert.That((none.Status, none.Error), Is.EqualTo((404, "unknown_device")), "the first one's");
        Assert.That((await town.UplinkAsync("mapped/viele", "[]")).Status, Is.EqualTo(204));
    }

    [TestCase("""{"values":{"t":1}}""", "$.id")]
    [TestCase("""{"id":{},"ts":1,"values":{"t":1}}""", "$.id")]
    [TestCase("""{"id":"box-7","values":{"t":1}}""", "$.ts")]
    [TestCase("""{"id":"box-7","ts":"x","values":{"t":1}}""", "$.ts")]
    [TestCase("""{"id":"box-7","ts":-1,"values":{"t":1}}""", "$.ts")]
    [TestCase("""{"id":"box-7","ts":9e99,"values":{"t":1}}""", "$.ts")]
    [TestCase("""{"id":"box-7","ts":1000000000,"values":{"t":1}}""", "$.ts")]
    [TestCase("""{"id":"box-7","ts":1772446805000}""", "$.values.t")]
    [TestCase("""[]""", "$.id")]
    public async Task Should_name_the_path_at_fault(string message, string path)
    {
        await town.DeviceAsync("box-7", Profiles.Decoded);
        await KeepAsync("""{"name":"Box","device":"$.id","time":"$.ts","timeFormat":"unix_ms","data":{"temperature":"$.values.t"} }""");
        var answer = await town.UplinkAsync("mapped/wetter", message);
        Assert.That((answer.Status, answer.Error, answer.Field), Is.EqualTo((422, "invalid_uplink", path)), answer.Body);
    }

    [Test]
    public async Task Should_be_refused_where_it_is_broken_or_too_much()
    {
        await town.DeviceAsync("wetter-1", Profiles.Decoded);
        await KeepAsync("""{"name":"Liste","device":"wetter-1","items":"$[*]","data":{"temperature":"@"} }""");

        Assert.That((await town.UplinkAsync("mapped/wetter", "[1,")).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync("mapped/wetter", "[\"\\ud800\"]")).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync("mapped/wetter", new string('[', 40) + new string(']', 40))).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.UplinkAsync("mapped/wetter", $"[{string.Join(',', Enumerable.Range(0, 501))}]")).Field, Is.EqualTo("$[*]"));
        Assert.That((await town.UplinkAsync("mapped/wetter", $"[\"{new string('x', 300_000)}\"]")).Status, Is.EqualTo(413));
        Assert.That((await town.UplinkAsync("mapped/fehlt", "{}")).Error, Is.EqualTo("unknown_mapping"));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
        Assert.That((await town.UplinkAsync("mapped/wetter", $"[{string.Join(',', Enumerable.Range(0, 500))}]")).Json.GetProperty("uplinks").GetArrayLength(), Is.EqualTo(500));
    }

    [Test]
    public async Task Should_write_only_what_its_sender_may()
    {
        var own = await town.DeviceAsync("wetter-1", Profiles.Decoded);
        await town.DeviceAsync("wetter-2", Profiles.Decoded);
        await KeepAsync("""{"name":"x","device":"wetter-{$.n}","data":{"temperature":"$.t"} }""");

        Assert.That((await town.UplinkAsync("mapped/wetter", """{"n":1,"t":1}""", own.Key)).Status, Is.EqualTo(202));
        Assert.That((await town.UplinkAsync("mapped/wetter", """{"n":2,"t":1}""", own.Key)).Error, Is.EqualTo("unknown_device"));
        Assert.That((await town.PostAsync("uplinks/mapped/wetter", """{"n":1,"t":1}""", null)).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task Should_count_every_reading_against_the_limits()
    {
        await using var slow = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "3")]);
        town = await slow.TownAsync();
        await town.DeviceAsync("wetter-1", Profiles.Decoded);
        await KeepAsync("""{"name":"Liste","device":"wetter-1","items":"$[*]","time":"@[0]","timeFormat":"unix","data":{"temperature":"@[1]"} }""");

        var answer = await town.UplinkAsync("mapped/wetter", "[[1772446801,1],[1772446802,2],[1772446803,3],[1772446804,4]]");

        Assert.That((answer.Status, answer.Error, answer.RetryAfter), Is.EqualTo((429, "too_many_uplinks", TimeSpan.FromSeconds(1))), "the whole message is to be sent again");
    }

    [Test]
    public async Task Should_be_found_by_DevEUI_as_well()
    {
        var device = await town.DeviceAsync("pegel-1", Profiles.Decoded);
        await KeepAsync("""{"name":"x","device":"$.eui","data":{"temperature":"$.t"} }""");
        await town.UplinkAsync("mapped/wetter", $$"""{"eui":"{{device.DevEui.ToLowerInvariant()}}","t":1}""");
        Assert.That((await town.UplinksAsync()).Single().Device, Is.EqualTo("pegel-1"));
    }

    [Test]
    public async Task Should_be_shown_before_it_counts()
    {
        await town.DeviceAsync("wetter-rathaus", Profiles.Decoded);
        await KeepAsync(Stations);

        var tried = await town.PostAsync("uplink-mappings/wetter/try", """{"station":"rathaus","readings":[{"ts":1772446805,"values":{"t":7.5}},{"ts":"x"}]}""", town.Analyst);

        Assert.That(tried.Json.GetProperty("readings").GetRawText(), Is.EqualTo(
            """[{"index":0,"device":"wetter-rathaus","registered":true,"time":"2026-03-02T10:20:05+00:00","data":{"temperature":7.5}},{"index":1,"device":"wetter-rathaus","registered":true,"field":"@.ts","fault":"must be seconds since 1970"}]"""));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
        var unknown = await town.PostAsync("uplink-mappings/wetter/try", """{"station":"Bauhof","readings":[{"ts":1772446805,"values":{"t":7.5}}]}""", town.Analyst);
        Assert.That((unknown.Json.GetProperty("readings")[0].GetProperty("device").GetString(), unknown.Json.GetProperty("readings")[0].GetProperty("registered").GetBoolean()), Is.EqualTo(("wetter-bauhof", false)));
        Assert.That((await town.PostAsync("uplink-mappings/wetter/try", "{", town.Analyst)).Error, Is.EqualTo("malformed_request"));
        Assert.That((await town.PostAsync("uplink-mappings/fehlt/try", "{}", town.Analyst)).Error, Is.EqualTo("unknown_mapping"));
    }

    [Test]
    public async Task Should_be_kept_shown_changed_and_removed()
    {
        await town.DeviceAsync("wetter-rathaus", Profiles.Decoded);
        await KeepAsync(Stations);
        var shown = await town.GetAsync("uplink-mappings/wetter", town.Analyst);
        Assert.That((shown.Text("device"), shown.Text("items"), shown.Text("timeFormat"), shown.Json.GetProperty("data").GetProperty("voltage").GetString()), Is.EqualTo(("wetter-{$.station}", "$.readings[*]", "unix", "$.battery[0]")));
        Assert.That((await town.GetAsync("uplink-mappings", town.Analyst)).Json.GetProperty("items").GetArrayLength(), Is.EqualTo(1));

        Assert.That((await town.PutAsync("uplink-mappings/wetter", """{"name":"x","device":"wetter-rathaus","data":{"temperature":"$.t"} }""", town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.UplinkAsync("mapped/wetter", """{"t":1}""")).Status, Is.EqualTo(202), "at once");
        Assert.That((await town.DeleteAsync("uplink-mappings/wetter", town.Admin)).Status, Is.EqualTo(204));
        Assert.That((await town.UplinkAsync("mapped/wetter", """{"t":1}""")).Error, Is.EqualTo("unknown_mapping"), "at once");
        Assert.That((await town.DeleteAsync("uplink-mappings/wetter", town.Admin)).Error, Is.EqualTo("unknown_mapping"));
        Assert.That((await town.GetAsync("uplink-mappings/wetter", town.Admin)).Error, Is.EqualTo("unknown_mapping"));
    }

    [Test]
    public async Task Should_be_for_the_towns_own_people()
    {
        var elsewhere = await service.TownAsync();
        Assert.That((await town.PutAsync("uplink-mappings/wetter", Stations, town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.PutAsync("uplink-mappings/wetter", Stations, town.Key)).Status, Is.EqualTo(403));
        await KeepAsync(Stations);
        Assert.That((await town.GetAsync("uplink-mappings/wetter", elsewhere.Admin)).Status, Is.EqualTo(403));
        Assert.That((await town.GetAsync("uplink-mappings/wetter", service.Neighbours.Token(town.Id, Roles.Partner))).Status, Is.EqualTo(403));
        Assert.That((await elsewhere.GetAsync("uplink-mappings/wetter", elsewhere.Admin)).Error, Is.EqualTo("unknown_mapping"));
    }

    [Test]
    public async Task Should_be_no_more_than_there_may_be()
    {
        await using var small = await Service.StartAsync(settings: [("Ingestion:MostMappings", "1")]);
        town = await small.TownAsync();
        await KeepAsync(Stations);
        Assert.That((await town.PutAsync("uplink-mappings/zweite", Stations, town.Admin)).Error, Is.EqualTo("too_many_mappings"));
        Assert.That((await town.PutAsync("uplink-mappings/wetter", Stations, town.Admin)).Status, Is.EqualTo(204));
    }

    [TestCase("{}", "name", "device", "data")]
    [TestCase("""{"name":"x","device":"a","data":{},"bytes":"$.b"}""", "data")]
    [TestCase("""{"name":"x","device":"a","bytes":"b","bytesFormat":"octal","port":"p"}""", "bytes", "bytesFormat", "port")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.t"},"bytesFormat":"hex","port":"$.p"}""", "bytesFormat", "port")]
    [TestCase("""{"name":"x","device":"$.","data":{"t":"$.t"}}""", "device")]
    [TestCase("""{"name":"x","device":"a{$.b","data":{"t":"$.t"}}""", "device")]
    [TestCase("""{"name":"x","device":"a{topic.0}","data":{"t":"$.t"}}""", "device")]
    [TestCase("""{"name":"x","device":"a{b}","data":{"t":"$.t"}}""", "device")]
    [TestCase("""{"name":"x","device":"@.id","data":{"t":"@.t"}}""", "device", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"t"}}""", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.a[*]"}}""", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.a[x]"}}""", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$..a"}}""", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":null}}""", "data.t")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.t"},"items":"$.a"}""", "items")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.t"},"items":"@.a[*]"}""", "items")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.t"},"time":"$.x","timeFormat":"iso"}""", "timeFormat")]
    [TestCase("""{"name":"x","device":"a","data":{"t":"$.t"},"timeFormat":"unix"}""", "timeFormat")]
    public async Task Should_name_all_fields_of_a_mapping_at_fault(string mapping, params string[] fields)
    {
        var answer = await town.PutAsync("uplink-mappings/wetter", mapping, town.Admin);
        Assert.That((answer.Status, answer.Error), Is.EqualTo((422, "invalid_mapping")), answer.Body);
        Assert.That(answer.Json.GetProperty("errors").EnumerateObject().Select(fault => fault.Name), Is.EquivalentTo(fields));
    }

    [Test]
    public void Should_read_any_text_as_a_path_or_say_what_is_wrong() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
        Gen.ListOf(Gen.Elements("a", ".", "[", "]", "'", "0", "*", "[0]", "['b.c']", ".b", "@", "\0")).Select(string.Concat).ToArbitrary(), text =>
        {
            var path = JsonPath.Parse("$" + text, isList: false, out var fault);
            var json = System.Text.Json.JsonElement.Parse("""{"a":[{"b":1}]}""");
            _ = path?.In(json, json);
            return path is null == fault is not null;
        }));
}
