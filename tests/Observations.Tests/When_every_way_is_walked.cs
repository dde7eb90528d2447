using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Allmende.Contracts;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>
/// The matrix of municipalities, access classes and roles over every way through SensorThings that its own root document and links lead to: sets, entities,
/// navigation, expansions, filters, orders, counts. All that is somebody's carries a mark in its ids, names or values; no answer may hold a mark that is not
/// the caller's to see, no counter may count it, no filter may tell it, and the hidden answers as the missing does.
/// </summary>
[TestFixture]
public sealed partial class When_every_way_is_walked
{
    static readonly string?[] EveryRole = [null, .. Roles.OfMunicipality];

    /// <summary>Where from a device's Thing (<c>{0}</c>) one of each set is found.</summary>
    static readonly Dictionary<string, string> Ways = new(StringComparer.Ordinal)
    {
        ["Things"] = "Things('{0}')",
        ["Locations"] = "Things('{0}')/Locations",
        ["HistoricalLocations"] = "Things('{0}')/HistoricalLocations",
        ["Datastreams"] = "Things('{0}')/Datastreams",
        ["Sensors"] = "Datastreams('{0}.f-{0}')/Sensor",
        ["ObservedProperties"] = "Datastreams('{0}.f-{0}')/ObservedProperty",
        ["Observations"] = "Datastreams('{0}.f-{0}')/Observations",
        ["FeaturesOfInterest"] = "Datastreams('{0}.f-{0}')/Observations?$expand=FeatureOfInterest",
        ["TaskingCapabilities"] = "Things('{0}')/TaskingCapabilities",
        ["Actuators"] = "TaskingCapabilities('{0}.t-{0}')/Actuator",
        ["Tasks"] = "TaskingCapabilities('{0}.t-{0}')/Tasks",
    };

