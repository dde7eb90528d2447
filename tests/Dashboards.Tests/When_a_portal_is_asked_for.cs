using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Allmende.Dashboards.Tests;

[TestFixture]
public sealed partial class When_a_portal_is_asked_for
{
    readonly DashboardsHost host = new(("Dashboards:Imprint", "https://musterstadt.example/impressum"));

    [OneTimeTearDown]
    public void Stop() => host.Dispose();

    [Test]
    public async Task Should_answer_with_the_municipalitys_page_in_German()
    {
        var page = await host.Browser().GetStringAsync("/musterstadt/");
        Assert.That(page, Does.Contain("<html lang=\"de\">").And.Contain("data-municipality=\"musterstadt\"").And.Contain("Musterstadt &#183; Offene Umweltdaten"));
        Assert.That(page, Does.Not.Contain("{{"), "a slot was left open");
    }

    [TestCase("en-GB,en;q=0.9", "en")]
    [TestCase("de-AT", "de")]
    [TestCase("en;q=0.3, de;q=0.9", "de")]
    [TestCase("fr-FR, fr;q=0.9", "en")]
    [TestCase("*", "de")]
    [TestCase("", "de")]
    public async Task Should_speak_as_the_browser_asks(string accepted, string spoken)
    {
        using var client = host.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/musterstadt/");
        if (accepted.Length > 0) request.Headers.Add("Accept-Language", accepted);
        Assert.That(await (await client.SendAsync(request)).Content.ReadAsStringAsync(), Does.Contain($"<html lang=\"{spoken}\">"));
    }

    [Test]
    public async Task Should_remember_the_chosen_language()
    {
        using var chosen = await host.Browser().GetAsync("/musterstadt/?lang=en");
        Assert.That(chosen.Headers.GetValues("Set-Cookie").Single(), Does.StartWith("language=en;").And.Contain("samesite=lax"));

        using var again = new HttpRequestMessage(HttpMethod.Get, "/musterstadt/") { Headers = { { "Cookie", "language=en" } } };
        Assert.That(await (await host.Browser().SendAsync(again)).Content.ReadAsStringAsync(), Does.Contain("<html lang=\"en\">"));
    }

