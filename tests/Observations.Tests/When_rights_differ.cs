using Allmende.Contracts;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>Rights are part of the query: what somebody may not see is not there, not counted, not to be guessed by filters.</summary>
[TestFixture]
public sealed class When_rights_differ
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        foreach (var access in Access.All)
        {
            await town.RegisterAsync(Lamps.Lamp($"geraet-{access}", access, "temperature"));
            await town.PublishAsync(new DatasetChanged(access, access, access, null));
            await town.AppendAsync($"geraet-{access}", At($"geraet-{access}.temperature", "2026-11-20T10:00:00Z", 7));
        }
        await Eventually.TrueAsync(async () => await CountAsync("Observations", Roles.Admin) == 3, "observations with their access");
    }

    async Task<int> CountAsync(string path, string? role) =>
        (int)(await town.GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}$count=true", role))["@iot.count"]!;

    static int SeenBy(string? role) => role switch { null or Roles.Partner => 1, Roles.Analyst or Roles.Developer => 2, _ => 3 };

    static readonly string?[] EveryRole = [null, .. Roles.OfMunicipality];

    static readonly string[] EveryPath =
    [
        "Things", "Datastreams", "Locations", "FeaturesOfInterest", "HistoricalLocations", "Observations", "Observations?$filter=result eq 7",
        "Observations?$orderby=phenomenonTime desc", "Things?$filter=Datastreams/Observations/result eq 7", "Sensors('profil-1')/Datastreams",
        "ObservedProperties('temperature')/Datastreams", "Datastreams?$filter=Thing/Datastreams/id ne ''", "Locations?$filter=startswith(Things/name, 'G')",
        "TaskingCapabilities", "Actuators('profil-1')/TaskingCapabilities", "Things?$filter=TaskingCapabilities/Actuator/name eq 'Profil 1'", "TaskingCapabilities?$filter=Thing/Datastreams/id ne ''",
    ];

    [Test]
    public async Task Should_show_each_role_what_is_its([ValueSource(nameof(EveryRole))] string? role, [ValueSource(nameof(EveryPath))] string path)
    {
        var answer = await town.GetAsync(path.Replace(" ", "%20", StringComparison.Ordinal), role);
        Assert.That(answer["value"]!.AsArray(), Has.Count.EqualTo(SeenBy(role)));
        Assert.That(await CountAsync(path.Replace(" ", "%20", StringComparison.Ordinal), role), Is.EqualTo(SeenBy(role)));
    }

    [Test]
    public async Task Should_hide_in_expansions_what_it_hides_elsewhere([ValueSource(nameof(EveryRole))] string? role)
    {
        var answer = await town.GetAsync("Sensors('profil-1')?$expand=Datastreams($count=true;$expand=Thing,Observations)", role);
        Assert.That(answer["Datastreams"]!.AsArray(), Has.Count.EqualTo(SeenBy(role)));
        Assert.That((int)answer["Datastreams@iot.count"]!, Is.EqualTo(SeenBy(role)));
    }

    [TestCase("Things('geraet-internal')")]
    [TestCase("Datastreams('geraet-internal.temperature')")]
    [TestCase("Datastreams('geraet-internal.temperature')/Observations")]
    [TestCase("Things('geraet-internal')/Datastreams")]
    [TestCase("Locations('geraet-internal')")]
    [TestCase("FeaturesOfInterest('geraet-internal')")]
    [TestCase("Datastreams('geraet-internal.temperature')/Thing/name/$value")]
    public async Task Should_answer_the_hidden_like_the_missing(string path)
    {
        using var hidden = await town.SendAsync(HttpMethod.Get, town.Url(path), null, null);
        using var missing = await town.SendAsync(HttpMethod.Get, town.Url(path.Replace("internal", "nirgends", StringComparison.Ordinal)), null, null);
        Assert.That((int)hidden.StatusCode, Is.EqualTo(404));
        Assert.That(await hidden.Content.ReadAsStringAsync(), Is.EqualTo(await missing.Content.ReadAsStringAsync()));
    }

    [Test]
    public async Task Should_keep_single_values_of_persons_to_itself([ValueSource(nameof(EveryRole))] string? role)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url("Datastreams('geraet-personal.temperature')/Observations"), null, role);
        Assert.That((int)answer.StatusCode, Is.EqualTo(404));
        using var series = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/geraet-personal.temperature", null, role);
        Assert.That((int)series.StatusCode, Is.EqualTo(404));
    }

    [Test]
    public async Task Should_keep_two_municipalities_apart()
    {
        var other = await (await Service.SharedAsync()).TownAsync();
        await other.RegisterAsync("geraet-open", "open", "temperature");
        await other.AppendAsync("geraet-open", At("geraet-open.temperature", "2026-11-20T10:00:00Z", 1));
        await other.HasAsync("geraet-open.temperature", 1);
        var own = (await other.GetAsync("Observations"))["value"]!.AsArray();
        Assert.That(own.Select(value => (double)value!["result"]!), Is.EqualTo(new[] { 1d }));
        // Who shows a role of one municipality at the other's door is refused, also where the door is open to the public.
        using var request = new HttpRequestMessage(HttpMethod.Get, town.Url("Things"));
        request.Headers.Add("X-Role", $"{other.Id} {Roles.Admin}");
        using var answer = await town.Client.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(403));
    }
}
