using System.Net;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Testing;
using Npgsql;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>The feed behind SensorThings over MQTT: what Ingestion's MQTT server hands to the subscriber of a topic.</summary>
[TestFixture]
public sealed class When_topics_are_subscribed
{
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature", "level");
        await town.RegisterAsync("geheim", "intern", "temperature");
        await town.SetAccessAsync("intern", Access.Internal);
    }

    [TestCase("Observations")]
    [TestCase("Observations?$select=result,phenomenonTime&$expand=Datastream($select=name)")]
    [TestCase("Datastreams('pegel-1.temperature')/Observations")]
    [TestCase("Datastreams('pegel-1.temperature')/Observations?$filter=result gt 10 and Datastream/Thing/name eq 'Gerät pegel-1'")]
    [TestCase("Things('pegel-1')/Datastreams('pegel-1.temperature')/Observations?$expand=FeatureOfInterest,Datastream/Thing")]
    public async Task Should_tell_of_an_observation_what_a_get_gives(string topic)
    {
        await using var feed = await Feed.OpenAsync(town, topic);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 12.5));
        var payload = await feed.NextAsync();
        var question = topic.IndexOf('?', StringComparison.Ordinal);
        var read = await town.GetAsync(Uri.EscapeDataString(topic[..(question < 0 ? topic.Length : question)]).Replace("%2F", "/", StringComparison.Ordinal) + (question < 0 ? "" : topic[question..]));
        Assert.That(payload.ToJsonString(), Is.EqualTo(read["value"]![0]!.ToJsonString()));
    }

    [Test]
    public async Task Should_tell_only_what_the_topic_and_its_filter_choose()
    {
        await using var warm = await Feed.OpenAsync(town, "Datastreams('pegel-1.temperature')/Observations?$filter=result gt 10&$select=result");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 5), At("pegel-1.level", "2026-11-20T10:00:00Z", 50), At("pegel-1.temperature", "2026-11-20T10:01:00Z", 15));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:02:00Z", 25));
        Assert.That((await warm.NextAsync()).ToJsonString(), Is.EqualTo("""{"result":15}"""));
        Assert.That((await warm.NextAsync()).ToJsonString(), Is.EqualTo("""{"result":25}"""));
    }

    [Test]
    public async Task Should_tell_of_entities_that_come_and_change()
    {
        await using var things = await Feed.OpenAsync(town, "Things?$select=name");
        await using var one = await Feed.OpenAsync(town, "Things('pegel-1')?$expand=Datastreams($select=name)");
        await using var ofThing = await Feed.OpenAsync(town, "Things('pegel-1')/Datastreams?$select=id");
        await using var property = await Feed.OpenAsync(town, "Things('pegel-1')/properties");
        await town.RegisterAsync("pegel-2", "wasser", "temperature");
        await town.RegisterAsync("pegel-1", "wasser", "temperature", "level", "wind");
        Assert.That(new[] { (string)(await things.NextAsync())["name"]!, (string)(await things.NextAsync())["name"]! }, Is.EquivalentTo(new[] { "Gerät pegel-2", "Gerät pegel-1" }));
        Assert.That((await one.NextAsync()).ToJsonString(), Is.EqualTo((await town.GetAsync("Things('pegel-1')?$expand=Datastreams($select=name)")).ToJsonString()));
        Assert.That((await property.NextAsync()).ToJsonString(), Is.EqualTo((await town.GetAsync("Things('pegel-1')/properties")).ToJsonString()));
        var datastreams = new List<string>();
        for (var i = 0; i < 3; i++) datastreams.Add((string)(await ofThing.NextAsync())["@iot.id"]!);
        Assert.That(datastreams, Is.EquivalentTo(new[] { "pegel-1.temperature", "pegel-1.level", "pegel-1.wind" }));
    }

    [Test]
    public async Task Should_give_each_what_its_rights_are_and_follow_them()
    {
        await using var everybody = await Feed.OpenAsync(town, "Observations?$select=result");
        await using var staff = await Feed.OpenAsync(town, "Observations?$select=result", role: Roles.Analyst);
        await town.AppendAsync("geheim", At("geheim.temperature", "2026-11-20T10:00:00Z", 1));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2));
        Assert.That((double)(await everybody.NextAsync())["result"]!, Is.EqualTo(2));
        Assert.That(new[] { (double)(await staff.NextAsync())["result"]!, (double)(await staff.NextAsync())["result"]! }, Is.EquivalentTo(new[] { 1d, 2d }));
        await town.SetAccessAsync("wasser", Access.Internal);
        await town.SetAccessAsync("intern", Access.Open);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T11:00:00Z", 3));
        await Eventually.TrueAsync(async () =>
        {
            await town.AppendAsync("geheim", At("geheim.temperature", "2026-11-20T11:00:00Z", 4));
            return everybody.HasMore;
        }, "data that is open now");
        Assert.That((double)(await everybody.NextAsync())["result"]!, Is.EqualTo(4));
    }

    [Test]
    public async Task Should_resume_without_loss()
    {
        var first = await Feed.OpenAsync(town, "Observations?$select=result");
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 0));
        await first.NextAsync();
        await first.DisposeAsync();
        for (var i = 1; i <= 20; i++) await town.AppendAsync("pegel-1", At("pegel-1.temperature", $"2026-11-20T11:{i:00}:00Z", i));
        await using var second = await Feed.OpenAsync(town, "Observations?$select=result", first.LastId);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T12:00:00Z", 21));
        var values = new List<double>();
        for (var i = 0; i < 21; i++) values.Add((double)(await second.NextAsync())["result"]!);
        Assert.That(values, Is.EqualTo(Enumerable.Range(1, 21).Select(i => (double)i)));
    }

    [Test]
    public async Task Should_resume_entities_as_well()
    {
        var first = await Feed.OpenAsync(town, "Things?$select=name");
        await first.DisposeAsync();
        await town.RegisterAsync("pegel-9", "wasser", "temperature");
        await using var second = await Feed.OpenAsync(town, "Things?$select=name", first.LastId);
        Assert.That((string)(await second.NextAsync())["name"]!, Is.EqualTo("Gerät pegel-9"));
    }

    [Test]
    public async Task Should_refuse_the_credential_of_another_municipality_and_tell_nothing_of_it()
    {
        var other = await (await Service.SharedAsync()).TownAsync();
        await other.RegisterAsync("pegel-1", "wasser", "temperature");
        using (var request = new HttpRequestMessage(HttpMethod.Get, $"/internal/{town.Id}/sta/feed?topic=Observations"))
        {
            request.Headers.Add("X-Role", $"{other.Id} {Roles.Admin}");
            using var answer = await town.Client.SendAsync(request);
            Assert.That((int)answer.StatusCode, Is.EqualTo(403));
        }
        await using var feed = await Feed.OpenAsync(town, "Observations?$select=result", role: Roles.Admin);
        await other.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 66));
        await other.HasAsync("pegel-1.temperature", 1);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        Assert.That((double)(await feed.NextAsync())["result"]!, Is.EqualTo(1));
    }

    [Test]
    public async Task Should_end_a_topic_whose_filter_takes_too_long_and_serve_the_others()
    {
        var hostile = new List<Feed>();
        for (var i = 0; i < 10; i++) hostile.Add(await Feed.OpenAsync(town, $"Observations?$filter=Datastream/Sensor/name ne '{i}'", role: Roles.Developer));
        await using var neighbour = await Feed.OpenAsync(town, "Datastreams('pegel-1.temperature')/Observations?$select=result");
        // Whatever asks for Sensors now takes until it is told to stop.
        await using var connection = await (await Service.SharedAsync()).Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE sensor IN ACCESS EXCLUSIVE MODE", connection, transaction)) await hold.ExecuteNonQueryAsync();
        await town.AppendAsync("pegel-1", At("pegel-1.level", "2026-11-20T10:00:00Z", 1));
        for (var i = 0; i < 10; i++)
        {
            await town.AppendAsync("pegel-1", At("pegel-1.temperature", $"2026-11-20T10:00:{i:00}Z", i));
            Assert.That((double)(await neighbour.NextAsync())["result"]!, Is.EqualTo(i));
        }
        var ends = hostile.ConvertAll(feed => feed.ErrorAsync());
        Assert.That(ends.TrueForAll(end => end.IsCompleted), Is.False, "the neighbour was served while they still wait for their turn");
        var fault = await await Task.WhenAny(ends);
        Assert.That((int)fault["code"]!, Is.EqualTo(503), fault.ToJsonString());
        var ended = ends.FindIndex(end => end.IsCompletedSuccessfully);
        using (var again = new HttpRequestMessage(HttpMethod.Get, $"/internal/{town.Id}/sta/feed?topic={Uri.EscapeDataString($"Observations?$filter=Datastream/Sensor/name ne '{ended}'")}"))
        {
            await transaction.RollbackAsync();
            again.Headers.Add("X-Role", $"{town.Id} {Roles.Developer}");
            using var answer = await town.Client.SendAsync(again);
            Assert.That((int)answer.StatusCode, Is.EqualTo(400), "for a while it is not tried again");
        }
        foreach (var feed in hostile) await feed.DisposeAsync();
    }

    [Test]
    public async Task Should_show_that_it_is_alive()
    {
        await using var feed = await Feed.OpenAsync(town, "Things");
        Assert.That(await feed.LineAsync(), Is.Empty);
    }

    internal sealed class Feed : IAsyncDisposable
    {
        readonly HttpResponseMessage answer;
        readonly StreamReader lines;
        readonly CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        Task<string>? next;

        Feed(HttpResponseMessage answer, StreamReader lines) => (this.answer, this.lines) = (answer, lines);

        public string LastId { get; private set; } = "";

        public static async Task<Feed> OpenAsync(Town town, string topic, string? lastId = null, string? role = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/internal/{town.Id}/sta/feed?topic={Uri.EscapeDataString(topic)}");
            if (role is not null) request.Headers.Add("X-Role", $"{town.Id} {role}");
            if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
            var answer = await town.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (answer.StatusCode != HttpStatusCode.OK) throw new AssertionException($"{topic}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
            var feed = new Feed(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
            var ready = JsonNode.Parse(await feed.LineAsync())!;
            Assert.That(ready["payload"], Is.Null, "the first line only says where the feed begins");
            return feed;
        }

        /// <summary>True when another line has come.</summary>
        public bool HasMore => (next ??= PayloadLineAsync()).IsCompleted;

        /// <summary>The next payload.</summary>
        public async Task<JsonNode> NextAsync()
        {
            var line = await (next ??= PayloadLineAsync());
            next = null;
            return JsonNode.Parse(line)!["payload"] ?? throw new AssertionException(line);
        }

        /// <summary>The error that ends the feed.</summary>
        public async Task<JsonNode> ErrorAsync()
        {
            var line = await PayloadLineAsync();
            Assert.That(await lines.ReadLineAsync(limit.Token), Is.Null, "nothing after the error");
            return JsonNode.Parse(line)!["error"] ?? throw new AssertionException(line);
        }

        async Task<string> PayloadLineAsync()
        {
            while (true)
            {
                var line = await LineAsync();
                if (line.Contains("\"payload\":", StringComparison.Ordinal) || line.StartsWith("{\"error\"", StringComparison.Ordinal)) return line;
            }
        }

        public async Task<string> LineAsync()
        {
            var line = await lines.ReadLineAsync(limit.Token) ?? throw new AssertionException("the feed has ended");
            if (line.Length > 0 && (string?)JsonNode.Parse(line)!["id"] is { } id) LastId = id;
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