    [Test]
    public async Task Should_allow_no_inline_script_and_no_foreign_origin()
    {
        using var answer = await host.Browser().GetAsync("/musterstadt/");
        Assert.That(answer.Headers.GetValues("Permissions-Policy").Single(), Does.Contain("geolocation=(self)").And.Contain("camera=()"), "who puts up a device says where it stands");
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.That(policy, Does.Contain("default-src 'none'").And.Contain("script-src 'self';").And.Contain("style-src 'self';").And.Contain("connect-src 'self';"));
        Assert.That(policy, Does.Not.Contain("unsafe").And.Not.Contain("http"));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Match(@"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+="));
    }

    [Test]
    public async Task Should_ask_again_only_to_learn_that_nothing_changed()
    {
        foreach (var path in new[] { "/musterstadt/", "/musterstadt/portal.json", "/musterstadt/theme.css", "/" })
        {
            using var first = await host.Browser().GetAsync(path);
            using var second = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
            using var answer = await host.Browser().SendAsync(second);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotModified), path);
            Assert.That(answer.Headers.CacheControl!.NoCache, Is.True, path);
        }
    }

    [Test]
    public async Task Should_keep_linked_assets_for_ever_and_send_them_compressed()
    {
        var page = await host.Browser().GetStringAsync("/musterstadt/");
        var links = Links().Matches(page).Select(link => WebUtility.HtmlDecode(link.Groups[1].Value)).Where(link => !link.EndsWith("portal.json", StringComparison.Ordinal)).ToList();
        Assert.That(links, Has.Some.StartsWith("/assets/").And.Some.StartsWith("/musterstadt/theme.css?v=").And.Some.StartsWith("/musterstadt/favicon.svg?v="));
        foreach (var link in links)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, link) { Headers = { { "Accept-Encoding", "gzip, br" } } };
            using var answer = await host.Browser().SendAsync(request);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), link);
            Assert.That(answer.Headers.CacheControl!.ToString(), Does.Contain("immutable").And.Contain("max-age=31536000"), link);
            if (link.StartsWith("/assets/", StringComparison.Ordinal)) Assert.That(answer.Content.Headers.ContentEncoding, Is.EqualTo(new[] { "br" }), link);
        }
    }

    [Test]
    public async Task Should_send_assets_as_they_are_to_who_takes_no_compression()
    {
        var script = Links().Matches(await host.Browser().GetStringAsync("/musterstadt/")).Select(link => link.Groups[1].Value).First(link => link.EndsWith(".js", StringComparison.Ordinal));
        using var request = new HttpRequestMessage(HttpMethod.Get, script) { Headers = { { "Accept-Encoding", "br;q=0" } } };
        using var answer = await host.Browser().SendAsync(request);
        Assert.That(answer.Content.Headers.ContentEncoding, Is.Empty);
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("import"));
    }

    [TestCase("/assets/..%2findex.html")]
    [TestCase("/assets/..%2f..%2fAllmende.Dashboards.dll")]
    [TestCase("/assets/missing-abc123.js")]
    public async Task Should_serve_nothing_but_assets(string path)
    {
        using var answer = await host.Browser().GetAsync(path);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_tell_the_page_its_configuration()
    {
        using var musterstadt = JsonDocument.Parse(await host.Browser().GetStringAsync("/musterstadt/portal.json"));
        Assert.That(musterstadt.RootElement.GetProperty("bbox").GetArrayLength(), Is.EqualTo(4));
        Assert.That(musterstadt.RootElement.GetProperty("map").GetProperty("style").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(musterstadt.RootElement.GetProperty("links").GetProperty("imprint").GetString(), Is.EqualTo("https://musterstadt.example/impressum"));
    }

    [Test]
    public async Task Should_give_a_municipality_without_bounds_a_map_around_its_centre()
    {
        using var kleindorf = JsonDocument.Parse(await host.Browser().GetStringAsync("/kleindorf/portal.json"));
        var bounds = kleindorf.RootElement.GetProperty("bbox").EnumerateArray().Select(value => value.GetDouble()).ToArray();
        Assert.That((bounds[0] + bounds[2]) / 2, Is.EqualTo(8.5).Within(1e-9));
        Assert.That((bounds[1] + bounds[3]) / 2, Is.EqualTo(52).Within(1e-9));
        Assert.That(bounds[2] - bounds[0], Is.GreaterThan(bounds[3] - bounds[1]), "a degree of longitude is shorter");
    }

    [Test]
    public async Task Should_write_names_as_text()
    {
        foreach (var path in new[] { "/kleindorf/", "/", "/kleindorf/favicon.svg" })
            Assert.That(await host.Browser().GetStringAsync(path), Does.Not.Contain("<Umland>"), path);
        Assert.That(await host.Browser().GetStringAsync("/"), Does.Contain("Kleindorf &amp; &lt;Umland&gt;").And.Contain("href=\"/musterstadt/\"").And.Contain("101.000"));
    }

    [Test]
    public async Task Should_lead_to_the_address_with_a_slash()
    {
        using var answer = await host.Browser().GetAsync("/musterstadt?lang=en");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.PermanentRedirect));
        Assert.That(answer.Headers.Location!.OriginalString, Is.EqualTo("/musterstadt/?lang=en"));
    }

    [TestCase("/atlantis/")]
    [TestCase("/atlantis")]
    [TestCase("/Nicht%20Da/")]
    [TestCase("/musterstadt/no/such/page")]
    public async Task Should_tell_people_in_both_languages_that_nothing_is_there(string path)
    {
        using var answer = await host.Browser().GetAsync(path);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("Diese Seite gibt es nicht").And.Contain("This page does not exist"));
    }

    [Test]
    public async Task Should_tell_programs_by_problem_details()
    {
        using var client = host.CreateClient();
        using var answer = await client.GetAsync("/atlantis/portal.json");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
    }

    [GeneratedRegex("(?:href|src)=\"(/[^\"]+\\.[a-z]+(?:\\?[^\"]*)?)\"")]
    private static partial Regex Links();
}
