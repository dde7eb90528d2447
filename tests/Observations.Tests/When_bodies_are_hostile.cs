using System.Text;
using Allmende.Contracts;
using FsCheck;
using FsCheck.Fluent;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>Whatever somebody sends is taken, or refused with a reason; the service never fails over it.</summary>
[TestFixture]
public sealed class When_bodies_are_hostile
{
    /// <summary>Pieces that parsers and databases stumble over.</summary>
    static readonly string[] Pieces =
    [
        "\0", "\\u0000", "\\ud800", "\\", "\"", "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-0", "1e-9999", "1e200000", "99999999999999999999999", "\"NaN\"", "{}", "[]", "[[[[[[[[[[[[[[[[[[[[",
        "\"2026-02-30T25:61:61Z\"", "\"0001-01-01T00:00:00+23:59\"", "\"9999-12-31T23:59:59-23:59\"", "\"\"", "\ufeff", "\r\n", "//", "'; DROP TABLE thing; --", "\"@iot.id\":1,", "\"@iot.id\":\"$1\",",
        "\"Thing\":{\"@iot.id\":1},", "\"Datastreams\":[{}],", "\"Locations\":[{\"@iot.id\":\"x\"}],", "\"coordinates\":", "\"type\":\"Polygon\",", "\"time\":\"now\",", "[9e99,9e99]", "\"dataset\":\"a b\"",
    ];