    readonly Dictionary<(string Set, string Access), string> addresses = [];
    Town alpha = null!, beta = null!;
    Dictionary<string, string[]> navigations = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        var service = await Service.SharedAsync();
        (alpha, beta) = (await service.TownAsync(Access.Restricted), await service.TownAsync(Access.Restricted));
        await FillAsync(alpha, "alpha");
        await FillAsync(beta, "beta");
        foreach (var (set, way) in Ways)
            foreach (var access in VisibleTo(Roles.Admin))
                addresses[(set, access)] = Address(First(await alpha.GetAsync(string.Format(CultureInfo.InvariantCulture, way, $"alpha-{access}"), Roles.Admin), set));
        navigations = await NavigationsAsync();
    }

    /// <summary>For each access class a device of its own, whose entities all carry the mark <c>{word}-{access}</c>; two observations each.</summary>
    static async Task FillAsync(Town town, string word)
    {
        foreach (var access in Access.All)
        {
            var mark = $"{word}-{access}";
            await town.RegisterAsync(new DeviceRegistered(mark, mark, null, null, $"p-{mark}", mark, mark, mark, Marketplace, 600,
                [new DeviceDatastream($"{mark}.f-{mark}", $"f-{mark}", mark, $"f-{mark}", "Cel", null)], [new ProfileTask($"t-{mark}", mark, [new TaskParameter("word", "Text")])]));
            await town.PublishAsync(new DatasetChanged(mark, mark, access, null));
            await town.AppendAsync(mark, At($"{mark}.f-{mark}", "2026-11-20T10:00:00Z", ValueOf(mark)), At($"{mark}.f-{mark}", "2026-11-20T11:00:00Z", ValueOf(mark)));
        }
        foreach (var access in VisibleTo(Roles.Admin))
            await town.MakeAsync($"TaskingCapabilities('{word}-{access}.t-{word}-{access}')/Tasks", $$"""{"taskingParameters":{"word":"told-{{word}}-{{access}}"} }""");
        foreach (var (role, seen) in new[] { (Roles.Admin, 6), (null, 2) })
            await Eventually.TrueAsync(async () => (int)(await town.GetAsync("Observations?$count=true", role))["@iot.count"]! == seen, $"marked observations for {role ?? "the public"}");
    }

    /// <summary>A value that stands for the mark and occurs nowhere else.</summary>
    static double ValueOf(string mark) => 7_700_000 + (mark.StartsWith("alpha", StringComparison.Ordinal) ? 10 : 20) + Access.All.ToList().IndexOf(mark[(mark.IndexOf('-', StringComparison.Ordinal) + 1)..]);

    static string[] VisibleTo(string? role) => role switch
    {
        null or Roles.Partner => [Access.Open],
        Roles.Analyst or Roles.Developer => [Access.Open, Access.Internal],
        _ => [Access.Open, Access.Internal, Access.Restricted],
    };

    static IEnumerable<string> HiddenFrom(string? role) => Access.All.Except(VisibleTo(role)).Except([Access.Personal]);

    /// <summary>The navigation properties of each set, read off an entity's links: what the service adds to its model is walked, too.</summary>
    async Task<Dictionary<string, string[]>> NavigationsAsync()
    {
        const string Link = "@iot.navigationLink";
        var found = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var set in (await alpha.GetAsync(""))["value"]!.AsArray().Select(entry => (string)entry!["name"]!))
            if ((await alpha.GetAsync($"{set}?$top=1", Roles.Admin))["value"]!.AsArray() is [JsonObject entity])
                found[set] = [.. entity.Where(property => property.Key.EndsWith(Link, StringComparison.Ordinal)).Select(property => property.Key[..^Link.Length])];
        Assert.That(found.Keys, Is.SupersetOf(Ways.Keys));
        return found;
    }

    static JsonNode First(JsonNode answer, string set) =>
        (answer["value"] is JsonArray all ? all[0]! : answer) is var one && set == "FeaturesOfInterest" ? one["FeatureOfInterest"]! : one;

    static string Address(JsonNode entity) => (string)entity["@iot.selfLink"]! is var link ? link[(link.IndexOf("/v1.1/", StringComparison.Ordinal) + 6)..] : "";

    static string SetOf(string navigation) => navigation switch
    {
        "Thing" or "Sensor" or "Datastream" or "MultiDatastream" => navigation + "s",
        "ObservedProperty" => "ObservedProperties",
        "FeatureOfInterest" => "FeaturesOfInterest",
        "Actuator" => "Actuators",
        "TaskingCapability" => "TaskingCapabilities",
        _ => navigation,
    };

    static bool IsMany(string navigation) => SetOf(navigation) == navigation;

    /// <summary>Every path and option that reads, to the third step of navigation.</summary>
    IEnumerable<string> EveryRead()
    {
        foreach (var (set, ways) in navigations)
        {
            yield return $"{set}?$count=true&$top=100";
            yield return $"{set}?$count=true&$top=1";
            yield return $"{set}/$ref?$top=100";
            foreach (var way in ways)
            {
                yield return $"{set}?$count=true&$expand={way}{(IsMany(way) ? "($count=true)" : "")}&$top=100";
                yield return $"{set}?$filter={Uri.EscapeDataString($"{way}/id ne 'x'")}&$count=true&$top=100";
                foreach (var next in navigations.GetValueOrDefault(SetOf(way), []))
                {
                    yield return $"{set}?$expand={way}($expand={next}{(IsMany(next) ? "($count=true)" : "")})&$top=100";
                    yield return $"{set}?$filter={Uri.EscapeDataString($"{way}/{next}/id ne 'x'")}&$count=true&$top=100";
                    if (!IsMany(way) && !IsMany(next)) yield return $"{set}?$orderby={way}/{next}/id&$top=100";
                }
            }
            foreach (var access in VisibleTo(Roles.Admin))
                if (addresses.TryGetValue((set, access), out var address))
                    foreach (var below in new[] { "" }.Concat(ways).Concat(ways.SelectMany(way => IsMany(way) ? [] : navigations.GetValueOrDefault(SetOf(way), []).Select(next => $"{way}/{next}"))))
                        yield return below.Length == 0 ? address : $"{address}/{below}";
        }
        foreach (var format in new[] { "dataArray", "csv", "GeoJSON" }) yield return $"Observations?$resultFormat={format}";
    }

    [Test]
    public async Task Should_show_nobody_a_mark_that_is_not_theirs([ValueSource(nameof(EveryRole))] string? role)
    {
        var visible = VisibleTo(role).Select(access => $"alpha-{access}").ToHashSet(StringComparer.Ordinal);
        var values = visible.Select(mark => ValueOf(mark).ToString(CultureInfo.InvariantCulture)).ToHashSet(StringComparer.Ordinal);
        var (walked, seen, told) = (0, new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var path in EveryRead())
        {
            using var answer = await alpha.SendAsync(HttpMethod.Get, alpha.Url(path), null, role);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.LessThan(500), $"{path}: {text}");
            if (!answer.IsSuccessStatusCode) continue;
            walked++;
            foreach (Match mark in Mark().Matches(text))
            {
                seen.Add(mark.Value);
                Assert.That(mark.Value.StartsWith('7') ? values : visible, Does.Contain(mark.Value), $"{role ?? "the public"} at {path}");
            }
            foreach (Match mark in Told().Matches(text))
            {
                told.Add(mark.Value);
                Assert.That(role, Is.AnyOf(Roles.OfActuators), path);
            }
            if (text.StartsWith('{') && JsonNode.Parse(text) is JsonObject body) CountsAgree(body, path);
        }
        Assert.That(walked, Is.GreaterThan(150));
        Assert.That(seen, Is.EquivalentTo(visible.Concat(values)), "what may be seen was seen");
        Assert.That(told, Is.EquivalentTo(Roles.OfActuators.Contains(role) ? visible.Select(mark => "told-" + mark) : []), "and of Tasks, by those who make them");
    }

    /// <summary>Where a page holds all there is, its counter says as much; nobody learns from a counter how much is hidden.</summary>
    static void CountsAgree(JsonObject body, string path)
    {
        foreach (var (name, count) in body.Where(property => property.Key.EndsWith("@iot.count", StringComparison.Ordinal)).ToList())
        {
            var collection = name.Length == "@iot.count".Length ? "value" : name[..^"@iot.count".Length];
            if (body.ContainsKey($"{(collection == "value" ? "" : collection)}@iot.nextLink")) continue;
            Assert.That((int)count!, Is.EqualTo(body[collection]!.AsArray().Count), $"{name} at {path}");
        }
        foreach (var inner in body.Select(property => property.Value).SelectMany(value => value is JsonArray array ? array : (IEnumerable<JsonNode?>)[value]).OfType<JsonObject>())
            CountsAgree(inner, path);
    }

    [Test]
    public async Task Should_let_no_filter_tell_what_is_hidden([Values(null, Roles.Partner, Roles.Analyst)] string? role)
    {
        var hidden = HiddenFrom(role).Concat([Access.Personal]).Select(access => $"alpha-{access}").Append("beta-open").ToList();
        foreach (var (set, ways) in navigations)
            foreach (var chain in ways.SelectMany(way => navigations.GetValueOrDefault(SetOf(way), []).Select(next => $"{way}/{next}").Prepend(way)))
                foreach (var mark in hidden)
                {
                    var last = SetOf(chain[(chain.LastIndexOf('/') + 1)..]);
                    var told = last switch
                    {
                        "Observations" => $"{chain}/result eq {ValueOf(mark)}",
                        "HistoricalLocations" => $"{chain}/Thing/name eq '{mark}'",
                        "MultiDatastreams" => null,
                        "Tasks" => $"{chain}/taskingParameters/word eq 'told-{mark}'",
                        _ => $"substringof('{mark}',{chain}/name)",
                    };
                    if (told is null) continue;
                    var answer = await alpha.GetAsync($"{set}?$filter={Uri.EscapeDataString(told)}&$count=true", role);
                    Assert.That((int)answer["@iot.count"]!, Is.Zero, $"{role ?? "the public"} at {set}?$filter={told}");
                }
    }

    [Test]
    public async Task Should_let_nothing_tell_of_Tasks_to_those_who_make_none([Values(null, Roles.Partner, Roles.Analyst, Roles.DataSteward, Roles.DataOwner)] string? role)
    {
        foreach (var access in VisibleTo(role))
        {
            foreach (var (set, ways) in navigations)
                foreach (var chain in ways.SelectMany(way => navigations.GetValueOrDefault(SetOf(way), []).Select(next => $"{way}/{next}").Prepend(way)).Where(chain => SetOf(chain[(chain.LastIndexOf('/') + 1)..]) == "Tasks"))
                    foreach (var told in new[] { $"{chain}/taskingParameters/word eq 'told-alpha-{access}'", $"{chain}/id ne ''", $"{chain}/status/state ne 'x'", $"{chain}/creationTime gt 2020-01-01" })
                        Assert.That((int)(await alpha.GetAsync($"{set}?$filter={Uri.EscapeDataString(told)}&$count=true", role))["@iot.count"]!, Is.Zero, $"{role ?? "the public"} at {set}?$filter={told}");
            foreach (var below in new[] { "", "/TaskingCapability", "/status", "/creationTime/$value", "/@iot.id" })
                Assert.That(await AnswerAsync(addresses[("Tasks", access)] + below, role), Is.EqualTo(await AnswerAsync("Tasks(999999999)" + below, role)), below);
            Assert.That((int)(await alpha.GetAsync($"TaskingCapabilities('alpha-{access}.t-alpha-{access}')?$expand=Tasks($count=true)", role))["Tasks@iot.count"]!, Is.Zero);
        }
        Assert.That((int)(await alpha.GetAsync("Tasks?$count=true", role))["@iot.count"]!, Is.Zero);
        Assert.That((int)(await alpha.GetAsync("Tasks?$count=true", Roles.Developer))["@iot.count"]!, Is.EqualTo(2), "and a developer sees those of what a developer sees");
    }

    [Test]
    public async Task Should_answer_for_the_hidden_as_for_the_missing([ValueSource(nameof(EveryRole))] string? role)
    {
        foreach (var access in HiddenFrom(role))
            foreach (var (set, ways) in navigations.Where(entry => addresses.ContainsKey((entry.Key, access))))
                foreach (var below in ways.Select(way => "/" + way).Append("").Append("/@iot.id").Append("/name/$value"))
                {
                    var address = addresses[(set, access)];
                    var missing = address.Contains('\'', StringComparison.Ordinal) ? $"{set}('{new string('9', 12)}-0')" : $"{set}(999999999)";
                    var (hidden, absent) = (await AnswerAsync(address + below, role), await AnswerAsync(missing + below, role));
                    Assert.That(hidden, Is.EqualTo(absent), $"{role ?? "the public"} at {address}{below}");
                    Assert.That(hidden.Status, Is.EqualTo(HttpStatusCode.NotFound));
                }
    }

    [Test]
    public async Task Should_show_nobody_more_in_a_batch([Values(null, Roles.Partner, Roles.Developer)] string? role)
    {
        var visible = VisibleTo(role).SelectMany(access => new[] { $"alpha-{access}", ValueOf($"alpha-{access}").ToString(CultureInfo.InvariantCulture) }).ToHashSet(StringComparer.Ordinal);
        foreach (var paths in EveryRead().Where((_, number) => number % 3 == 0).Chunk(100))
        {
            // Addresses as clients write them: relative, from the host, whole; and those that lead to the neighbour.
            var requests = new JsonArray([.. paths.Select((path, i) => (JsonNode)new JsonObject
            {
                ["id"] = $"r{i}",
                ["method"] = "GET",
                ["url"] = (i % 4) switch { 0 => path, 1 => alpha.Url(path), 2 => "http://localhost" + alpha.Url(path), _ => beta.Url(path) },
            })]);
            using var answer = await alpha.SendAsync(HttpMethod.Post, alpha.Url("$batch"), new JsonObject { ["requests"] = requests }.ToJsonString(), role);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
            var responses = JsonNode.Parse(text)!["responses"]!.AsArray();
            Assert.That(responses, Has.Count.EqualTo(paths.Length));
            for (var i = 0; i < paths.Length; i++)
            {
                var status = (int)responses[i]!["status"]!;
                Assert.That(status, i % 4 == 3 ? Is.EqualTo(400) : Is.AnyOf(200, 204, 400, 404), $"{requests[i]}");
                // In a fault the caller's own words may come back.
                if (status < 400)
                    foreach (Match mark in Mark().Matches(responses[i]!.ToJsonString())) Assert.That(visible, Does.Contain(mark.Value), $"{role ?? "the public"} at {requests[i]}");
            }
        }
    }

    /// <summary>Changes to what somebody may not see, and links to it, each with the missing in its place.</summary>
    static readonly (string Method, string Path, string Body)[] EveryWrite =
    [
        ("PATCH", "Things('{0}')", """{"description":"x"}"""),
        ("PUT", "Things('{0}')", """{"name":"x","description":"x"}"""),
        ("DELETE", "Things('{0}')", ""),
        ("DELETE", "Datastreams('{0}.f-{0}')", ""),
        ("PATCH", "Datastreams('{0}.f-{0}')", """{"description":"x"}"""),
        ("PATCH", "Locations('{0}')", """{"description":"x"}"""),
        ("DELETE", "Locations('{0}')", ""),
        ("PATCH", "Sensors('p-{0}')", """{"description":"x"}"""),
        ("DELETE", "ObservedProperties('f-{0}')", ""),
        ("DELETE", "FeaturesOfInterest('{0}')", ""),
        ("DELETE", "Things('{0}')/Locations('{0}')/$ref", ""),
        ("POST", "Things('{0}')/Datastreams", """{"name":"x","description":"x","observationType":"x","unitOfMeasurement":{"name":"x","symbol":"x","definition":"x"},"Sensor":{"@iot.id":"p-alpha-open"},"ObservedProperty":{"@iot.id":"f-alpha-open"}}"""),
        ("POST", "Datastreams('{0}.f-{0}')/Observations", """{"result":1}"""),
        ("POST", "Observations", """{"result":1,"Datastream":{"@iot.id":"{0}.f-{0}"}}"""),
        ("POST", "CreateObservations", """[{"Datastream":{"@iot.id":"{0}.f-{0}"},"components":["result"],"dataArray":[[1]]}]"""),
        ("POST", "Datastreams", """{"name":"x","description":"x","observationType":"x","unitOfMeasurement":{"name":"x","symbol":"x","definition":"x"},"Thing":{"@iot.id":"{0}"},"Sensor":{"@iot.id":"p-alpha-open"},"ObservedProperty":{"@iot.id":"f-alpha-open"}}"""),
        ("POST", "Datastreams", """{"name":"x","description":"x","observationType":"x","unitOfMeasurement":{"name":"x","symbol":"x","definition":"x"},"Thing":{"@iot.id":"alpha-open"},"Sensor":{"@iot.id":"p-{0}"},"ObservedProperty":{"@iot.id":"f-alpha-open"}}"""),
        ("POST", "Things", """{"name":"x","description":"x","Locations":[{"@iot.id":"{0}"}]}"""),
        ("POST", "HistoricalLocations", """{"time":"2026-11-20T10:00:00Z","Thing":{"@iot.id":"{0}"},"Locations":[]}"""),
        ("PATCH", "TaskingCapabilities('{0}.t-{0}')", """{"description":"x"}"""),
        ("DELETE", "TaskingCapabilities('{0}.t-{0}')", ""),
        ("PATCH", "Actuators('p-{0}')", """{"description":"x"}"""),
        ("DELETE", "TaskingCapabilities('{0}.t-{0}')/Tasks(1)", ""),
        ("POST", "TaskingCapabilities('{0}.t-{0}')/Tasks", """{"taskingParameters":{"word":"x"}}"""),
        ("POST", "Tasks", """{"taskingParameters":{"word":"x"},"TaskingCapability":{"@iot.id":"{0}.t-{0}"}}"""),
        ("POST", "Tasks?dryRun=true", """{"taskingParameters":{"word":"x"},"TaskingCapability":{"@iot.id":"{0}.t-{0}"}}"""),
        ("POST", "Things('{0}')/TaskingCapabilities", """{"name":"x","description":"x","taskingParameters":{"type":"DataRecord","field":[]},"Actuator":{"@iot.id":"p-alpha-open"}}"""),
        ("POST", "TaskingCapabilities", """{"name":"x","description":"x","taskingParameters":{"type":"DataRecord","field":[]},"Thing":{"@iot.id":"{0}"},"Actuator":{"@iot.id":"p-alpha-open"}}"""),
        ("POST", "TaskingCapabilities", """{"name":"x","description":"x","taskingParameters":{"type":"DataRecord","field":[]},"Thing":{"@iot.id":"alpha-open"},"Actuator":{"@iot.id":"p-{0}"}}"""),
    ];

    [Test]
    public async Task Should_let_nobody_change_or_link_the_hidden([ValueSource(nameof(EveryWrite))] (string Method, string Path, string Body) write)
    {
        // A developer may write, and sees what is internal, but not what is restricted; the neighbour's is missing to everybody.
        var missing = await WrittenAsync(write, "alpha-nirgends");
        Assert.That(missing.Body, Does.Not.Contain("alpha-restricted"));
        foreach (var hidden in new[] { "alpha-restricted", "alpha-personal", "beta-open" })
            Assert.That(await WrittenAsync(write, hidden), Is.EqualTo(missing), $"{write.Method} {write.Path} with {hidden}");
        // Nothing of the hidden has changed.
        Assert.That((int)(await alpha.GetAsync("Datastreams('alpha-restricted.f-alpha-restricted')/Observations?$count=true", Roles.Admin))["@iot.count"]!, Is.EqualTo(2));
        Assert.That((await alpha.GetAsync("Things('alpha-restricted')?$expand=Datastreams,Locations", Roles.Admin)).ToJsonString(), Does.Not.Contain("\"x\""));
    }

    async Task<(HttpStatusCode Status, string Body)> WrittenAsync((string Method, string Path, string Body) write, string mark)
    {
        using var answer = await alpha.SendAsync(HttpMethod.Parse(write.Method), alpha.Url(write.Path.Replace("{0}", mark, StringComparison.Ordinal)),
            write.Body.Length == 0 ? null : write.Body.Replace("{0}", mark, StringComparison.Ordinal), Roles.Developer);
        // What the caller asked for may come back in the message.
        return (answer.StatusCode, (await answer.Content.ReadAsStringAsync()).Replace(mark, "…", StringComparison.Ordinal));
    }

    [Test]
    public async Task Should_refuse_the_neighbours_people_at_every_way()
    {
        foreach (var path in EveryRead().Where((_, number) => number % 7 == 0))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, alpha.Url(path));
            request.Headers.Add("X-Role", $"{beta.Id} {Roles.Admin}");
            using var answer = await alpha.Client.SendAsync(request);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), path);
            Assert.That(Mark().IsMatch(await answer.Content.ReadAsStringAsync()), Is.False, path);
        }
    }

    async Task<(HttpStatusCode Status, string Body)> AnswerAsync(string path, string? role)
    {
        using var answer = await alpha.SendAsync(HttpMethod.Get, alpha.Url(path), null, role);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    [GeneratedRegex(@"(alpha|beta)-(open|internal|restricted|personal)|77000\d\d")]
    private static partial Regex Mark();

    [GeneratedRegex("told-(alpha|beta)-(open|internal|restricted|personal)")]
    private static partial Regex Told();
}
