using NUnit.Framework;

namespace Allmende.Dashboards.Tests;

[TestFixture]
public sealed class When_a_map_style_is_configured
{
    [Test]
    public async Task Should_let_its_origins_in_and_no_others()
    {
        await using var host = new DashboardsHost(
            ("Dashboards:MapStyle", "https://maps.example.org/style.json"),
            ("Dashboards:MapOrigins:0", "https://tiles.example.org"));
        using var answer = await host.Browser().GetAsync("/musterstadt/");
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.That(policy, Does.Contain("connect-src 'self' https://maps.example.org https://tiles.example.org;").And.Contain("script-src 'self';"));
    }

    [Test]
    public async Task Should_let_a_municipality_differ()
    {
        await using var host = new DashboardsHost(
            ("Dashboards:Imprint", "/impressum"),
            ("Dashboards:Municipalities:kleindorf:MapStyle", "/kleindorf/x/maps/style.json"));
        Assert.That(await host.Browser().GetStringAsync("/kleindorf/portal.json"), Does.Contain("/kleindorf/x/maps/style.json").And.Contain("/impressum"));
        Assert.That(await host.Browser().GetStringAsync("/musterstadt/portal.json"), Does.Not.Contain("style.json"));
    }

    [TestCase("Dashboards:MapStyle", "javascript:alert(1)")]
    [TestCase("Dashboards:Privacy", "//elsewhere.example.org")]
    [TestCase("Dashboards:MapOrigins:0", "https://tiles.example.org/path; script-src *")]
    [TestCase("Dashboards:Municipalities:kleindorf:Imprint", "impressum.html")]
    public void Should_not_start_with_what_is_no_address(string key, string value)
    {
        using var host = new DashboardsHost((key, value));
        var fault = Assert.Catch(() => host.CreateClient());
        Assert.That(fault!.ToString(), Does.Contain(value));
    }
}
