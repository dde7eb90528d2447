using Allmende.Contracts;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_somebody_listens_live
{
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature");
        await town.RegisterAsync("pegel-2", "wasser", "temperature");
        await town.RegisterAsync("geheim", "intern", "temperature");
        await town.PublishAsync(new DatasetChanged("intern", "intern", Access.Internal, null));
        await Allmende.Testing.Eventually.TrueAsync(async () =>
        {
            using var answer = await town.SendAsync(HttpMethod.Get, town.Url("Things('geheim')"), null, null);
            return (int)answer.StatusCode == 404;
        }, "internal Thing");
    }

    [Test]
    public async Task Should_push_what_the_listener_may_see_and_asked_for()
    {
        await using var all = await Listener.OpenAsync(town, "");
        await using var one = await Listener.OpenAsync(town, "?datastream=pegel-2.temperature");
        await town.AppendAsync("geheim", At("geheim.temperature", "2026-11-20T10:00:00Z", 1));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2));
        await town.AppendAsync("pegel-2", At("pegel-2.temperature", "2026-11-20T10:00:00Z", 3));
        Assert.That(await all.TakeAsync(2), Is.EquivalentTo(new[] { "pegel-1.temperature=2", "pegel-2.temperature=3" }));
        Assert.That(await one.TakeAsync(1), Is.EqualTo(new[] { "pegel-2.temperature=3" }));
    }

    [Test]
    public async Task Should_push_only_what_can_be_read()
    {
        await using var listener = await Listener.OpenAsync(town, "");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2));
        await listener.TakeAsync(1);
        Assert.That((await town.GetAsync("Datastreams('pegel-1.temperature')/Observations"))["value"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_resume_without_loss_and_without_repetition()
    {
        var first = await Listener.OpenAsync(town, "");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 0));
        await first.TakeAsync(1);
        var lastId = first.LastId;
        await first.DisposeAsync();
        for (var i = 1; i <= 50; i++) await town.AppendAsync($"pegel-{1 + i % 2}", At($"pegel-{1 + i % 2}.temperature", $"2026-11-20T11:{i:00}:00Z", i));
        await using var second = await Listener.OpenAsync(town, "", lastId);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T12:00:00Z", 99));
        var values = (await second.TakeAsync(51)).Select(line => line.Split('=')[1]);
        Assert.That(values, Is.EquivalentTo(Enumerable.Range(1, 50).Append(99).Select(value => value.ToString(System.Globalization.CultureInfo.InvariantCulture))));
    }

    sealed class Listener : IAsyncDisposable
    {
        readonly HttpResponseMessage answer;
        readonly StreamReader lines;
        readonly CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));

        Listener(HttpResponseMessage answer, StreamReader lines) => (this.answer, this.lines) = (answer, lines);

        public string LastId { get; private set; } = "";

        public static async Task<Listener> OpenAsync(Town town, string query, string? lastId = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/{town.Id}/live{query}");
            if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
            var answer = await town.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
            var listener = new Listener(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
            if (lastId is null) while (await listener.lines.ReadLineAsync(listener.limit.Token) is not "event: ready") { }
            return listener;
        }

        /// <summary>The next <paramref name="count"/> observations as <c>datastream=result</c>.</summary>
        public async Task<List<string>> TakeAsync(int count)
        {
            var taken = new List<string>();
            while (taken.Count < count)
            {
                var line = await lines.ReadLineAsync(limit.Token) ?? throw new AssertionException($"the stream ended after {taken.Count} of {count}");
                if (line.StartsWith("id: ", StringComparison.Ordinal)) LastId = line[4..];
                if (!line.StartsWith("data: {\"datastream\"", StringComparison.Ordinal)) continue;
                var data = System.Text.Json.Nodes.JsonNode.Parse(line[6..])!;
                taken.Add($"{data["datastream"]}={data["result"]}");
            }
            return taken;
        }

        public ValueTask DisposeAsync()
        {
            limit.Cancel();
            limit.Dispose();
            lines.Dispose();
            answer.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
