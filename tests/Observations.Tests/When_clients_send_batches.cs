using System.Text.Json.Nodes;
using Allmende.Contracts;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>OGC 18-088 section 11, and JSON batches as OData 4.01 and FROST have them.</summary>
[TestFixture]
public sealed class When_clients_send_batches
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.MakeAsync("Things", """{"@iot.id":"mast","name":"Mast","description":"b"}""");
    }

    async Task<(int Status, string Text)> BatchAsync(string body, string contentType = "multipart/mixed;boundary=b", string? role = Roles.Admin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, town.Url("$batch")) { Content = new StringContent(body) };
        request.Content.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (role is not null) request.Headers.Add("X-Role", $"{town.Id} {role}");
        using var answer = await town.Client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    async Task<JsonArray> JsonAsync(string requests, string? role = Roles.Admin)
    {
        var (status, text) = await BatchAsync($$"""{"requests":[{{requests}}]}""", "application/json", role);
        Assert.That(status, Is.EqualTo(200), text);
        return JsonNode.Parse(text)!["responses"]!.AsArray();
    }

    static string Request(string line, string body = "", string? id = null, string type = "application/json") =>
        $"Content-Type: application/http\n{(id is null ? "" : $"Content-ID: {id}\n")}\n{line} HTTP/1.1\nHost: localhost\n{(body.Length > 0 ? $"Content-Type: {type}\n" : "")}\n{body}\n";

    static string Parts(string boundary, params string[] parts) => string.Concat(parts.Select(part => $"--{boundary}\n{part}")) + $"--{boundary}--\n";

    static string ChangeSet(params string[] parts) => "Content-Type: multipart/mixed; boundary=c\n\n" + Parts("c", parts);

    [TestCase("\n")]
    [TestCase("\r\n")]
    public async Task Should_do_requests_and_change_sets_in_turn(string lineEnd)
    {
        var before = (int)(await town.GetAsync("Things?$count=true"))["@iot.count"]!;
        var (status, text) = await BatchAsync(Parts("b",
            Request("GET /v1.1/Things('mast')?$select=name"),
            ChangeSet(
                Request("POST Things", """{"name":"Neu","description":"c"}""", "1"),
                Request("POST $1/Datastreams", DatastreamWithAll(), "2")),
            Request("GET Things('nirgends')"),
            Request($"GET /{town.Id}/sta/v1.1/Things?$count=true&$top=0"))
            .Replace("\n", lineEnd, StringComparison.Ordinal));
        Assert.That(status, Is.EqualTo(200), text);
        var lines = text.Split("\r\n");
        Assert.Multiple(() =>
        {
            Assert.That(lines.Where(line => line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)).Select(line => line[9..12]), Is.EqualTo(new[] { "200", "201", "201", "404", "200" }));
            Assert.That(lines, Does.Contain("""{"name":"Mast"}"""));
            Assert.That(lines.Where(line => line.StartsWith("Content-ID: ", StringComparison.Ordinal)), Is.EqualTo(new[] { "Content-ID: 1", "Content-ID: 2" }));
            Assert.That(lines.Count(line => line.StartsWith("Location: http://localhost/", StringComparison.Ordinal)), Is.EqualTo(2));
            Assert.That(text, Does.Contain($"\"@iot.count\":{before + 1}"));
        });
    }

    [Test]
    public async Task Should_know_in_a_change_set_what_was_made_before_in_it()
    {
        var answers = await JsonAsync($$"""
            {"id":"sensor1","atomicityGroup":"g","method":"post","url":"Sensors","body":{{Sensor()}}},
            {"id":"thing","atomicityGroup":"g","method":"POST","url":"Things","body":{"name":"Turm","description":"b"} },
            {"id":"ds","atomicityGroup":"g","method":"POST","url":"Things($thing)/Datastreams","body":{{Datastream($$""","Sensor":{"@iot.id":"$sensor1"},"ObservedProperty":{{Property()}}""")}}},
            {"id":"o","atomicityGroup":"g","method":"POST","url":"$ds/Observations","body":{"phenomenonTime":"2026-11-20T10:00:00Z","result":7} },
            {"id":"p","atomicityGroup":"g","method":"PATCH","url":"$thing","headers":{"Content-Type":"application/json-patch+json"},"body":[{"op":"replace","path":"/name","value":"Wasserturm"}]},
            {"id":"r","atomicityGroup":"g","method":"GET","url":"$thing/Datastreams?$expand=Observations"},
            {"id":"later","method":"GET","url":"$o/result/$value"}
            """);
        Assert.That(answers.Select(answer => (int)answer!["status"]!), Is.EqualTo(new[] { 201, 201, 201, 201, 200, 200, 200 }), answers.ToJsonString());
        Assert.Multiple(() =>
        {
            Assert.That((string)answers[4]!["body"]!["name"]!, Is.EqualTo("Wasserturm"));
            Assert.That((double)answers[5]!["body"]!["value"]![0]!["Observations"]![0]!["result"]!, Is.EqualTo(7), "reading comes after the commit");
            Assert.That((string)answers[6]!["body"]!, Is.EqualTo("7"));
            Assert.That((string)answers[2]!["location"]!, Is.EqualTo((string)answers[2]!["body"]!["@iot.selfLink"]!));
        });
    }

    [Test]
    public async Task Should_do_nothing_of_a_change_set_that_fails()
    {
        var before = (int)(await town.GetAsync("Things?$count=true"))["@iot.count"]!;
        var answers = await JsonAsync("""
            {"id":"1","atomicityGroup":"g","method":"POST","url":"Things","body":{"name":"a","description":"b"}},
            {"id":"2","atomicityGroup":"g","method":"POST","url":"Things","body":{"name":"a"}},
            {"id":"3","method":"GET","url":"$1"},{"id":"4","dependsOn":["2"],"method":"GET","url":"Things"},{"id":"5","method":"GET","url":"Things('mast')/name"}
            """);
        Assert.That(answers.Select(answer => (int)answer!["status"]!), Is.EqualTo(new[] { 424, 400, 400, 424, 200 }), answers.ToJsonString());
        var (_, text) = await BatchAsync(Parts("b", ChangeSet(Request("POST Things", """{"name":"a","description":"b"}""", "1"), Request("DELETE Things('nirgends')", "", "2")), Request("GET Things('mast')/name")));
        var lines = text.Split("\r\n").Where(line => line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)).Select(line => line[9..12]);
        Assert.That(lines, Is.EqualTo(new[] { "404", "200" }), "one answer for the whole change set");
        Assert.That((int)(await town.GetAsync("Things?$count=true"))["@iot.count"]!, Is.EqualTo(before));
    }

    [Test]
    public async Task Should_give_each_request_the_callers_rights()
    {
        await town.CloseAsync("geheim", Access.Restricted);
        await town.MakeAsync("Things", """{"@iot.id":"verborgen","name":"a","description":"b","properties":{"dataset":"geheim"}}""");
        const string requests = """
            {"id":"1","method":"GET","url":"Things('verborgen')"},{"id":"2","method":"POST","url":"Things","body":{"name":"a","description":"b"}},
            {"id":"3","atomicityGroup":"g","method":"PATCH","url":"Things('verborgen')","body":{"name":"x"}}
            """;
        async Task<int[]> SeenByAsync(string? role) => [.. (await JsonAsync(requests, role)).Select(answer => (int)answer!["status"]!)];
        Assert.Multiple(async () =>
        {
            Assert.That(await SeenByAsync(null), Is.EqualTo(new[] { 404, 401, 401 }));
            Assert.That(await SeenByAsync(Roles.Analyst), Is.EqualTo(new[] { 404, 403, 403 }));
            Assert.That(await SeenByAsync(Roles.Developer), Is.EqualTo(new[] { 404, 201, 404 }));
            Assert.That(await SeenByAsync(Roles.Admin), Is.EqualTo(new[] { 200, 201, 200 }));
        });
    }

    [Test]
    public async Task Should_not_lead_into_another_municipality()
    {
        var other = await (await Service.SharedAsync()).TownAsync();
        await other.MakeAsync("Things", """{"@iot.id":"fremd","name":"Fremd","description":"b"}""");
        var answers = await JsonAsync($$"""
            {"id":"1","method":"GET","url":"/{{other.Id}}/sta/v1.1/Things('fremd')"},{"id":"2","method":"GET","url":"http://localhost/{{other.Id}}/sta/v1.1/Things"},
            {"id":"3","method":"GET","url":"../../{{other.Id}}/sta/v1.1/Things('fremd')"},{"id":"4","method":"GET","url":"Things('fremd')"},
            {"id":"5","method":"POST","url":"/{{other.Id}}/sta/v1.1/Things","body":{"name":"a","description":"b"} }
            """);
        Assert.That(answers.Select(answer => (int)answer!["status"]!), Is.EqualTo(new[] { 400, 400, 400, 404, 400 }));
        Assert.That(answers.ToJsonString(), Does.Not.Contain("Fremd"));
    }

    [Test]
    public async Task Should_take_data_arrays_and_formats_among_others()
    {
        var thing = await town.MakeAsync("Things", Station());
        var datastream = (await town.GetAsync(PathOf(thing) + "/Datastreams"))["value"]![0]!["@iot.id"]!.ToJsonString();
        var answers = await JsonAsync($$"""
            {"id":"1","method":"POST","url":"CreateObservations","body":[{"Datastream":{"@iot.id":{{datastream}}},"components":["phenomenonTime","result"],"dataArray":[["2026-11-20T10:00:00Z",1],["2026-11-20T10:10:00Z",2]]}]},
            {"id":"2","method":"GET","url":"Datastreams({{datastream}})/Observations?$resultFormat=csv&$select=result&$orderby=phenomenonTime"}
            """);
        Assert.That(answers.Select(answer => (int)answer!["status"]!), Is.EqualTo(new[] { 201, 200 }), answers.ToJsonString());
        Assert.That(answers[0]!["body"]!.AsArray(), Has.Count.EqualTo(2));
        Assert.That(((string)answers[1]!["body"]!).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(new[] { "result", "1", "2" }));
    }

    [TestCase(Roles.Admin, 1_001)]
    [TestCase(null, 101)]
    public async Task Should_have_limits(string? role, int requests)
    {
        var json = await BatchAsync("{\"requests\":[" + string.Join(',', Enumerable.Range(0, requests).Select(i => $$"""{"id":"{{i}}","method":"GET","url":"Things('mast')"}""")) + "]}", "application/json", role);
        var multipart = await BatchAsync(Parts("b", [.. Enumerable.Repeat(Request("GET Things('mast')"), requests)]), role: role);
        Assert.That((json.Status, multipart.Status), Is.EqualTo((413, 413)));
    }

    /// <summary>Bodies that are wrong as a whole.</summary>
    static readonly object[][] Broken =
    [
        ["", "multipart/mixed;boundary=b", "--b"], ["irgendwas", "multipart/mixed;boundary=b", "--b"], ["--b\n", "multipart/mixed;boundary=b", "part 1"],
        ["--b--\n", "multipart/mixed;boundary=b", "no parts"], [Parts("b", Request("GET Things")), "multipart/mixed", "boundary"], [Parts("x", Request("GET Things")), "multipart/mixed;boundary=b", "--b"],
        [Parts("b", Request("GET Things")).Replace("--b--", "", StringComparison.Ordinal), "multipart/mixed;boundary=b", "part 1"],
        ["{", "application/json", "JSON"], ["[]", "application/json", "requests"], ["{\"requests\":{}}", "application/json", "requests"], ["{}", "text/plain", "multipart"], ["{}", "kein Typ", "multipart"],
    ];

    [TestCaseSource(nameof(Broken))]
    public async Task Should_refuse_what_is_no_batch(string body, string contentType, string told)
    {
        var (status, text) = await BatchAsync(body, contentType);
        Assert.That(status, Is.EqualTo(400).Or.EqualTo(415));
        Assert.That((string)JsonNode.Parse(text)!["message"]!, Does.Contain(told));
    }

    /// <summary>Parts that are wrong, and where the fault says they stand.</summary>
    static readonly object[][] BrokenParts =
    [
        ["Content-Type: text/plain\n\nGET Things HTTP/1.1\n\n\n", "part 2"], ["\nGET Things HTTP/1.1\n\n\n", "part 2"], ["Content-Type application/http\n\nGET Things HTTP/1.1\n\n\n", "part 2"],
        ["Content-Type: application/http\n\n\n", "part 2"], ["Content-Type: application/http\n\nThings\n\n\n", "part 2"], ["Content-Type: application/http\n\nGET  HTTP/1.1\n\n", "part 2"],
        ["Content-Type: application/http\n\nGET Things HTTP/1.1\nohne Doppelpunkt\n\n", "part 2"], ["Content-Type: application/http\n\nBREW Things HTTP/1.1\n\n\n", "part 2"],
        [$"X: {new string('x', 9000)}\n\n", "part 2"], ["Content-Type: multipart/mixed\n\nx\n", "boundary"], ["Content-Type: multipart/mixed;boundary=c\n\nx\n", "--c"], ["Content-Type: multipart/mixed;boundary=c\n\n--c--\n", "part 2"],
        [ChangeSet(Request("GET Things"), "Content-Type: multipart/mixed;boundary=d\n\n--d--\n"), "part 2.2"], [ChangeSet("Content-Type: text/plain\n\nx\n"), "part 2.1"],
        ["", "part 2"], ["\0\u0001", "part 2"],
    ];

    [TestCaseSource(nameof(BrokenParts))]
    public async Task Should_tell_which_part_is_broken_and_do_the_others(string part, string told)
    {
        var (status, text) = await BatchAsync(Parts("b", Request("GET Things('mast')?$select=name"), part + "\n", Request("GET Things('mast')?$select=description")));
        var lines = text.Split("\r\n");
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(200));
            Assert.That(lines.Where(line => line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)).Select(line => line[9..12]), Is.EqualTo(new[] { "200", "400", "200" }).Or.EqualTo(new[] { "200", "405", "200" }));
            Assert.That(text, Does.Contain(told));
        });
    }

    [TestCase("7", "requests[1]")]
    [TestCase("{}", "requests[1]")]
    [TestCase("""{"id":"1","method":"GET","url":"Things"}""", "requests[1]")]
    [TestCase("""{"id":"2","url":"Things"}""", "requests[1]")]
    [TestCase("""{"id":"2","method":"GET"}""", "requests[1]")]
    [TestCase("""{"id":"2","method":"BREW","url":"Things"}""", "requests[1]")]
    [TestCase("""{"id":"2","method":"GET","url":"$nichts"}""", "$nichts")]
    [TestCase("""{"id":"2","method":"POST","url":"Things"}""", "JSON")]
    [TestCase("""{"id":"2","method":"POST","url":"$batch","body":{"requests":[]}}""", "$batch")]
    public async Task Should_tell_which_request_is_broken_and_do_the_others(string request, string told)
    {
        var answers = await JsonAsync($$"""{"id":"1","method":"GET","url":"Things('mast')"},{{request}},{"id":"3","method":"GET","url":"Things('mast')"}""");
        Assert.That(((int)answers[0]!["status"]!, (int)answers[2]!["status"]!), Is.EqualTo((200, 200)));
        Assert.That((int)answers[1]!["status"]!, Is.InRange(400, 405));
        Assert.That((string)answers[1]!["body"]!["message"]!, Does.Contain(told));
    }
}
