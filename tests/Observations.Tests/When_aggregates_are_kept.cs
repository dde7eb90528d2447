using System.Globalization;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Observations.Store.Aggregates;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Testing;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_aggregates_are_kept
{
    static readonly DateTime Day = DateTime.UtcNow.Date.AddDays(-200);

    Service service = null!;
    Town town = null!;
    long place;

    [SetUp]
    public async Task PrepareAsync()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.RegisterAsync("mast", "wetter", "temperature", "wind_from_direction", "energy", "occupied");
    }

    static Observation At(string field, double minutes, double value, Quality quality = Quality.Good) => new("mast." + field, Observation.Micros(Day.AddMinutes(minutes)), value, Quality: quality);

    async Task<List<JsonArray>> SeriesAsync(string field, string query)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/mast.{field}?{query}", null, Roles.Admin);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.IsSuccessStatusCode, Is.True, text);
        return JsonNode.Parse(text)!["points"]!.AsArray().Select(point => point!.AsArray()).ToList();
    }

    static string Range(double fromDays, double toDays) => $"from={Day.AddDays(fromDays):yyyy-MM-ddTHH:mm:ssZ}&to={Day.AddDays(toDays):yyyy-MM-ddTHH:mm:ssZ}";

    /// <summary>Works off all marks, whoever does it.</summary>
    Task SettleAsync() => Eventually.TrueAsync(async () =>
    {
        await service.Get<AggregateStore>().RecomputeAsync(town.Id, default);
        return await ScalarAsync("SELECT count(*) FROM aggregate_dirty") == 0;
    }, "end of the marks");

    async Task<double> ScalarAsync(string sql)
    {
        await using var command = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand(sql);
        return Convert.ToDouble(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    [Test]
    public async Task Should_compute_what_each_quantity_needs()
    {
        await town.AppendAsync("mast",
            At("temperature", 0, 10), At("temperature", 10, 14), At("temperature", 20, 99, Quality.OutOfRange), At("temperature", 70, 6),
            At("wind_from_direction", 0, 350), At("wind_from_direction", 10, 10), At("wind_from_direction", 70, 90),
            At("energy", 0, 100), At("energy", 30, 130), At("energy", 61, 131), At("energy", 90, 2), At("energy", 100, 5), At("energy", 1_500, 9),
            new Observation("mast.occupied", Observation.Micros(Day), 0, "true"), new Observation("mast.occupied", Observation.Micros(Day.AddMinutes(5)), 0, "false"));
        await town.HasAsync("mast.occupied", 2);
        foreach (var when in new[] { "before", "after" })
        {
            var temperature = await SeriesAsync("temperature", Range(0, 1) + "&step=PT1H");
            Assert.That(temperature.Select(point => string.Join(' ', point.Skip(1).Take(4))), Is.EqualTo(new[] { "12 10 14 2", "6 6 6 1" }), when);
            var wind = await SeriesAsync("wind_from_direction", Range(0, 1) + "&step=PT1H");
            Assert.That((double)wind[0][1]!, Is.EqualTo(0).Within(1e-6).Or.EqualTo(360).Within(1e-6), when);
            Assert.That((double)wind[1][1]!, Is.EqualTo(90).Within(1e-6), when);
            // 30 in the first hour; then one more, and two and three after it began again at 0.
            Assert.That((await SeriesAsync("energy", Range(0, 1) + "&step=PT1H")).Select(point => (double)point[5]!), Is.EqualTo(new[] { 30d, 6d }), when);
            Assert.That((await SeriesAsync("energy", Range(0, 3) + "&step=P1D")).Select(point => (double)point[5]!), Is.EqualTo(new[] { 36d, 4d }), when);
            Assert.That((await SeriesAsync("energy", Range(1, 3) + "&step=P1D")).Select(point => (double)point[5]!), Is.EqualTo(new[] { 4d }), "since the last value of the day before");
            Assert.That((double)(await SeriesAsync("occupied", Range(0, 1) + "&step=P1D"))[0][1]!, Is.EqualTo(0.5), when);
            await SettleAsync();
        }
        Assert.That(await ScalarAsync("SELECT count(*) FROM aggregate_day"), Is.EqualTo(5));
    }

    [Test]
    public async Task Should_be_computed_by_itself_soon_after()
    {
        await town.AppendAsync("mast", At("temperature", 0, 10));
        await Eventually.TrueAsync(async () => await ScalarAsync("SELECT count(*) FROM aggregate_day") == 1, "day");
    }

    [Test]
    public async Task Should_equal_a_naive_computation_whatever_is_written()
    {
        var random = new Random(5);
        var truth = new Dictionary<long, (double Value, long ResultTime, Quality Quality)>();
        var key = (await service.Get<DatastreamDirectory>().FindAsync(town.Id, "mast.temperature", default))!.Key;
        for (var round = 0; round < 25; round++)
        {
            var rows = new ObservationRows(200);
            var (day, count) = (random.Next(5), random.Next(3) == 0 ? 250 : random.Next(1, 30));
            for (var i = 0; i < count; i++)
            {
                var time = Observation.Micros(Day.AddDays(day).AddMinutes(random.Next(1_440)));
                var (value, result, quality) = ((double)random.Next(-50, 400) / 10, time + random.Next(1, 50), (Quality)(random.Next(8) == 0 ? 1 : random.Next(8) == 0 ? 8 : 0));
                rows.Add(key, new Observation("", time, value, Quality: quality, ResultTime: result));
                if (!truth.TryGetValue(time, out var known) || result > known.ResultTime) truth[time] = (value, result, quality);
            }
            await service.Get<ObservationStore>().StoreAsync(town.Id, rows, new LogPosition(7, ++place, 0), default);
            if (round % 5 == 3) await service.Get<AggregateStore>().RecomputeAsync(town.Id, default);
            if (round % 9 == 7) await service.Get<Compaction>().CompactAsync(town.Id, default);
            if (round % 4 != 0) continue;
            await SameAsync(truth, "PT1H", TimeSpan.FromHours(1));
            await SameAsync(truth, "P1D", TimeSpan.FromDays(1));
        }
        await SettleAsync();
        await SameAsync(truth, "PT1H", TimeSpan.FromHours(1));
        await SameAsync(truth, "PT6H", TimeSpan.FromHours(6));
        await SameAsync(truth, "P1D", TimeSpan.FromDays(1));
    }

    [Test]
    public async Task Should_work_off_a_few_Datastreams_at_a_time_the_oldest_first()
    {
        await service.Get<ObservationStore>().StoreAsync(town.Id, await RowsAsync("temperature", 5), new LogPosition(8, 1, 0), default);
        await service.Get<ObservationStore>().StoreAsync(town.Id, await RowsAsync("energy", 5), new LogPosition(8, 2, 0), default);
        await service.Get<ObservationStore>().StoreAsync(town.Id, await RowsAsync("temperature", 65), new LogPosition(8, 3, 0), default);

        var done = await service.Get<AggregateStore>().RecomputeAsync(town.Id, default, datastreams: 1);

        Assert.That(done, Is.EqualTo((2, 1)), "both marks of temperature, none of energy");
        await SettleAsync();
        Assert.That(await ScalarAsync("SELECT count(*) FROM aggregate_hour"), Is.EqualTo(3));
    }

    async Task<ObservationRows> RowsAsync(string field, double minutes)
    {
        var rows = new ObservationRows(1);
        rows.Add((await service.Get<DatastreamDirectory>().FindAsync(town.Id, "mast." + field, default))!.Key, At(field, minutes, 7));
        return rows;
    }

    /// <summary>A twentieth of the time, for all municipalities together; and what is written into all the time is not computed all the time.</summary>
    [TestCase(0, false, 1, ExpectedResult = 5_000)]
    [TestCase(50, false, 1, ExpectedResult = 5_000)]
    [TestCase(50, true, 1, ExpectedResult = 1_000)]
    [TestCase(50, true, 10, ExpectedResult = 10_000)]
    [TestCase(400, false, 3, ExpectedResult = 24_000)]
    [TestCase(60_000, true, 50, ExpectedResult = 120_000)]
    public double Should_rest_after_a_turn(int tookMs, bool more, int municipalities) => KeepAggregates.RestOf(TimeSpan.FromMilliseconds(tookMs), more, municipalities).TotalMilliseconds;

    [TestCase(32, 60, true, ExpectedResult = 16)]
    [TestCase(1, 500, true, ExpectedResult = 1)]
    [TestCase(32, 40, true, ExpectedResult = 32)]
    [TestCase(32, 10, true, ExpectedResult = 64)]
    [TestCase(32, 10, false, ExpectedResult = 32, Description = "there were not so many")]
    [TestCase(800, 10, true, ExpectedResult = AggregateStore.MostDatastreams)]
    public int Should_have_turns_of_a_twentieth_of_a_second(int datastreams, int tookMs, bool wasFull) => KeepAggregates.NextOf(datastreams, TimeSpan.FromMilliseconds(tookMs), wasFull);

    async Task SameAsync(Dictionary<long, (double Value, long ResultTime, Quality Quality)> truth, string step, TimeSpan width)
    {
        var expected = new List<(DateTime Time, double Mean, double Min, double Max, long Count, double Increase)>();
        double? before = null;
        foreach (var bucket in truth.Where(pair => ((int)pair.Value.Quality & 3) == 0).Select(pair => (Time: Observation.Time(pair.Key), pair.Value.Value)).OrderBy(one => one.Time)
                     .GroupBy(one => Day.AddTicks((one.Time - Day).Ticks / width.Ticks * width.Ticks)))
        {
            var increase = 0.0;
            foreach (var (_, value) in bucket)
            {
                if (before is { } last) increase += value >= last ? value - last : value;
                before = value;
            }
            expected.Add((bucket.Key, bucket.Average(one => one.Value), bucket.Min(one => one.Value), bucket.Max(one => one.Value), bucket.Count(), increase));
        }
        var points = await SeriesAsync("temperature", $"{Range(0, 6)}&step={step}");
        Assert.That(points, Has.Count.EqualTo(expected.Count));
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Multiple(() =>
            {
                Assert.That(DateTimeOffset.Parse((string)points[i][0]!, CultureInfo.InvariantCulture).UtcDateTime, Is.EqualTo(expected[i].Time));
                Assert.That((double)points[i][1]!, Is.EqualTo(expected[i].Mean).Within(1e-9));
                Assert.That(((double)points[i][2]!, (double)points[i][3]!, (long)points[i][4]!), Is.EqualTo((expected[i].Min, expected[i].Max, expected[i].Count)));
                Assert.That((double)points[i][5]!, Is.EqualTo(expected[i].Increase).Within(1e-9));
            });
        }
    }

    [TestCase("step=P1M", "step")]
    [TestCase("step=eine Stunde", "step")]
    [TestCase("step=PT0.5S", "step")]
    [TestCase("step=PT1S&from=2000-01-01T00:00:00Z", "step")]
    [TestCase("points=0", "points")]
    public async Task Should_refuse_steps_that_cannot_be_served(string query, string field)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/mast.temperature?{query}", null, null);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain(field));
    }

    [Test]
    public async Task Should_show_them_to_nobody_who_may_not_see_the_values()
    {
        await town.PublishAsync(new DatasetChanged("wetter", "wetter", Access.Restricted, null));
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/mast.temperature?step=P1D", null, Roles.Analyst);
            return (int)answer.StatusCode == 404;
        }, "restriction");
        using var steward = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/mast.temperature?step=P1D", null, Roles.DataSteward);
        Assert.That((int)steward.StatusCode, Is.EqualTo(200));
    }
}
