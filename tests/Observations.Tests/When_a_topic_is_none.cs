using System.Text.Json.Nodes;
using Allmende.Contracts;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_a_topic_is_none
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature");
        await town.RegisterAsync("geheim", "intern", "temperature");
        await town.SetAccessAsync("intern", Access.Internal);
    }

    [TestCase("", 404)]
    [TestCase("Nichts", 404)]
    [TestCase("Things('gibt-es-nicht')", 404)]
    [TestCase("Things('geheim')", 404)]
    [TestCase("Datastreams('geheim.temperature')/Observations", 404)]
    [TestCase("Things('pegel-1')/name/$value", 400)]
    [TestCase("Things('pegel-1", 400)]
    [TestCase("Observations?$top=5", 400)]
    [TestCase("Observations?$filter=result gt", 400)]
    [TestCase("Observations?$filter=erfunden eq 1", 400)]
    [TestCase("Observations?$select=erfunden", 400)]
    [TestCase("Observations?$expand=Erfunden", 400)]
    [TestCase("Observations?$erfunden=1", 400)]
    public async Task Should_refuse_what_is_no_topic_before_anything_else(string topic, int status)
    {
        using var answer = await town.Client.GetAsync($"/internal/{town.Id}/sta/feed?topic={Uri.EscapeDataString(topic)}");
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That((int)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]!, Is.EqualTo(status));
    }
}
