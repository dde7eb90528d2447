using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Testing;
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
        await town.SetAccessAsync("intern", Access.Internal);
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

    [Test]
    public async Task Should_combine_filters_by_thing_type_and_box()
    {
        await town.RegisterAtAsync("fidschi", "wasser", 179.9, -17, "temperature", "level");
        await town.RegisterAtAsync("samoa", "wasser", -179.5, -17, "temperature", "level");
        await using var level = await Listener.OpenAsync(town, "?type=level&thing=fidschi&thing=pegel-1");
        await using var across = await Listener.OpenAsync(town, "?bbox=179,-20,-179,-10&type=temperature");
        await using var here = await Listener.OpenAsync(town, "?bbox=8,51,9,52");
        foreach (var field in new[] { "temperature", "level" })
            foreach (var thing in new[] { "fidschi", "samoa" })
                await town.AppendAsync(thing, At($"{thing}.{field}", "2026-11-20T10:00:00Z", 1));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2));
        Assert.That(await level.TakeAsync(1), Is.EqualTo(new[] { "fidschi.level=1" }));
        Assert.That(await across.TakeAsync(2), Is.EquivalentTo(new[] { "fidschi.temperature=1", "samoa.temperature=1" }));
        Assert.That(await here.TakeAsync(1), Is.EqualTo(new[] { "pegel-1.temperature=2" }));
    }

    [Test]
    public async Task Should_go_by_the_place_that_an_observation_names_itself()
    {
        await town.RegisterAtAsync("weit-weg", "wasser", 13.4, 52.5, "temperature");
        var feature = (string)(await town.GetAsync("FeaturesOfInterest('weit-weg')"))["@iot.id"]!;
        await using var berlin = await Listener.OpenAsync(town, "?bbox=13,52,14,53");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        using var posted = await town.PostAsync("Datastreams('pegel-1.temperature')/Observations",
            $$$"""{"phenomenonTime":"2026-11-20T11:00:00Z","result":2,"FeatureOfInterest":{"@iot.id":"{{{feature}}}"}}""");
        Assert.That((int)posted.StatusCode, Is.EqualTo(201));
        Assert.That(await berlin.TakeAsync(1), Is.EqualTo(new[] { "pegel-1.temperature=2" }));
    }

    [Test]
    public async Task Should_follow_a_change_of_rights_at_once()
    {
        await using var everybody = await Listener.OpenAsync(town, "");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        Assert.That(await everybody.TakeAsync(1), Is.EqualTo(new[] { "pegel-1.temperature=1" }));
        await using var staff = await Listener.OpenAsync(town, "", role: Roles.Analyst);
        await town.SetAccessAsync("wasser", Access.Internal);
        await town.SetAccessAsync("intern", Access.Open);
        // The notices go through the log like everything else; once the second is heard of, both hold, long before anything remembered is too old.
        var opened = everybody.TakeAsync(1);
        await Eventually.TrueAsync(async () =>
        {
            await town.AppendAsync("geheim", At("geheim.temperature", "2026-11-20T11:00:00Z", 3));
            return opened.IsCompleted;
        }, "data that is open now", TimeSpan.FromSeconds(4));
        Assert.That(await opened, Is.EqualTo(new[] { "geheim.temperature=3" }));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T11:00:00Z", 2));
        Assert.That(await staff.TakeUntilAsync("pegel-1.temperature=2"), Has.Count.GreaterThan(1), "the analyst sees both");
        await town.AppendAsync("geheim", At("geheim.temperature", "2026-11-20T12:00:00Z", 4));
        Assert.That(await everybody.TakeUntilAsync("geheim.temperature=4"), Does.Not.Contain("pegel-1.temperature=2"));
    }

    [Test]
    public async Task Should_say_what_is_not_kept_any_more()
    {
        var first = await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        var lost = await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T11:00:00Z", 2));
        var kept = await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T12:00:00Z", 3));
        await town.HasAsync("pegel-1.temperature", 3);
        var service = await Service.SharedAsync();
        await RedisLog.TrimAsync(service.Get<RedisConnection>().Commands, $"log:{town.Id}:observations:{kept.Partition}", kept);
        await using var listener = await Listener.OpenAsync(town, "", $"{first.Partition}:{first.Major}.{first.Minor}");
        var gap = await listener.NextAsync("gap");
        Assert.That((string)gap["reason"]!, Is.EqualTo("not_kept"));
        Assert.That((string)gap["keptAfter"]!, Does.Contain($"{lost.Partition}:{lost.Major}.{lost.Minor}"));
        Assert.That(await listener.TakeAsync(1), Is.EqualTo(new[] { "pegel-1.temperature=3" }));
        await using var exact = await Listener.OpenAsync(town, "", $"{lost.Partition}:{lost.Major}.{lost.Minor}");
        Assert.That(await exact.TakeAsync(1), Is.EqualTo(new[] { "pegel-1.temperature=3" }));
        Assert.That(exact.Events, Does.Not.Contain("gap"));
    }

    [Test]
    public async Task Should_say_that_a_place_is_none()
    {
        await using var listener = await Listener.OpenAsync(town, "", "gestern");
        Assert.That((string)(await listener.NextAsync("gap"))["reason"]!, Is.EqualTo("unreadable"));
    }

    [Test]
    public async Task Should_turn_away_a_caller_that_has_enough()
    {
        var open = new List<Listener>();
        for (var i = 0; i < 20; i++) open.Add(await Listener.OpenAsync(town, "", role: Roles.Developer));
        using (var full = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/live", null, Roles.Developer))
        {
            Assert.That((int)full.StatusCode, Is.EqualTo(429));
            Assert.That(await full.Content.ReadAsStringAsync(), Does.Contain("urn:allmende:error:too_many_subscribers"));
            Assert.That(full.Headers.RetryAfter, Is.Not.Null);
        }
        await using var somebodyElse = await Listener.OpenAsync(town, "", role: Roles.Analyst);
        foreach (var listener in open) await listener.DisposeAsync();
        await Eventually.TrueAsync(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/{town.Id}/live");
            request.Headers.Add("X-Role", $"{town.Id} {Roles.Developer}");
            using var answer = await town.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return answer.IsSuccessStatusCode;
        }, "place of a stream that was closed");
    }

    [Test]
    public async Task Should_keep_a_quiet_stream_alive_and_its_place_young()
    {
        await using var listener = await Listener.OpenAsync(town, "?thing=pegel-2");
        var before = listener.LastId;
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        await Eventually.TrueAsync(async () => { await listener.LineAsync(); return listener.LastId != before; }, "place after what others got");
    }

    [Test]
    public async Task Should_cut_off_who_does_not_read_and_harm_nobody_else()
    {
        var text = new string('x', 500_000);
        using var stuck = new TcpClient { ReceiveBufferSize = 4096 };
        await stuck.ConnectAsync(IPAddress.Loopback, town.Client.BaseAddress!.Port);
        await stuck.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /{town.Id}/live HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        var head = new byte[64];
        Assert.That(await stuck.GetStream().ReadAsync(head), Is.Positive, "the stream has begun; nothing more is read from it");
        await using var neighbour = await Listener.OpenAsync(town, "?datastream=pegel-2.temperature");
        var slowest = TimeSpan.Zero;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 25; i++)
        {
            var minute = DateTimeOffset.Parse("2026-11-20T10:00:00Z", null).AddMinutes(i);
            await town.AppendAsync("pegel-1", new Observation("pegel-1.temperature", Observation.Micros(minute), 0, $"\"{text}\""));
            var sent = Stopwatch.StartNew();
            await town.AppendAsync("pegel-2", new Observation("pegel-2.temperature", Observation.Micros(minute), i));
            Assert.That(await neighbour.TakeAsync(1), Is.EqualTo(new[] { $"pegel-2.temperature={i}" }));
            if (sent.Elapsed > slowest) slowest = sent.Elapsed;
        }
        TestContext.Out.WriteLine($"slowest of the neighbour: {slowest.TotalMilliseconds:0} ms; memory {(GC.GetTotalMemory(true) - before) / 1024} KiB more");
        Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(5)), "how long the neighbour waited for one");
        // 12 MB were for it; it gets what was under way, then the socket's end, not the rest.
        var got = 0;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                var buffer = new byte[256 * 1024];
                var read = await stuck.GetStream().ReadAsync(buffer);
                got += read;
                return read == 0;
            }
            catch (IOException)
            {
                return true; // reset
            }
        }, "end of the stream that nobody read");
        Assert.That(got, Is.LessThan(9_000_000));
    }

    sealed class Listener : IAsyncDisposable
    {
        readonly HttpResponseMessage answer;
        readonly StreamReader lines;
        readonly CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));

        Listener(HttpResponseMessage answer, StreamReader lines) => (this.answer, this.lines) = (answer, lines);

        public string LastId { get; private set; } = "";

        /// <summary>Types of the events so far.</summary>
        public List<string> Events { get; } = [];

        public static async Task<Listener> OpenAsync(Town town, string query, string? lastId = null, string? role = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/{town.Id}/live{query}");
            if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
            if (role is not null) request.Headers.Add("X-Role", $"{town.Id} {role}");
            var answer = await town.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
            var listener = new Listener(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
            if (lastId is null) while (await listener.LineAsync() is not "event: ready") { }
            return listener;
        }

        /// <summary>The next <paramref name="count"/> observations as <c>datastream=result</c>.</summary>
        public async Task<List<string>> TakeAsync(int count)
        {
            var taken = new List<string>();
            while (taken.Count < count)
            {
                var line = await LineAsync();
                if (!line.StartsWith("data: {\"datastream\"", StringComparison.Ordinal)) continue;
                var data = JsonNode.Parse(line[6..])!;
                taken.Add($"{data["datastream"]}={data["result"]}");
            }
            return taken;
        }

        /// <summary>All up to the given observation.</summary>
        public async Task<List<string>> TakeUntilAsync(string last)
        {
            var taken = new List<string>();
            while (!taken.Contains(last)) taken.AddRange(await TakeAsync(1));
            return taken;
        }

        /// <summary>Data of the next event of a type.</summary>
        public async Task<JsonNode> NextAsync(string type)
        {
            while (await LineAsync() != "event: " + type) { }
            return JsonNode.Parse((await LineAsync())["data: ".Length..])!;
        }

        public async Task<string> LineAsync()
        {
            var line = await lines.ReadLineAsync(limit.Token) ?? throw new AssertionException("the stream has ended");
            if (line.StartsWith("id: ", StringComparison.Ordinal)) LastId = line[4..];
            if (line.StartsWith("event: ", StringComparison.Ordinal)) Events.Add(line[7..]);
            return line;
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
