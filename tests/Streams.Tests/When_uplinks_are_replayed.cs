using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Streams.Codecs;
using Allmende.Streams.DeadLetters;
using Allmende.Streams.Replays;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

/// <summary>Kept uplinks are decoded again with the codec of today. What the store makes of it is tested with Observations.</summary>
[TestFixture]
public class When_uplinks_are_replayed
{
    const string Wrong = "function decodeUplink(i) { return { data: { wert: i.bytes[0] } } }";
    const string Right = "function decodeUplink(i) { return { data: { wert: i.bytes[0] / 10 } } }";
    readonly DateTimeOffset time = new(DateTimeOffset.UtcNow.AddHours(-2).Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero);
    string town = null!;
    HttpClient client = null!;

    static StreamsService Service => OneStreamsService.Service;

    static T Get<T>() where T : notnull => Service.Services.GetRequiredService<T>();

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await Service.MunicipalityAsync();
        client = Service.Client(town);
        await When_uplinks_arrive.PutCodecAsync(client, "mein", Wrong);
        var fields = new[] { new { field = "wert", name = "Wert", observedProperty = "value", unit = "1" } };
        var profile = await client.PutAsJsonAsync("device-profiles/mein", new { name = "Mein Gerät", codec = "mein", fields });
        Assert.That(profile.IsSuccessStatusCode, await profile.Content.ReadAsStringAsync());
    }

    [TearDown] public void Close() => client.Dispose();

    /// <summary>Sends uplinks, a minute apart, with the payloads 1, 2, 3…, and waits until they are kept and handed on.</summary>
    async Task SendAsync(string device, int count)
    {
        for (var i = 0; i < count; i++)
            await Service.SendAsync(town, new Uplink($"{device}-{i}", device, "mein", time.AddMinutes(i), time.AddMinutes(i).AddSeconds(1), 1, i, [(byte)(i + 1)]));
        await KeptAsync(device, count);
    }

    Task KeptAsync(string device, int count) => Eventually.TrueAsync(async () =>
        await Get<UplinkStore>().CountAsync(town, new ReplayedUplinks(device, "", DateTime.UtcNow.AddDays(-13), DateTime.UtcNow), CancellationToken.None) == count, "kept uplinks");

    async Task<JsonElement> ReplayAsync(object body)
    {
        var answer = await client.PostAsJsonAsync("replays", body);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await answer.Content.ReadAsStringAsync());
        var replay = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.Headers.Location!.OriginalString, Is.EqualTo($"/{town}/replays/{replay.GetProperty("id").GetString()}"));
        return await EndedAsync(replay.GetProperty("id").GetString()!);
    }

    async Task<JsonElement> EndedAsync(string id) => Runner.Json(await Eventually.GetAsync(async () =>
    {
        var replay = await client.GetFromJsonAsync<JsonElement>($"replays/{id}");
        return replay.GetProperty("state").GetString() is "waiting" or "running" ? null : replay.GetRawText();
    }, "end of the replay", TimeSpan.FromSeconds(20)));

    [Test]
    public async Task Should_decode_them_again_with_the_codec_of_today()
    {
        await SendAsync("pegel-1", 3);
        await SendAsync("pegel-2", 1);
        await Service.ObservationsAsync(town, 4);
        await When_uplinks_arrive.PutCodecAsync(client, "mein", Right);

        var replay = await ReplayAsync(new { device = "pegel-1" });

        Assert.That(replay.GetProperty("state").GetString(), Is.EqualTo("done"), replay.GetRawText());
        Assert.That(new[] { "total", "uplinks", "observations", "failures" }.Select(count => replay.GetProperty(count).GetInt64()), Is.EqualTo(new[] { 3L, 3, 3, 0 }));
        Assert.That((replay.GetProperty("codec").GetString(), replay.GetProperty("codecVersion").GetInt32(), replay.GetProperty("profile").GetString()), Is.EqualTo(("mein", 2, "mein")));
        Assert.That(replay.GetProperty("acceptedBy").GetString(), Is.EqualTo($"{town}-developer"));
        Assert.That(replay.GetProperty("progress").GetDouble(), Is.EqualTo(1));
        var accepted = Observation.Micros(replay.GetProperty("acceptedAt").GetDateTimeOffset());
        var again = (await Service.ObservationsAsync(town, 7)).Where(observation => observation.Replay is not null).ToList();
        Assert.That(again.OrderBy(observation => observation.PhenomenonTime).Select(observation => (observation.Datastream, observation.PhenomenonTime, observation.Value)), Is.EqualTo(
            Enumerable.Range(0, 3).Select(i => ("pegel-1.wert", Observation.Micros(time.AddMinutes(i)), (i + 1) / 10.0))));
        Assert.That(again.Select(observation => (observation.Replay, observation.ResultTime)), Is.All.EqualTo((replay.GetProperty("id").GetString(), (long?)accepted)));
        var list = await client.GetFromJsonAsync<JsonElement>("replays");
        Assert.That(list.EnumerateArray().Select(one => one.GetProperty("id").GetString()), Is.EqualTo(new[] { replay.GetProperty("id").GetString() }));
    }

    [Test]
    public async Task Should_decode_all_devices_of_a_profile_within_the_range()
    {
        await SendAsync("pegel-1", 3);
        await SendAsync("pegel-2", 2);

        var replay = await ReplayAsync(new { profile = "mein", from = time.AddMinutes(1), to = time.AddMinutes(2) });

        Assert.That(replay.GetProperty("uplinks").GetInt64(), Is.EqualTo(2));
        var again = (await Service.ObservationsAsync(town, 7)).Where(observation => observation.Replay is not null);
        Assert.That(again.Select(observation => (observation.Datastream, observation.Value)), Is.EquivalentTo(new[] { ("pegel-1.wert", 2.0), ("pegel-2.wert", 2.0) }));
    }

    [Test]
    public async Task Should_go_on_where_a_death_left_it_and_count_once()
    {
        await SendAsync("pegel-1", 10);
        await Service.ObservationsAsync(town, 10);
        var replay = await AddAsync();
        await using var log = new DyingLog(Service.Log);
        using var runner = RunnerOn(log);

        var deaths = 0;
        for (var more = true; more;)
        {
            try
            {
                more = await runner.StepAsync(town, CancellationToken.None);
            }
            catch (LogUnavailableException)
            {
                deaths++;
            }
        }

        Assert.That(deaths, Is.EqualTo(3));
        var ended = await EndedAsync(replay.Id);
        Assert.That(new[] { "uplinks", "observations" }.Select(count => ended.GetProperty(count).GetInt64()), Is.All.EqualTo(10), ended.GetRawText());
        var again = (await Service.ObservationsAsync(town, 30)).Where(observation => observation.Replay == replay.Id).ToList();
        Assert.That(again, Has.Count.EqualTo(20), "each step was appended twice");
        Assert.That(again.Distinct().Count(), Is.EqualTo(10), "and alike");
    }

    [Test]
    public async Task Should_make_no_step_while_live_uplinks_wait()
    {
        await SendAsync("pegel-1", 1);
        var replay = await AddAsync();
        await using var log = new DyingLog(Service.Log) { Waiting = 1001 };
        using var runner = RunnerOn(log);

        Assert.That(await runner.StepAsync(town, CancellationToken.None), Is.False);
        Assert.That((await Get<ReplayStore>().FindAsync(town, replay.Id, CancellationToken.None))!.State, Is.EqualTo("waiting"));
        log.Waiting = 1000;
        Assert.That(() => runner.StepAsync(town, CancellationToken.None), Throws.TypeOf<LogUnavailableException>(), "the step was made, up to the death that this log brings");
    }

    /// <summary>A replay that nobody told the service of: the test makes its steps.</summary>
    async Task<Replay> AddAsync() => (await Get<ReplayStore>().AddAsync(town, new Replay
    {
        Id = Guid.NewGuid().ToString("N"),
        Device = "pegel-1",
        Profile = "mein",
        Codec = "mein",
        CodecVersion = 1,
        Total = 10,
        AcceptedBy = "tests",
        FromTime = time.UtcDateTime,
        ToTime = DateTime.UtcNow,
        Definition = JsonSerializer.Serialize(await client.GetFromJsonAsync<JsonElement>("device-profiles/mein")),
    }, 20, CancellationToken.None))!;

    static RunReplays RunnerOn(ILog log) => new(Get<ReplayStore>(), Get<UplinkStore>(), Get<DecodeAgain>(), Get<CodecStore>(), Get<DeadLetterStore>(), log, Get<Municipalities>(),
        new ReplayOptions { Step = 4, Settle = TimeSpan.Zero }, NullLogger<RunReplays>.Instance);

    [Test]
    public async Task Should_let_one_process_at_a_time_make_a_step()
    {
        await SendAsync("pegel-1", 1);
        await Get<ReplayStore>().AddAsync(town, new Replay { Id = "eins", Profile = "mein", Definition = "{}", AcceptedBy = "tests", FromTime = time.UtcDateTime, ToTime = DateTime.UtcNow }, 20, CancellationToken.None);

        await using (var first = await Get<ReplayStore>().TakeTurnAsync(town, TimeSpan.Zero, CancellationToken.None))
        {
            Assert.That(first!.Replay.Id, Is.EqualTo("eins"));
            Assert.That(await Get<ReplayStore>().TakeTurnAsync(town, TimeSpan.Zero, CancellationToken.None), Is.Null);
        }
        await using var next = await Get<ReplayStore>().TakeTurnAsync(town, TimeSpan.Zero, CancellationToken.None);
        Assert.That(next!.Replay.State, Is.EqualTo("waiting"), "a turn without a word at its end is as if it had not been");
    }

    [Test]
    public async Task Should_be_done_with_the_dead_letters_that_it_could_decode()
    {
        await When_uplinks_arrive.PutCodecAsync(client, "mein", "function decodeUplink(i) { throw new Error('noch nicht fertig') }");
        await SendAsync("pegel-1", 2);
        await StreamsService.DeadLettersAsync(client, 2);
        await When_uplinks_arrive.PutCodecAsync(client, "mein", "function decodeUplink(i) { if (i.bytes[0] > 1) throw new Error('zu viel'); return { data: { wert: 7 } } }");

        var replay = await ReplayAsync(new { device = "pegel-1" });

        Assert.That((replay.GetProperty("observations").GetInt64(), replay.GetProperty("failures").GetInt64()), Is.EqualTo((1, 1)));
        Assert.That(replay.GetProperty("firstFailure").GetString(), Does.Contain("zu viel"));
        var letters = await StreamsService.DeadLettersAsync(client, 1);
        Assert.That(letters[0].GetProperty("id").GetString(), Is.EqualTo("pegel-1-1"));
    }

    [Test]
    public async Task Should_fail_with_a_codec_that_has_to_be_stopped_and_burden_no_live_uplink()
    {
        await SendAsync("pegel-1", 5);
        await When_uplinks_arrive.PutCodecAsync(client, "mein", "function decodeUplink(i) { for (;;) {} }");

        var replay = await ReplayAsync(new { device = "pegel-1" });

        Assert.That(replay.GetProperty("state").GetString(), Is.EqualTo("failed"));
        Assert.That(replay.GetProperty("reason").GetString(), Does.Contain("codec"));
        var codec = (await client.GetFromJsonAsync<JsonElement>("codecs")).EnumerateArray().Single(one => one.GetProperty("id").GetString() == "mein");
        Assert.That(codec.GetProperty("quarantinedUntil").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task Should_show_what_would_come_of_it_and_do_nothing()
    {
        await SendAsync("pegel-1", 25);
        await When_uplinks_arrive.PutCodecAsync(client, "mein", Right);

        var answer = await client.PostAsJsonAsync("replays?dryRun=true", new { device = "pegel-1" });

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var run = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That((run.GetProperty("uplinks").GetInt64(), run.GetProperty("sample").GetArrayLength(), run.GetProperty("codecVersion").GetInt32()), Is.EqualTo((25, 20, 2)));
        var third = run.GetProperty("sample")[2].GetProperty("observations")[0];
        Assert.That((third.GetProperty("now").GetDouble(), third.GetProperty("result").GetDouble()), Is.EqualTo((99.0, 0.3)));
        Assert.That((await client.GetFromJsonAsync<JsonElement>("replays")).GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Should_show_nothing_of_what_the_caller_may_not_see()
    {
        await SendAsync("geheim-1", 1);

        var answer = await client.PostAsJsonAsync("replays?dryRun=true", new { device = "geheim-1" });

        var sample = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("sample")[0];
        Assert.That((sample.GetProperty("observations").GetArrayLength(), sample.GetProperty("hidden").GetInt32()), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Should_be_cancelled_until_it_is_over()
    {
        await SendAsync("pegel-1", 1);
        await Get<ReplayStore>().AddAsync(town, new Replay { Id = "eins", Profile = "mein", Definition = "{}", AcceptedBy = "tests", FromTime = time.UtcDateTime, ToTime = DateTime.UtcNow }, 20, CancellationToken.None);

        Assert.That((await client.DeleteAsync(new Uri("replays/eins", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await client.DeleteAsync(new Uri("replays/eins", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await client.DeleteAsync(new Uri("replays/zwei", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        var cancelled = await EndedAsync("eins");
        Assert.That((cancelled.GetProperty("state").GetString(), cancelled.GetProperty("cancelledBy").GetString()), Is.EqualTo(("cancelled", $"{town}-developer")));
        Assert.That(await Get<ReplayStore>().TakeTurnAsync(town, TimeSpan.Zero, CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task Should_refuse_what_cannot_be_replayed()
    {
        await SendAsync("pegel-1", 1);
        using var elsewhere = Service.Client(await Service.MunicipalityAsync());
        using var analyst = Service.Client(town, Roles.Analyst);

        Assert.That((await elsewhere.PostAsJsonAsync("replays", new { device = "pegel-1" })).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await analyst.PostAsJsonAsync("replays", new { device = "pegel-1" })).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await client.PostAsJsonAsync("replays", new { profile = "keins" })).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        var (past, future) = (DateTimeOffset.UtcNow.AddDays(-15), DateTimeOffset.UtcNow.AddDays(1));
        foreach (var (body, field) in new (object, string)[] { (new { }, "device"), (new { device = "pegel-1", from = past }, "from"), (new { device = "pegel-1", from = future }, "from") })
        {
            var answer = await client.PostAsJsonAsync("replays", body);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.That((answer.StatusCode, problem.GetProperty("field").GetString()), Is.EqualTo((HttpStatusCode.UnprocessableEntity, field)), problem.GetRawText());
        }
        var tooOld = await client.PostAsJsonAsync("replays", new { device = "pegel-1", from = past });
        Assert.That(await tooOld.Content.ReadAsStringAsync(), Does.Contain("kept for 14 days"));
    }

    [Test]
    public async Task Should_keep_each_uplink_once_and_drop_the_days_that_are_over()
    {
        var uplink = new Uplink("u", "pegel-1", "mein", time, time, 1, 7, [1]);
        await Get<UplinkStore>().KeepAsync(town, [uplink, uplink with { Id = "alt", ReceivedAt = time.AddDays(-20) }, uplink with { Id = "morgen", ReceivedAt = time.AddDays(9) }], CancellationToken.None);
        await Get<UplinkStore>().KeepAsync(town, [uplink, uplink with { Id = "\0" }], CancellationToken.None);
        await KeptAsync("pegel-1", 1);

        await new UplinkStore(Get<MunicipalDatabases>(), new ReplayOptions(), new Later(TimeSpan.FromDays(13))).TrimAsync(town, CancellationToken.None);
        await KeptAsync("pegel-1", 1);
        await new UplinkStore(Get<MunicipalDatabases>(), new ReplayOptions(), new Later(TimeSpan.FromDays(16))).TrimAsync(town, CancellationToken.None);
        await KeptAsync("pegel-1", 0);
    }

    sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + by;
    }

    /// <summary>Takes every record, and dies after every other before anybody hears of it.</summary>
    sealed class DyingLog(ILog log) : ILog
    {
        int appends;

        /// <summary>Records that wait, as it says; 0 for the truth.</summary>
        public long Waiting { get; set; }

        public async Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
        {
            var position = await log.AppendAsync(municipality, topic, key, payload, cancellation);
            return ++appends % 2 == 0 ? position : throw new LogUnavailableException("killed");
        }

        public Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation) => log.ConsumeAsync(topic, group, handler, cancellation);

        public Task<IReadOnlyList<LogPosition>> EndAsync(string municipality, string topic, CancellationToken cancellation) => log.EndAsync(municipality, topic, cancellation);

        public Task<IReadOnlyList<LogPosition>> KeptAfterAsync(string municipality, string topic, CancellationToken cancellation) => log.KeptAfterAsync(municipality, topic, cancellation);

        public IAsyncEnumerable<LogBatch> TailAsync(string municipality, string topic, IReadOnlyList<LogPosition> from, CancellationToken cancellation) => log.TailAsync(municipality, topic, from, cancellation);

        public Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation) =>
            Waiting > 0 ? Task.FromResult(Waiting) : log.LagAsync(municipality, topic, group, cancellation);

        public Task PingAsync(CancellationToken cancellation) => log.PingAsync(cancellation);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