    Town town = null!;
    string[] wellFormed = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.MakeAsync("Things", Station(more: ",\"@iot.id\":\"ziel\"", datastream: ",\"@iot.id\":\"ziel.t\""));
        wellFormed =
        [
            Station(more: ""","properties":{"a":[1,{"b":null}],"dataset":"wetter"}""", datastream: ""","properties":{},"Observations":[{"phenomenonTime":"2026-11-20T10:00:00Z","result":1,"FeatureOfInterest":{"@iot.id":1}}]"""),
            """{"name":"a","description":"b","properties":{"a":1},"Locations":[{"@iot.id":1}]}""",
        ];
    }

    /// <summary>A body with pieces of it cut out, doubled or replaced.</summary>
    static Gen<string> Mangled(string[] wellFormed) =>
        from body in Gen.Elements(wellFormed)
        from cuts in Gen.Choose(1, 4)
        from places in Gen.ListOf(Gen.Choose(0, 2000), cuts)
        from lengths in Gen.ListOf(Gen.Choose(0, 30), cuts)
        from pieces in Gen.ListOf(Gen.Elements(Pieces), cuts)
        select places.Zip(lengths, pieces).Aggregate(body, (text, cut) =>
        {
            var at = cut.First % (text.Length + 1);
            return text[..at] + cut.Third + text[Math.Min(text.Length, at + cut.Second)..];
        });

    void AnswersAll(Gen<string> bodies, int number, Func<string, (HttpMethod Method, string Path, string Type)> to, params int[] expected) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(number), Prop.ForAll(bodies.ToArbitrary(), body =>
        {
            var (method, path, type) = to(body);
            var (status, _, answer) = town.WriteAsync(method, path, body, Roles.Admin, type).GetAwaiter().GetResult();
            return expected.Contains(status).Label($"{status} {answer?.ToJsonString()}");
        }));

    [Test]
    public async Task Should_answer_every_Task_and_every_TaskingCapability_that_is_not_quite_right()
    {
        await town.RegisterAsync(Lamps.Lamp("lampe"));
        AnswersAll(Mangled(["""{"taskingParameters":{"on":true,"level":40.5,"minutes":5,"scene":"nacht"}}""", """{"taskingParameters":{"on":true},"creationTime":"2026-11-20T10:00:00Z","status":{}}"""]), 150,
            _ => (HttpMethod.Post, "TaskingCapabilities('lampe.schalten')/Tasks", "application/json"), 201, 400, 409);
        AnswersAll(Mangled([Lamps.Capability("""{"type":"DataRecord","field":[{"name":"n","type":"Quantity","optional":true,"constraint":{"type":"AllowedValues","value":[1,2],"interval":[[10,20],[100,"INF"]]}},{"name":"t","type":"Text","constraint":{"pattern":"a+"}}]}""",
            ""","properties":{"downlink":{"fPort":1,"confirmed":true,"priority":"low","validFor":60}}""")]), 150, _ => (HttpMethod.Post, "Things('lampe')/TaskingCapabilities", "application/json"), 201, 400, 403, 409);
    }

    [Test]
    public void Should_answer_every_deep_insert_that_is_not_quite_right() =>
        AnswersAll(Mangled(wellFormed), 150, _ => (HttpMethod.Post, "Things", "application/json"), 201, 400, 409);

    [Test]
    public void Should_answer_every_change_that_is_not_quite_right() =>
        AnswersAll(Mangled([wellFormed[1]]), 150, body => (body.Length % 2 == 0 ? HttpMethod.Patch : HttpMethod.Put, "Things('ziel')", body.Length % 3 == 0 ? "application/merge-patch+json" : "application/json"), 200, 400, 409);

    [Test]
    public void Should_answer_every_JSON_Patch_that_is_not_quite_right() =>
        AnswersAll(Mangled(["""[{"op":"test","path":"/name","value":"a"},{"op":"add","path":"/properties/x/-","value":[1]},{"op":"copy","from":"/properties","path":"/properties/y"},{"op":"move","from":"/properties/a","path":"/name"},{"op":"remove","path":"/properties"}]"""]),
            150, _ => (HttpMethod.Patch, "Things('ziel')", "application/json-patch+json"), 200, 400, 409);

    [Test]
    public void Should_answer_every_observation_with_its_surroundings_that_is_not_quite_right() =>
        AnswersAll(Mangled(["""{"phenomenonTime":"2026-11-20T10:00:00Z","result":{"a":1},"parameters":{},"FeatureOfInterest":{"name":"a","description":"b","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[8,51]}}}"""]),
            100, _ => (HttpMethod.Post, "Datastreams('ziel.t')/Observations", "application/json"), 201, 400, 404, 409);

    [Test]
    public void Should_answer_every_batch_that_is_not_quite_right()
    {
        var multipart = string.Join("\r\n", "--b", "Content-Type: application/http", "", "GET Things('ziel') HTTP/1.1", "", "", "--b", "Content-Type: multipart/mixed;boundary=c", "", "--c", "Content-Type: application/http",
            "Content-ID: 1", "", "POST Things HTTP/1.1", "Content-Type: application/json", "", """{"name":"a","description":"b"}""", "--c", "Content-Type: application/http", "Content-ID: 2", "", "PATCH $1 HTTP/1.1", "",
            """{"name":"c"}""", "--c--", "--b--", "");
        const string json = """
            {"requests":[{"id":"1","atomicityGroup":"g","method":"post","url":"Things","body":{"name":"a","description":"b"}},{"id":"2","atomicityGroup":"g","method":"patch","url":"$1","body":{"name":"c"}},
              {"id":"3","method":"get","url":"Things?$filter=name eq 'a'"},{"id":"4","dependsOn":["1"],"method":"delete","url":"$1"}]}
            """;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(Mangled([multipart, json]).ToArbitrary(), body =>
        {
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            content.Headers.TryAddWithoutValidation("Content-Type", body.Contains("--b", StringComparison.Ordinal) ? "multipart/mixed; boundary=b" : "application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, town.Url("$batch")) { Content = content };
            request.Headers.Add("X-Role", $"{town.Id} {Roles.Admin}");
            using var answer = town.Client.SendAsync(request).GetAwaiter().GetResult();
            var text = answer.Content.ReadAsStringAsync().GetAwaiter().GetResult();
            var failed = text.Contains("HTTP/1.1 50", StringComparison.Ordinal) || text.Contains("\"status\":50", StringComparison.Ordinal);
            return ((int)answer.StatusCode is 200 or 400 && !failed).Label($"{(int)answer.StatusCode} {text}");
        }));
    }
}
