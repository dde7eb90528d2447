using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;

namespace Allmende.Journeys.Tests;

/// <summary>What outsiders and other services rely on stands in golden files: a change shows in the diff, and is meant.</summary>
[TestFixture]
public class When_others_rely_on_routes
{
    static string Golden(string name) => File.ReadAllText(Path.Combine(TestContext.CurrentContext.TestDirectory, "golden", name)).TrimEnd();

    [Test]
    public async Task Should_have_all_routes_that_it_had()
    {
        using var http = new HttpClient { BaseAddress = TheInstallation.Running.Gateway };
        var document = (await http.GetFromJsonAsync<JsonObject>("openapi"))!;
        var routes = document["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}"))
            .Order(StringComparer.Ordinal);
        Assert.That(string.Join('\n', routes), Is.EqualTo(Golden("routes.txt")));
    }

    [Test]
    public void Should_have_all_events_that_it_had() =>
        Assert.That(string.Join('\n', EventTypes.All.Order(StringComparer.Ordinal)), Is.EqualTo(Golden("events.txt")));
}
