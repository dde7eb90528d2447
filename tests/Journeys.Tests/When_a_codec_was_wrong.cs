using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Testing;

namespace Allmende.Journeys.Tests;

/// <summary>A codec was wrong for some days. It is corrected, the kept uplinks are replayed, processes die meanwhile: what is stored is right in the end, once.</summary>
[TestFixture]
public class When_a_codec_was_wrong
{
    const int Uplinks = 600;

    [Test]
    public async Task Should_correct_what_is_stored_exactly_once_though_killed()
    {
        using var town = await TheInstallation.OnboardAsync();
        using var steward = await town.AsAsync("data-steward");
        await town.KeepCodecAsync("pegel", "function decodeUplink(i) { return { data: { value: i.bytes[0] * 256 + i.bytes[1] } } }");
        await town.RegisterAsync("pegel-1", "pegel");
        var begin = Devices.Now().AddHours(-1);
        using (var device = town.AsDevice())
            await Parallel.ForAsync(0, Uplinks, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await device.SendAsync("pegel-1", begin.AddSeconds(i), $"{i:X4}", fCnt: i + 1));
        await Eventually.TrueAsync(async () => await CountAsync(steward, "") == Uplinks, "all observations", TimeSpan.FromSeconds(30));

        // The number 0 is the same with both.
        await town.KeepCodecAsync("pegel", "function decodeUplink(i) { return { data: { value: (i.bytes[0] * 256 + i.bytes[1]) / 10 } } }");
        var replay = await AcceptAsync(steward);
        await Eventually.TrueAsync(async () => await DoneAsync(steward, replay) > 0, "first step", TimeSpan.FromSeconds(60));
        foreach (var name in new[] { "streams", "observations" }) await TheInstallation.Running[name].KillAsync();
        foreach (var name in new[] { "streams", "observations" }) await TheInstallation.Running[name].WhenReadyAsync();
        await EndAsync(steward, replay);

        await Eventually.TrueAsync(async () => await CountAsync(steward, $"&$filter=result lt {Uplinks / 10} and resultTime gt {Devices.Rfc3339(begin.AddHours(1))}") == Uplinks - 1, "corrected observations", TimeSpan.FromSeconds(30));
        Assert.That(await CountAsync(steward, ""), Is.EqualTo(Uplinks));
        Assert.That((await steward.ObservationAsync("pegel-1.value", begin.AddSeconds(123)))!["result"]!.GetValue<double>(), Is.EqualTo(12.3));
        var before = await CorrectionsAsync(steward);
        Assert.That(before.Select(one => one!["result"]!.GetValue<double>()), Is.EqualTo(Enumerable.Range(1, Uplinks - 1).Select(i => (double)i)));
        Assert.That(before.Select(one => $"{one!["replacedBy"]} {one["replay"]}"), Is.All.EqualTo($"replay {replay}"));

        await EndAsync(steward, await AcceptAsync(steward));
        await town.KeepCodecAsync("ende", "function decodeUplink(i) { return { data: { value: 1 } } }");
        await town.RegisterAsync("ende-1", "ende");
        using (var device = town.AsDevice()) await device.SendAsync("ende-1", begin, "01");
        await Eventually.GetAsync(() => steward.ObservationAsync("ende-1.value", begin), "what came after it");
        Assert.That(await CorrectionsAsync(steward), Has.Count.EqualTo(Uplinks - 1), "run twice, it changes nothing more");
    }

    static async Task<string> AcceptAsync(HttpClient steward)
    {
        using var answer = await steward.PostAsJsonAsync("replays", new JsonObject { ["device"] = "pegel-1" });
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await answer.Content.ReadAsStringAsync());
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["id"]!.GetValue<string>();
    }

    static async Task<int> DoneAsync(HttpClient steward, string replay) => (await steward.GetFromJsonAsync<JsonObject>($"replays/{replay}"))!["uplinks"]!.GetValue<int>();

    static async Task EndAsync(HttpClient steward, string replay)
    {
        await Eventually.TrueAsync(async () => (await steward.GetFromJsonAsync<JsonObject>($"replays/{replay}"))!["state"]!.GetValue<string>() == "done", "end of the replay", TimeSpan.FromSeconds(60));
        Assert.That(await DoneAsync(steward, replay), Is.EqualTo(Uplinks));
    }

    static async Task<int> CountAsync(HttpClient steward, string filter) =>
        (await steward.GetFromJsonAsync<JsonObject>($"sta/v1.1/Datastreams('pegel-1.value')/Observations?$count=true&$top=0{filter}"))!["@iot.count"]!.GetValue<int>();

    static async Task<JsonArray> CorrectionsAsync(HttpClient steward) =>
        (await steward.GetFromJsonAsync<JsonObject>("corrections?datastream=pegel-1.value"))!["value"]!.AsArray();
}
