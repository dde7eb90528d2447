using System.Text.Json.Nodes;
using Allmende.Contracts;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>What a replay made of kept uplinks corrects what differs, once, and leaves no trace where it says the same.</summary>
[TestFixture]
public sealed class When_uplinks_are_replayed
{
    const string Time = "2026-11-20T10:00:00Z", Accepted = "2026-11-21T08:00:00Z";
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature", "occupied");
    }

    static Observation Replayed(string time, double value, string accepted = Accepted, string replay = "r1") =>
        At("pegel-1.temperature", time, value, accepted) with { Extra = Observation.OfReplay(replay) };

    /// <summary>Appends, and waits until it is stored: one more of each call is the last of its log.</summary>
    async Task StoreAsync(params Observation[] observations)
    {
        var before = (int)(await town.GetAsync("Datastreams('pegel-1.occupied')/Observations?$count=true&$top=0"))["@iot.count"]!;
        await town.AppendAsync("pegel-1", [.. observations, new Observation("pegel-1.occupied", Observation.Micros(DateTimeOffset.Parse(Time, null)) + before, 0, "true")]);
        await town.HasAsync("pegel-1.occupied", before + 1);
    }

    async Task<List<string>> StoredAsync() => [.. (await town.GetAsync("Datastreams('pegel-1.temperature')/Observations?$orderby=phenomenonTime"))["value"]!.AsArray()
        .Select(one => $"{one!["phenomenonTime"]} {one["result"]} {one["resultTime"] ?? "-"}")];

    async Task<List<string>> CorrectionsAsync(string query = "")
    {
        using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/corrections?datastream=pegel-1.temperature{query}", null, Roles.DataSteward);
        return [.. JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["value"]!.AsArray().Select(one => $"{one!["result"]} {one["replacedBy"]} {one["replay"] ?? "-"}")];
    }

    [Test]
    public async Task Should_correct_what_differs_and_tell_which_replay_did()
    {
        await StoreAsync(At("pegel-1.temperature", Time, 240));
        for (var again = 0; again < 2; again++)
        {
            await StoreAsync(Replayed(Time, 24), Replayed("2026-11-20T10:10:00Z", 25));
            Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"{Time} 24 {Accepted}", $"2026-11-20T10:10:00Z 25 {Accepted}" }));
            Assert.That(await CorrectionsAsync(), Is.EqualTo(new[] { "240 replay r1" }));
        }
        Assert.That(await CorrectionsAsync("&replay=r1"), Has.Count.EqualTo(1));
        Assert.That(await CorrectionsAsync("&replay=r2"), Is.Empty);
        var newest = await town.GetAsync("Datastreams('pegel-1.temperature')?$expand=Observations($top=1;$orderby=phenomenonTime desc)");
        Assert.That((double)newest["Observations"]![0]!["result"]!, Is.EqualTo(25));
    }

    [Test]
    public async Task Should_leave_no_trace_where_it_says_the_same()
    {
        await StoreAsync(At("pegel-1.temperature", Time, 24));
        var before = await StoredAsync();
        await StoreAsync(Replayed(Time, 24));
        await StoreAsync(Replayed(Time, 24, "2026-11-22T08:00:00Z", "r2"));
        Assert.That(await StoredAsync(), Is.EqualTo(before));
        Assert.That(await CorrectionsAsync(), Is.Empty);
    }

    [Test]
    public async Task Should_change_nothing_when_the_same_is_replayed_once_more()
    {
        await StoreAsync(At("pegel-1.temperature", Time, 240));
        await StoreAsync(Replayed(Time, 24));
        await StoreAsync(Replayed(Time, 24, "2026-11-22T08:00:00Z", "r2"));
        Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"{Time} 24 {Accepted}" }));
        // The uplink's first observation, delivered late, is older than any replay of it.
        await StoreAsync(At("pegel-1.temperature", Time, 240));
        Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"{Time} 24 {Accepted}" }));
        Assert.That(await CorrectionsAsync(), Is.EqualTo(new[] { "240 replay r1" }));
    }

    [Test]
    public async Task Should_let_a_newer_correction_of_a_person_stand()
    {
        await StoreAsync(At("pegel-1.temperature", Time, 240));
        await StoreAsync(At("pegel-1.temperature", Time, 23, "2026-11-21T09:00:00Z"));
        await StoreAsync(Replayed(Time, 24));
        Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"{Time} 23 2026-11-21T09:00:00Z" }));
        Assert.That(await CorrectionsAsync(), Is.EqualTo(new[] { "240 correction -" }));
    }

    [Test]
    public async Task Should_correct_what_a_device_with_a_clock_ahead_has_sent()
    {
        await StoreAsync(At("pegel-1.temperature", "2027-01-01T00:00:00Z", 240));
        await StoreAsync(Replayed("2027-01-01T00:00:00Z", 24));
        Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"2027-01-01T00:00:00Z 24 {Accepted}" }));
        Assert.That(await CorrectionsAsync(), Is.EqualTo(new[] { "240 replay r1" }));
    }

    [Test]
    public async Task Should_do_the_same_within_one_batch()
    {
        await StoreAsync(At("pegel-1.temperature", Time, 240), At("pegel-1.temperature", "2026-11-20T10:10:00Z", 25), Replayed(Time, 24), Replayed("2026-11-20T10:10:00Z", 25));
        Assert.That((await StoredAsync())[0], Is.EqualTo($"{Time} 24 {Accepted}"));
        Assert.That((await StoredAsync())[1], Does.Not.Contain(Accepted));
        Assert.That(await CorrectionsAsync(), Is.EqualTo(new[] { "240 replay r1" }));
    }

    [TestCase(Access.Internal, Roles.Developer, true)]
    [TestCase(Access.Restricted, Roles.Developer, false)]
    [TestCase(Access.Restricted, Roles.DataSteward, true)]
    [TestCase(Access.Personal, Roles.Admin, false)]
    public async Task Should_tell_what_is_stored_to_who_may_see_it(string access, string role, bool sees)
    {
        await StoreAsync(At("pegel-1.temperature", Time, 240));
        await town.SetAccessAsync("wasser", access);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/internal/{town.Id}/observations/stored")
        {
            Content = new StringContent($$"""[{"datastream":"pegel-1.temperature","time":"{{Time}}"},{"datastream":"pegel-1.temperature","time":"2020-01-01T00:00:00Z"},{"datastream":"pegel-9.x","time":"{{Time}}"}]"""),
        };
        request.Headers.Add("X-Role", $"{town.Id} {role}");
        using var answer = await town.Client.SendAsync(request);
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo(sees ? """[{"result":240},{},null]""" : "[null,null,null]"));
    }

    [Test]
    public async Task Should_not_hold_up_what_is_live_for_a_datastream_that_is_gone()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await StoreAsync(At("pegel-1.gone", Time, 1, Accepted) with { Extra = Observation.OfReplay("r1") }, Replayed(Time, 24));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(2.5)));
        Assert.That(await StoredAsync(), Is.EqualTo(new[] { $"{Time} 24 {Accepted}" }));
    }
}
