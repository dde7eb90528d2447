using System.Diagnostics;
using System.Net;
using NUnit.Framework;

namespace Allmende.OpenData.Tests;

[TestFixture]
public class When_a_download_is_long
{
    const int Million = 1_000_000;

    OpenDataUnderTest openData = null!;
    string town = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        openData = await OpenDataUnderTest.StartAsync(new() { ["OpenData:UpstreamSilence"] = "00:00:02" });
        town = await openData.OnboardAsync();
    }

    [OneTimeTearDown] public async Task Stop() => await openData.DisposeAsync();

    [Test]
    public async Task Should_stream_a_million_rows_in_flat_memory()
    {
        openData.Observations.Lines[$"{town}/gross/observations"] = Enumerable.Range(0, Million).Select(ObservationsStandIn.Row);
        using var client = openData.Service.Client(town);
        var clock = Stopwatch.StartNew();
        await using var body = await client.GetStreamAsync(new Uri($"/{town}/export/gross.csv", UriKind.Relative));
        var buffer = new byte[64 * 1024];
        var (bytes, rows, most, next) = (0L, 0, 0L, 0L);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        while (await body.ReadAsync(buffer) is > 0 and var read)
        {
            rows += buffer.AsSpan(0, read).Count((byte)'\n');
            if ((bytes += read) < next) continue;
            next = bytes + 10_000_000;
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }
        TestContext.Out.WriteLine($"{rows:N0} rows, {bytes / 1e6:N0} MB in {clock.Elapsed.TotalSeconds:N1} s, at most {most / 1e6:N1} MB more held by client, service and stand-in together");
        Assert.That(rows, Is.EqualTo(Million + 1));
        Assert.That(bytes, Is.GreaterThan(90_000_000));
        Assert.That(most, Is.LessThan(16_000_000), "bytes held while streaming");
    }

    [Test, CancelAfter(30_000)]
    public async Task Should_cancel_the_query_when_the_client_leaves(CancellationToken limit)
    {
        openData.Observations.Lines[$"{town}/endlos/observations"] = Enumerable.Range(0, int.MaxValue).Select(ObservationsStandIn.Row);
        using (var client = openData.Service.Client(town))
        using (var answer = await client.GetAsync(new Uri($"/{town}/export/endlos.csv", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, limit))
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await openData.Observations.Abandoned.Task.WaitAsync(limit);
    }

    [Test]
    public async Task Should_not_pass_off_half_a_file_as_the_whole()
    {
        await using var broken = await OpenDataUnderTest.StartAsync();
        var place = await broken.OnboardAsync();
        broken.Observations.Lines[$"{place}/bruch/observations"] = Enumerable.Range(0, 100_000).Select(ObservationsStandIn.Row);
        broken.Observations.BreakAfter = 50_000;
        using var client = broken.Service.Client(place);
        Assert.That(async () => await client.GetByteArrayAsync(new Uri($"/{place}/export/bruch.csv", UriKind.Relative)), Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task Should_give_up_on_a_query_that_says_nothing()
    {
        using var silent = new ManualResetEventSlim();
        IEnumerable<string> Silence()
        {
            for (var i = 0; i < 1000; i++) yield return ObservationsStandIn.Row(i);
            silent.Wait(TimeSpan.FromSeconds(20));
        }
        openData.Observations.Lines[$"{town}/still/observations"] = Silence();
        using var client = openData.Service.Client(town);
        var clock = Stopwatch.StartNew();
        Assert.That(async () => await client.GetByteArrayAsync(new Uri($"/{town}/export/still.csv", UriKind.Relative)), Throws.InstanceOf<HttpRequestException>());
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(15)));
        silent.Set();
    }

    [Test]
    public async Task Should_say_so_when_observations_is_away()
    {
        var away = await OpenDataUnderTest.StartAsync();
        await using var _ = away.Service;
        var place = await away.OnboardAsync();
        await away.Observations.DisposeAsync();
        using var answer = await away.GetAsync($"/{place}/export/pegel.csv");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
    }
}
