using System.Net;
using System.Text.Json;
using NUnit.Framework;

namespace Allmende.Dashboards.Tests;

[TestFixture]
public sealed class When_a_base_map_is_configured
{
    const string Key = "Dashboards:Municipalities:musterstadt:Basemap";
    const string Map = """{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"kind":"road","name":"Lindenstraße"},"geometry":{"type":"LineString","coordinates":[[8.38,51.9],[8.39,51.9]]}}]}""";

    string file = "";

    [SetUp]
    public void WriteFile() => file = Path.GetTempFileName();

    [TearDown]
    public void RemoveFile() => File.Delete(file);

    [Test]
    public async Task Should_serve_it_once_to_whoever_keeps_it()
    {
        await File.WriteAllTextAsync(file, Map);
        await using var host = new DashboardsHost((Key, file));
        using var browser = host.Browser();
        var address = JsonDocument.Parse(await browser.GetStringAsync("/musterstadt/portal.json")).RootElement.GetProperty("map").GetProperty("basemap").GetString()!;
        using var answer = await browser.GetAsync(address);
        Assert.Multiple(async () =>
        {
            Assert.That(address, Does.StartWith("/musterstadt/basemap.geojson?v="));
            Assert.That(answer.Content.Headers.ContentType!.ToString(), Is.EqualTo("application/geo+json"));
            Assert.That(answer.Headers.CacheControl!.ToString(), Does.Contain("immutable"));
            Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo(Map));
        });

        using var again = new HttpRequestMessage(HttpMethod.Get, "/musterstadt/basemap.geojson");
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        using var unchanged = await browser.SendAsync(again);
        Assert.That(unchanged.StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
    }

    [Test]
    public async Task Should_compress_it_for_whoever_takes_that()
    {
        await File.WriteAllTextAsync(file, Map);
        await using var host = new DashboardsHost((Key, file));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/musterstadt/basemap.geojson");
        request.Headers.Add("Accept-Encoding", "br, gzip");
        using var answer = await host.Browser().SendAsync(request);
        await using var unpacked = new System.IO.Compression.GZipStream(await answer.Content.ReadAsStreamAsync(), System.IO.Compression.CompressionMode.Decompress);
        using var reader = new StreamReader(unpacked);
        Assert.That(answer.Content.Headers.ContentEncoding, Is.EqualTo(new[] { "gzip" }));
        Assert.That(await reader.ReadToEndAsync(), Is.EqualTo(Map));
    }

    [Test]
    public async Task Should_leave_other_municipalities_with_squares()
    {
        await File.WriteAllTextAsync(file, Map);
        await using var host = new DashboardsHost((Key, file));
        using var answer = await host.Browser().GetAsync("/kleindorf/basemap.geojson");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await host.Browser().GetStringAsync("/kleindorf/portal.json"), Does.Contain("\"basemap\":null"));
    }

    [Test]
    public async Task Should_draw_a_configured_style_instead()
    {
        await File.WriteAllTextAsync(file, Map);
        await using var host = new DashboardsHost((Key, file), ("Dashboards:MapStyle", "/musterstadt/x/maps/style.json"));
        Assert.That(await host.Browser().GetStringAsync("/musterstadt/portal.json"), Does.Contain("\"basemap\":null"));
    }

    [TestCase("", "cannot be read")]
    [TestCase("""{"type":"Feature"}""", "is no GeoJSON FeatureCollection")]
    [TestCase("[1,2]", "is no GeoJSON FeatureCollection")]
    public async Task Should_not_start_with_what_is_no_map(string content, string fault)
    {
        await File.WriteAllTextAsync(file, content);
        await using var host = new DashboardsHost((Key, file));
        Assert.That(Assert.Catch(() => host.CreateClient())!.ToString(), Does.Contain(file).And.Contain(fault));
    }

    [Test]
    public async Task Should_not_start_with_a_file_that_is_too_large_or_missing()
    {
        await using (var large = File.OpenWrite(file)) large.SetLength(BaseMap.MostBytes + 1);
        await using var tooLarge = new DashboardsHost((Key, file));
        Assert.That(Assert.Catch(() => tooLarge.CreateClient())!.ToString(), Does.Contain("is larger than 16 MiB"));
        await using var missing = new DashboardsHost((Key, file + ".gone"));
        Assert.That(Assert.Catch(() => missing.CreateClient())!.ToString(), Does.Contain("is no file"));
    }
}
