using System.Net;
using System.Text.Json.Nodes;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_an_engine_is_missing
{
    [Test]
    public async Task Should_say_so_at_ready_and_recover()
    {
        await using var engines = await TestEngines.StartAsync();
        var municipality = await engines.CreateMunicipalityAsync();
        await using var identity = await MunicipalitiesStandIn.StartAsync(municipality);
        await using var service = await ServiceUnderTest.StartAsync(PlatformNeeds.All, new Dictionary<string, string?>
        {
            ["Platform:Redis"] = engines.Redis.Address,
            ["Platform:Postgres"] = engines.ConnectionString("streams"),
            ["Platform:Services:identity"] = identity.Address,
        });
        await BecomesAsync(service, HttpStatusCode.OK, "");

        await engines.Redis.Process.KillAsync(restart: false);
        await BecomesAsync(service, HttpStatusCode.ServiceUnavailable, "not ready: log (redis)");
        await engines.Redis.Process.StartAsync();
        await BecomesAsync(service, HttpStatusCode.OK, "");

        await engines.Postgres.Process.KillAsync(restart: false);
        await BecomesAsync(service, HttpStatusCode.ServiceUnavailable, "not ready: database");
        using var live = await service.Client.GetAsync(new Uri("/health/live", UriKind.Relative));
        Assert.That(live.StatusCode, Is.EqualTo(HttpStatusCode.OK), "a missing engine is no reason to be killed");
        await engines.Postgres.Process.StartAsync();
        await BecomesAsync(service, HttpStatusCode.OK, "");
    }

    [Test]
    public async Task Should_not_be_ready_before_the_municipalities_are_known()
    {
        await using var service = await ServiceUnderTest.StartAsync(PlatformNeeds.Municipalities);
        await BecomesAsync(service, HttpStatusCode.ServiceUnavailable, "not ready: municipalities");
    }

    static Task BecomesAsync(ServiceUnderTest service, HttpStatusCode status, string detail) => Eventually.TrueAsync(async () =>
    {
        using var answer = await service.Client.GetAsync(new Uri("/health/ready", UriKind.Relative));
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return answer.StatusCode == status && (body["detail"]?.GetValue<string>() ?? "") == detail;
    }, $"{status} {detail}", TimeSpan.FromSeconds(20));
}
