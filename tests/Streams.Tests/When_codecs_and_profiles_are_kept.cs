using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

[TestFixture]
public class When_codecs_and_profiles_are_kept
{
    static StreamsService Service => OneStreamsService.Service;

    [Test]
    public async Task Should_keep_a_codec_and_decode_with_it()
    {
        using var client = Service.Client(await Service.MunicipalityAsync());
        const string text = "function decodeUplink(input) {\n  return { data: { port: input.fPort, sum: input.bytes[0] + input.bytes[1], year: input.recvTime.getUTCFullYear() }, warnings: ['w'] };\n}";

        Assert.That((await PutAsync(client, text)).StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((await PutAsync(client, text + "\n")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));

        Assert.That(await client.GetStringAsync(new Uri("codecs/mein", UriKind.Relative)), Is.EqualTo(text + "\n"));
        var list = await client.GetFromJsonAsync<JsonElement>("codecs");
        Assert.That(list.EnumerateArray().Single(codec => codec.GetProperty("id").GetString() == "mein").GetProperty("version").GetInt32(), Is.EqualTo(2));
        const string expected = """{"data":{"port":3,"sum":256,"year":2024},"warnings":["w"],"errors":[]}""";
        Assert.That(await CallAsync(client, "mein/decode", """{"fPort":3,"bytes":"01ff","recvTime":"2024-05-01T00:00:00Z"}"""), Is.EqualTo((200, expected)));
        Assert.That(await CallAsync(client, "mein/decode", """{"fPort":3,"bytes":[1,255],"recvTime":"2024-05-01T00:00:00Z"}"""), Is.EqualTo((200, expected)));
    }

    [Test]
    public async Task Should_encode_and_decode_downlinks()
    {
        using var client = Service.Client(await Service.MunicipalityAsync(), Roles.Analyst);

        Assert.That(await CallAsync(client, "strega-smart-valve/encode", """{"data":{"open":true,"minutes":15}}"""),
            Is.EqualTo((200, """{"fPort":2,"bytes":[65,15],"warnings":[],"errors":[]}""")));
        Assert.That(await CallAsync(client, "strega-smart-valve/decode-downlink", """{"fPort":2,"bytes":"410f"}"""),
            Is.EqualTo((200, """{"data":{"open":true,"minutes":15},"warnings":[],"errors":[]}""")));
    }

    [Test]
    public async Task Should_encode_for_ingestion_alone_by_its_own_route()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        using var ingestion = Service.Internal();
        var route = $"/internal/{town}/codecs/strega-smart-valve/encode";
        var answer = await ingestion.PostAsJsonAsync(route, new { data = new { open = true, minutes = 15 } });

        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("""{"fPort":2,"bytes":[65,15],"warnings":[],"errors":[]}"""));
        Assert.That((await ingestion.PostAsJsonAsync(route, new { data = 1 })).StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That((await ingestion.PostAsJsonAsync(route.Replace(town, "nirgendwo"), new { data = new { open = true } })).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await ingestion.PostAsJsonAsync($"/internal/{town}/codecs/keiner/encode", new { data = new { open = true } })).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await client.PostAsJsonAsync(route, new { data = new { open = true } })).StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "without the key");
    }

    [TestCase("function decodeUplink(input) {\n  return 1 +;\n}", 2, 13)]
    public async Task Should_refuse_what_does_not_parse_with_line_and_column(string text, int line, int column)
    {
        using var client = Service.Client(await Service.MunicipalityAsync());

        var answer = await PutAsync(client, text);

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:allmende:error:codec_syntax"));
        Assert.That((problem.GetProperty("line").GetInt32(), problem.GetProperty("column").GetInt32()), Is.EqualTo((line, column)));
    }

    [TestCase("bosch-tps110-0292/decode", """{"fPort":1,"bytes":"0g"}""", 422, "codec_call_invalid")]
    [TestCase("bosch-tps110-0292/decode", """{"fPort":1,"bytes":[256]}""", 422, "codec_call_invalid")]
    [TestCase("bosch-tps110-0292/decode", """{"fPort":300,"bytes":"01"}""", 422, "codec_call_invalid")]
    [TestCase("bosch-tps110-0292/decode", """{"fPort":"1" """, 400, "malformed_request")]
    [TestCase("bosch-tps110-0292/encode", """{"data":{}}""", 422, "codec_lacks_function")]
    [TestCase("bosch-tps110-0292/encode", """{"data":7}""", 422, "codec_call_invalid")]
    [TestCase("keine/decode", """{"fPort":1,"bytes":"01"}""", 404, "not_found")]
    public async Task Should_say_what_is_wrong_with_a_call(string path, string body, int status, string type)
    {
        using var client = Service.Client(await Service.MunicipalityAsync());

        var (answered, text) = await CallAsync(client, path, body);

        Assert.That((answered, Runner.Json(text).GetProperty("type").GetString()), Is.EqualTo((status, "urn:allmende:error:" + type)));
    }

    [Test]
    public async Task Should_put_the_municipalitys_own_before_the_librarys()
    {
        using var client = Service.Client(await Service.MunicipalityAsync());
        using var neighbour = Service.Client(await Service.MunicipalityAsync());

        await When_uplinks_arrive.PutCodecAsync(client, "bosch-tps110-0292", "function decodeUplink(i) { return { data: { mine: true } } }");

        Assert.That((await CallAsync(client, "bosch-tps110-0292/decode", """{"fPort":1,"bytes":"01"}""")).Text, Does.Contain("mine"));
        Assert.That((await CallAsync(neighbour, "bosch-tps110-0292/decode", """{"fPort":1,"bytes":"01"}""")).Text, Does.Contain("occupied"));
        Assert.That((await client.DeleteAsync(new Uri("codecs/bosch-tps110-0292", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await CallAsync(client, "bosch-tps110-0292/decode", """{"fPort":1,"bytes":"01"}""")).Text, Does.Contain("occupied"));
    }

    [Test]
    public async Task Should_keep_a_profile_and_tell_ingestion()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        var body = new { name = "Pegel", codec = "decentlab-dl-lid", fields = new[] { new { field = "distance_average", name = "Abstand", observedProperty = "distance", unit = "mm", range = new[] { 0, 9000 } } } };

        Assert.That((await client.PutAsJsonAsync("device-profiles/pegel", body)).StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((await client.PutAsJsonAsync("device-profiles/pegel", body)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));

        using var ingestion = Service.Internal();
        var profile = await ingestion.GetFromJsonAsync($"/internal/{town}/device-profiles/pegel", ContractsJson.Default.DeviceProfile);
        Assert.That(profile!.Fields.Single(), Is.EqualTo(new ProfileField("distance_average", "Abstand", "distance", "mm", profile.Fields[0].Range)));
        Assert.That((await ingestion.GetAsync(new Uri($"/internal/{town}/device-profiles/dragino-lse01", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await ingestion.GetAsync(new Uri("/internal/nirgendwo/device-profiles/dragino-lse01", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await client.GetAsync(new Uri($"/internal/{town}/device-profiles/pegel", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "without the key");
    }

    [Test]
    public async Task Should_keep_what_devices_of_a_profile_can_be_told()
    {
        var town = await Service.MunicipalityAsync();
        using var client = Service.Client(town);
        const string Lamp = """
            {"name":"Laterne","fields":[{"field":"on"}],"tasks":[{"id":"switch","name":"Schalten","nameEn":"Switch","parameters":[{"name":"on","type":"Boolean","label":"An"},
              {"name":"level","type":"Quantity","unit":"%","range":[0,100],"optional":true}],"downlink":{"fPort":2,"confirmed":true},"example":{"on":true}}]}
            """;
        Assert.That((await client.PutAsync(new Uri("device-profiles/laterne", UriKind.Relative), new StringContent(Lamp, Encoding.UTF8, "application/json"))).StatusCode, Is.EqualTo(HttpStatusCode.Created));

        using var ingestion = Service.Internal();
        var task = (await ingestion.GetFromJsonAsync($"/internal/{town}/device-profiles/laterne", ContractsJson.Default.DeviceProfile))!.Tasks!.Single();
        Assert.That((task.Id, task.Name, task.NameEn, task.Downlink, task.Example!.Value.GetRawText().Replace(" ", "")), Is.EqualTo(("switch", "Schalten", "Switch", new DownlinkSettings(2, true), """{"on":true}""")));
        Assert.That(task.Parameters.Select(parameter => (parameter.Name, parameter.Type, parameter.Optional)), Is.EqualTo(new (string, string, bool?)[] { ("on", "Boolean", null), ("level", "Quantity", true) }));
    }

    [TestCase("""{"fields":[]}""", "name", "fields")]
    [TestCase("""{"name":"x","codec":"keine","fields":[{"field":"a"},{"field":"a"}]}""", "codec", "fields[1].field")]
    [TestCase("""{"name":"x","fields":[{"field":"a/b","unit":"m s","range":[5,1],"observedProperty":"Luft Temperatur"}]}""", "fields[0].field", "fields[0].unit", "fields[0].range", "fields[0].observedProperty")]
    [TestCase("""{"name":"x","fields":[{"field":"a"}],"tasks":[null,{"id":"A b","name":"","parameters":[null]},{"id":"a"},{"id":"a"}]}""",
        "tasks[0].id", "tasks[0].name", "tasks[1].id", "tasks[1].name", "tasks[1].parameters[0].name", "tasks[1].parameters[0].type", "tasks[3].id")]
    [TestCase("""{"name":"x","fields":[{"field":"a"}],"tasks":[{"id":"a","downlink":{"fPort":300,"priority":"asap","validFor":0},"example":{"x":1},"parameters":[{"name":"p","type":"Record"},{"name":"p","type":"Count","unit":"Cel","values":["a"],"range":[2,1]},{"name":"q","type":"Boolean","range":[0,1]}]}]}""",
        "tasks[0].downlink.fPort", "tasks[0].downlink.priority", "tasks[0].downlink.validFor", "tasks[0].example", "tasks[0].parameters[0].type", "tasks[0].parameters[1].name",
        "tasks[0].parameters[1].unit", "tasks[0].parameters[1].values", "tasks[0].parameters[1].range", "tasks[0].parameters[2].range")]
    public async Task Should_tell_all_that_is_wrong_with_a_profile(string body, params string[] fields)
    {
        using var client = Service.Client(await Service.MunicipalityAsync());

        var answer = await client.PutAsync(new Uri("device-profiles/p", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateObject().Select(error => error.Name), Is.EquivalentTo(fields));
    }

    [TestCase(Roles.Admin, HttpStatusCode.Created)]
    [TestCase(Roles.DataSteward, HttpStatusCode.Created)]
    [TestCase(Roles.Developer, HttpStatusCode.Created)]
    [TestCase(Roles.DataOwner, HttpStatusCode.Forbidden)]
    [TestCase(Roles.Analyst, HttpStatusCode.Forbidden)]
    [TestCase(Roles.Partner, HttpStatusCode.Forbidden)]
    public async Task Should_let_only_editors_write(string role, HttpStatusCode expected)
    {
        using var client = Service.Client(await Service.MunicipalityAsync(), role);

        Assert.That((await PutAsync(client, "function decodeUplink() {}")).StatusCode, Is.EqualTo(expected));
        Assert.That((await client.GetAsync(new Uri("codecs", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Should_describe_its_routes()
    {
        using var client = Service.CreateClient();

        var paths = (await client.GetFromJsonAsync<JsonElement>(new Uri("/openapi/v1.json", UriKind.Relative))).GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();

        Assert.That(paths, Is.SupersetOf(new[]
        {
            "/{municipality}/device-profiles/suggest", "/{municipality}/codecs/{id}/examples", "/{municipality}/codecs/{id}/versions", "/{municipality}/codecs/{id}/versions/{version}",
        }));
    }

    [Test]
    public async Task Should_let_nobody_of_another_municipality_in()
    {
        var (mine, theirs) = (await Service.MunicipalityAsync(), await Service.MunicipalityAsync());
        using var client = Service.Client(mine, Roles.Admin);
        using var nobody = Service.CreateClient();

        Assert.That((await client.GetAsync(new Uri($"/{theirs}/codecs", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await nobody.GetAsync(new Uri($"/{theirs}/dead-letters", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    static Task<HttpResponseMessage> PutAsync(HttpClient client, string text) =>
        client.PutAsync(new Uri("codecs/mein", UriKind.Relative), new StringContent(text, Encoding.UTF8, "text/javascript"));

    static async Task<(int Status, string Text)> CallAsync(HttpClient client, string path, string body)
    {
        var answer = await client.PostAsync(new Uri($"codecs/{path}", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
