using System.Text.Json.Nodes;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_a_live_filter_is_wrong
{
    Town town = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync() => town = await (await Service.SharedAsync()).TownAsync();

    [TestCase("?bbox=1,2,3", "bbox")]
    [TestCase("?bbox=1,2,3,x", "bbox")]
    [TestCase("?bbox=1,52,3,51", "bbox")]
    [TestCase("?bbox=-181,0,3,1", "bbox")]
    [TestCase("?bbox=1,2,3,4&bbox=1,2,3,4", "bbox")]
    [TestCase("?datastream=", "datastream")]
    [TestCase("?thing={long}", "thing")]
    [TestCase("{many}", "type")]
    public async Task Should_name_the_filter_that_is_wrong(string query, string field)
    {
        query = query.Replace("{long}", new string('x', 257), StringComparison.Ordinal)
            .Replace("{many}", "?" + string.Join('&', Enumerable.Range(0, 101).Select(i => $"type=t{i}")), StringComparison.Ordinal);
        using var answer = await town.Client.GetAsync($"/{town.Id}/live{query}");
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["field"]!, Is.EqualTo(field));
    }
}
