using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_a_layout_is_put
{
    const string Layout = """
        {
          "ports": {
            "1": [
              {"field": "temperature", "offset": 0, "type": "int16be", "scale": 0.1, "missing": 32767},
              {"field": "humidity", "offset": 2, "type": "uint8", "scale": 0.5},
              {"field": "open", "offset": 3, "type": "bool", "bit": 7},
              {"field": "mode", "offset": 3, "type": "bits", "bit": 0, "length": 3, "values": {"0": "aus", "1": "sparsam", "4": "an"}},
              {"field": "battery", "offset": 4, "type": "uint16le", "scale": 0.001, "offsetValue": 1, "optional": true}
            ],
            "2": [{"field": "meter", "offset": 0, "type": "bcdle", "length": 4, "scale": 0.01}, {"field": "flow", "offset": 4, "type": "float32be"}]
          },
          "downlinks": {"10": [{"field": "interval", "offset": 0, "type": "uint24be"}]}
        }
        """;
    static StreamsService Service => OneStreamsService.Service;

    [TestCase("""{"fPort":1,"bytes":"00d755840ce4"}""", """{"data":{"temperature":21.5,"humidity":42.5,"open":true,"mode":"an","battery":59.38},"warnings":[],"errors":[]}""")]
    [TestCase("""{"fPort":1,"bytes":"ff385501"}""", """{"data":{"temperature":-20,"humidity":42.5,"open":false,"mode":"sparsam"},"warnings":[],"errors":[]}""")]
    [TestCase("""{"fPort":1,"bytes":"7fff5500"}""", """{"data":{"humidity":42.5,"open":false,"mode":"aus"},"warnings":[],"errors":[]}""")]
    [TestCase("""{"fPort":1,"bytes":"00d75507"}""", """{"data":{"temperature":21.5,"humidity":42.5,"open":false},"warnings":["'mode' is 7, which has no meaning"],"errors":[]}""")]
    [TestCase("""{"fPort":2,"bytes":"7856341241a66666"}""", """{"data":{"meter":123456.78,"flow":20.8},"warnings":[],"errors":[]}""")]
    [TestCase("""{"fPort":2,"bytes":"1a00000041a66666"}""", """{"data":{"flow":20.8},"errors":["'meter' has a digit above 9"],"warnings":[]}""")]
    [TestCase("""{"fPort":2,"bytes":"78563412"}""", """{"data":{"meter":123456.78},"errors":["the message has 4 bytes; 'flow' ends at byte 8"],"warnings":[]}""")]
    [TestCase("""{"fPort":3,"bytes":"00"}""", """{"errors":["there is no layout for port 3"],"warnings":[]}""")]
    public async Task Should_decode_by_it(string body, string expected) => Assert.That(await CallAsync("decode", body), Is.EqualTo((200, expected)));

    [TestCase("""{"data":{"interval":1200}}""", """{"fPort":10,"bytes":[0,4,176],"warnings":[],"errors":[]}""")]
    [TestCase("""{"data":{"interval":1e9}}""", """{"errors":["'interval' must be a number from 0 to 16777215"],"warnings":[]}""")]
    [TestCase("""{"data":{"intervall":1}}""", """{"errors":["there is no field 'intervall'","'interval' is missing"],"warnings":[]}""")]
    [TestCase("""{"fPort":11,"data":{"interval":1}}""", """{"errors":["there is no layout for port 11"],"warnings":[]}""")]
    public async Task Should_encode_by_it(string body, string expected) => Assert.That(await CallAsync("encode", body), Is.EqualTo((200, expected)));

    [Test]
    public async Task Should_decode_downlinks_by_it() =>
        Assert.That(await CallAsync("decode-downlink", """{"fPort":10,"bytes":"0004b0"}"""), Is.EqualTo((200, """{"data":{"interval":1200},"warnings":[],"errors":[]}""")));

    [Test]
    public async Task Should_make_observations_of_uplinks()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        await PutAsync(client, Layout);
        var profile = new { name = "Mein Gerät", codec = "tafel", fields = new[] { new { field = "temperature", name = "Temperatur", observedProperty = "air_temperature", unit = "Cel" } } };
        Assert.That((await client.PutAsJsonAsync("device-profiles/mein-geraet", profile)).IsSuccessStatusCode);
        var time = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        await Service.SendAsync(town, new Uplink("u1", "a", "mein-geraet", time, time, 1, 1, [0, 215, 85, 0]));
        await Service.SendAsync(town, new Uplink("u2", "b", "mein-geraet", time, time, 1, 1, [0]));

        Assert.That((await Service.ObservationsAsync(town, 1)).Single(), Is.EqualTo(new Observation("a.temperature", Observation.Micros(time), 21.5)));
        Assert.That((await StreamsService.DeadLettersAsync(client, 1))[0].GetProperty("type").GetString(), Is.EqualTo("codec_reported_errors"));
    }

    [TestCase("""{"layout": [""", "$")]
    [TestCase("""[]""", "$")]
    [TestCase("""{}""", "layout")]
    [TestCase("""{"layout":[]}""", "layout")]
    [TestCase("""{"layouts":[]}""", "layouts")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"int8"},{"field":"a","offset":1,"type":"int8"}]}""", "layout[1].field")]
    [TestCase("""{"layout":[{"field":"a b","offset":0,"type":"int8"},{"field":"b","offset":-1,"type":"int12"}]}""", "layout[0].field", "layout[1].offset", "layout[1].type")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"uint8le"}]}""", "layout[0].type")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"uint8","scale":0,"ofset":1}]}""", "layout[0].ofset", "layout[0].scale")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"bits","bit":30,"length":8}]}""", "layout[0].length")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"bool","bit":8}]}""", "layout[0].bit")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"uint8","values":{"eins":"1"}}]}""", "layout[0].values.eins")]
    [TestCase("""{"layout":[{"field":"a","offset":0,"type":"float32","missing":1}]}""", "layout[0].missing")]
    [TestCase("""{"ports":{"0":[{"field":"a","offset":0,"type":"uint8"}],"7":[{"field":"a","type":"uint8"}]}}""", "ports.0", "ports.7[0].offset")]
    public async Task Should_name_the_places_that_are_wrong(string layout, params string[] paths)
    {
        using var client = Service.Client(await Service.MunicipalityAsync());

        var answer = await client.PutAsync(new Uri("codecs/tafel", UriKind.Relative), new StringContent(layout, Encoding.UTF8, "application/json"));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:allmende:error:layout_invalid"));
        Assert.That(problem.GetProperty("errors").EnumerateObject().Select(error => error.Name), Is.EquivalentTo(paths));
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(paths[0]));
    }

    [Test]
    public async Task Should_keep_every_version_and_take_an_older_one_back()
    {
        using var client = Service.Client(await Service.MunicipalityAsync());
        const string script = "function decodeUplink() { return { data: { neu: true } } }";
        await PutAsync(client, Layout);
        await When_uplinks_arrive.PutCodecAsync(client, "tafel", script);

        var versions = await client.GetFromJsonAsync<JsonElement>("codecs/tafel/versions");
        Assert.That(versions.EnumerateArray().Select(version => (version.GetProperty("version").GetInt32(), version.GetProperty("kind").GetString(), version.GetProperty("size").GetInt32())),
            Is.EqualTo(new[] { (2, "javascript", script.Length), (1, "layout", Encoding.UTF8.GetByteCount(Layout)) }));
        Assert.That(versions.EnumerateArray().Select(version => version.GetProperty("changedBy").GetString()), Is.All.EndsWith("-developer"));
        Assert.That(versions[0].GetProperty("changedAt").GetDateTimeOffset(), Is.GreaterThan(versions[1].GetProperty("changedAt").GetDateTimeOffset()));

        var older = await client.GetAsync(new Uri("codecs/tafel/versions/1", UriKind.Relative));
        Assert.That(older.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/json"));
        await PutAsync(client, await older.Content.ReadAsStringAsync());

        Assert.That(await client.GetStringAsync(new Uri("codecs/tafel", UriKind.Relative)), Is.EqualTo(Layout));
        Assert.That((await client.GetFromJsonAsync<JsonElement>("codecs/tafel/versions"))[0].GetProperty("version").GetInt32(), Is.EqualTo(3));
        Assert.That((await client.GetAsync(new Uri("codecs/tafel/versions/4", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await client.GetAsync(new Uri("codecs/keiner/versions", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await client.GetStringAsync(new Uri("codecs/dragino-lse01/versions", UriKind.Relative)), Is.EqualTo("[]"));
    }

    [Test]
    public async Task Should_show_examples_of_the_librarys_codecs()
    {
        using var client = Service.Client(await Service.MunicipalityAsync(), Roles.Analyst);

        var examples = await client.GetFromJsonAsync<JsonElement>("codecs/cayenne-lpp/examples");

        Assert.That(examples[0].GetRawText(), Is.EqualTo("""{"description":"Two temperatures","fPort":1,"bytes":"03670110056700ff","data":{"temperature_3":27.2,"temperature_5":25.5},"downlink":false}"""));
        Assert.That((await client.GetAsync(new Uri("codecs/keiner/examples", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    static async Task PutAsync(HttpClient client, string layout)
    {
        var answer = await client.PutAsync(new Uri("codecs/tafel", UriKind.Relative), new StringContent(layout, Encoding.UTF8, "application/json"));
        Assert.That(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    static async Task<(int Status, string Text)> CallAsync(string operation, string body)
    {
        using var client = Service.Client(await Service.MunicipalityAsync());
        await PutAsync(client, Layout);
        var answer = await client.PostAsync(new Uri($"codecs/tafel/{operation}", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"));
        return ((int)answer.StatusCode, System.Text.RegularExpressions.Regex.Unescape(await answer.Content.ReadAsStringAsync()));
    }
}
