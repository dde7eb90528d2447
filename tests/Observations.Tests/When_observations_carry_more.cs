using System.Net;
using System.Text.Json.Nodes;

namespace Allmende.Observations.Tests;

/// <summary>Results of every type, intervals, validTime, parameters and quality, in filters.</summary>
[TestFixture]
public sealed class When_observations_carry_more
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("alles-1", "alles", "anything");
        foreach (var observation in new[]
        {
            """
            "phenomenonTime":"2026-11-20T10:00:00Z/2026-11-20T11:00:00Z","result":true,"resultTime":"2026-11-20T12:00:00Z","validTime":"2026-11-20T10:00:00Z/2026-11-21T10:00:00Z",
            "parameters":{"depth":5,"tags":["a","b"],"when":"2026-01-01T00:00:00Z"},"resultQuality":"DQ_Status"
            """,
            """ "phenomenonTime":"2026-11-20T12:00:00Z","result":"rot" """,
            """ "phenomenonTime":"2026-11-20T13:00:00Z","result":{"a":{"b":7},"list":[1,2]} """,
            """ "phenomenonTime":"2026-11-20T14:00:00Z","result":10 """,
            """ "phenomenonTime":"2026-11-20T15:00:00Z","result":"9" """,
            """ "phenomenonTime":"2026-11-20T16:00:00Z","result":null,"parameters":{"when":"never"} """,
        })
        {
            using var answer = await town.PostAsync("Datastreams('alles-1.anything')/Observations", $"{{{observation}}}");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), await answer.Content.ReadAsStringAsync());
        }
    }

    [TestCase("result eq true", 1)]
    [TestCase("result", 1)]
    [TestCase("not result", 5)]
    [TestCase("result eq 'rot'", 1)]
    [TestCase("startswith(result, 'ro')", 1)]
    [TestCase("result/a/b eq 7", 1)]
    [TestCase("result/list[1] eq 2", 1)]
    [TestCase("result gt 9.5", 1)]
    [TestCase("result eq 10", 1)]
    [TestCase("result eq null", 1)]
    [TestCase("result ne null", 5)]
    [TestCase("parameters/depth gt 4 and parameters/tags[0] eq 'a'", 1)]
    [TestCase("parameters/when lt 2026-02-01T00:00:00Z", 1)]
    [TestCase("year(parameters/when) eq 2026", 1)]
    [TestCase("validTime gt 2026-11-19T00:00:00Z", 1)]
    [TestCase("validTime lt 2026-11-20T12:00:00Z", 0)]
    [TestCase("overlaps(validTime, 2026-11-20T12:00:00Z)", 1)]
    [TestCase("validTime eq 2026-11-20T10:00:00Z/2026-11-21T10:00:00Z", 1)]
    [TestCase("validTime eq null", 5)]
    [TestCase("resultQuality eq 'DQ_Status'", 1)]
    [TestCase("resultQuality/flag eq 'good'", 5)]
    [TestCase("resultQuality/reasons[0] eq null", 6)]
    [TestCase("resultTime ge 2026-11-20T12:00:00Z", 1)]
    [TestCase("phenomenonTime eq 2026-11-20T10:00:00Z/2026-11-20T11:00:00Z", 1)]
    [TestCase("phenomenonTime lt 2026-11-20T10:30:00Z", 0)]
    [TestCase("phenomenonTime le 2026-11-20T11:00:00Z", 1)]
    [TestCase("during(2026-11-20T10:30:00Z, phenomenonTime)", 1)]
    [TestCase("phenomenonTime add duration'PT2H' gt 2026-11-20T17:30:00Z", 1)]
    public async Task Should_filter_by_all_of_it(string filter, int count)
    {
        var answer = await town.GetAsync($"Datastreams('alles-1.anything')/Observations?$count=true&$filter={Uri.EscapeDataString(filter)}");
        Assert.That((int)answer["@iot.count"]!, Is.EqualTo(count));
        Assert.That(answer["value"]!.AsArray(), Has.Count.EqualTo(count));
    }

    [Test]
    public async Task Should_know_the_times_of_their_results_when_asked()
    {
        Assert.That((string)(await town.GetAsync("Datastreams('alles-1.anything')/resultTime"))["resultTime"]!, Does.StartWith("2026-11-20T12:00:00Z"));
        Assert.That((await town.GetAsync("Datastreams('alles-1.anything')?$select=resultTime,id")).AsObject().Select(pair => pair.Key), Is.EqualTo(new[] { "@iot.id", "resultTime" }));
    }

    [Test]
    public async Task Should_come_in_an_order_of_their_results()
    {
        var answer = await town.GetAsync("Datastreams('alles-1.anything')/Observations?$orderby=result&$select=result");
        Assert.That(answer["value"]!.AsArray().Select(one => one!["result"]?.ToJsonString()), Is.EqualTo(new[] { "10", "\"9\"", "\"rot\"", "true", """{"a":{"b":7},"list":[1,2]}""", null }));
    }

    [Test]
    public async Task Should_give_a_result_bare()
    {
        var id = (string)(await town.GetAsync("Observations?$filter=result%20eq%20%27rot%27"))["value"]![0]!["@iot.id"]!;
        Assert.That(await town.Client.GetStringAsync(town.Url($"Observations('{id}')/result/$value")), Is.EqualTo("rot"));
        Assert.That(((JsonValue)(await town.GetAsync($"Observations('{id}')/resultQuality/flag"))["flag"]!).GetValue<string>(), Is.EqualTo("good"));
    }
}
