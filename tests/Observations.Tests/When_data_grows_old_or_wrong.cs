using System.Globalization;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Observations.Store.Aggregates;
using Allmende.Platform.Data;
using Allmende.Testing;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

/// <summary>Corrections are kept for those who answer for the data; what a dataset no longer keeps goes, and what is told about the rest stays true.</summary>
[TestFixture]
public sealed class When_data_grows_old_or_wrong
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature", "occupied");
    }

    async Task<double> ScalarAsync(string sql)
    {
        await using var command = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand(sql);
        return Convert.ToDouble(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    Task<HttpResponseMessage> CorrectionsAsync(string? role, string query = "") => town.SendAsync(HttpMethod.Get, $"/{town.Id}/corrections{query}", null, role);

    async Task<JsonArray> ReadAsync(string query = "")
    {
        using var answer = await CorrectionsAsync(Roles.DataSteward, query);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["value"]!.AsArray();
    }

    [Test]
    public async Task Should_keep_what_a_correction_replaces()
    {
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-01-20T10:00:00Z", 1, "2026-01-20T10:00:01Z"), At("pegel-1.temperature", "2026-01-20T10:10:00Z", 5));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-01-20T10:00:00Z", 2, "2026-01-20T11:00:00Z"));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-01-20T10:00:00Z", 9, "2026-01-20T10:30:00Z"), At("pegel-1.temperature", "2026-01-20T10:10:00Z", 5));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-01-20T10:00:00Z", 3, "2026-01-20T12:00:00Z"), At("pegel-1.temperature", "2026-01-20T10:20:00Z", 6));
        await town.HasAsync("pegel-1.temperature", 3);
        var kept = await ReadAsync("?datastream=pegel-1.temperature&from=2026-01-20T10:00:00Z&to=2026-01-20T10:00:01Z");
        Assert.That(kept.Select(one => $"{one!["datastream"]} {one["phenomenonTime"]} {one["result"]} {one["resultTime"]} {one["replacedBy"]}"), Is.EqualTo(new[]
        {
            "pegel-1.temperature 2026-01-20T10:00:00Z 1 2026-01-20T10:00:01Z correction",
            "pegel-1.temperature 2026-01-20T10:00:00Z 2 2026-01-20T11:00:00Z correction",
        }));
        Assert.That(await ReadAsync("?from=2026-01-20T10:00:01Z"), Is.Empty);
        Assert.That(await ReadAsync("?datastream=pegel-2.temperature"), Is.Empty);
    }

    [Test]
    public async Task Should_keep_what_is_deleted_of_a_packed_month_and_tell_the_truth_about_the_rest()
    {
        var month = new DateTime(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(-4);
        await town.AppendAsync("pegel-1", [.. Enumerable.Range(0, 100).Select(i => new Observation("pegel-1.temperature", Observation.Micros(month.AddHours(i)), i))]);
        await town.HasAsync("pegel-1.temperature", 100);
        await service.Get<Compaction>().CompactAsync(town.Id, default);
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_row"), Is.Zero);
        var key = (long)await ScalarAsync("SELECT key FROM datastream WHERE id = 'pegel-1.temperature'");
        await using (var connection = await service.Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await service.Get<ObservationStore>().DeleteAsync(connection, [key, key, key, key], [month, month.AddHours(50), month.AddHours(99), month.AddMinutes(7)], default);
            await transaction.CommitAsync();
        }
        foreach (var again in new[] { false, true })
        {
            Assert.That((await town.GetAsync("Datastreams('pegel-1.temperature')/Observations?$count=true&$top=0"))["@iot.count"]!.ToString(), Is.EqualTo("97"));
            Assert.That((string)(await town.GetAsync("Datastreams('pegel-1.temperature')"))["phenomenonTime"]!,
                Is.EqualTo($"{month.AddHours(1):yyyy-MM-ddTHH:mm:ss}Z/{month.AddHours(98):yyyy-MM-ddTHH:mm:ss}Z").Or.EqualTo($"{month.AddHours(1):yyyy-MM-ddTHH:mm:ss.fff}Z/{month.AddHours(98):yyyy-MM-ddTHH:mm:ss.fff}Z"));
            Assert.That((await ReadAsync()).Select(one => $"{one!["result"]} {one["replacedBy"]}"), Is.EqualTo(new[] { "0 deletion", "50 deletion", "99 deletion" }));
            using var series = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/pegel-1.temperature?step=P1D&from={month:yyyy-MM-dd}T00:00:00Z&to={month.AddDays(5):yyyy-MM-dd}T00:00:00Z", null, null);
            var counts = JsonNode.Parse(await series.Content.ReadAsStringAsync())!["points"]!.AsArray().Select(point => (int)point![4]!);
            Assert.That(counts, Is.EqualTo(new[] { 23, 24, 23, 24, 3 }));
            if (!again) await service.Get<Compaction>().CompactAsync(town.Id, default);
        }
        await using (var connection = await service.Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync())
            await service.Get<ObservationStore>().DeleteOfFeaturesAsync(connection, [(long)await ScalarAsync("SELECT key FROM feature WHERE id = 'pegel-1'")], default);
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation"), Is.Zero);
        Assert.That(await ScalarAsync("SELECT count(*) FROM latest"), Is.Zero);
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_audit"), Is.EqualTo(100));
    }

    [TestCase(null, 401)]
    [TestCase(Roles.Partner, 403)]
    [TestCase(Roles.Analyst, 403)]
    [TestCase(Roles.Developer, 403)]
    [TestCase(Roles.Admin, 200)]
    [TestCase(Roles.DataOwner, 200)]
    public async Task Should_show_corrections_to_those_who_answer_for_the_data(string? role, int status)
    {
        using var answer = await CorrectionsAsync(role);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_show_no_corrections_of_persons_data()
    {
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1), At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2, "2026-11-20T11:00:00Z"));
        await Eventually.TrueAsync(async () => (await ReadAsync()).Count == 1, "correction");
        await town.PublishAsync(new DatasetChanged("wasser", "wasser", Access.Personal, null));
        await Eventually.TrueAsync(async () => (await ReadAsync()).Count == 0, "correction hidden");
    }

    [Test]
    public async Task Should_delete_what_a_dataset_no_longer_keeps()
    {
        var today = DateTime.UtcNow.Date;
        var first = today.AddDays(-150);
        await town.AppendAsync("pegel-1", [.. Enumerable.Range(0, 150 * 24).Select(i => new Observation("pegel-1.temperature", Observation.Micros(first.AddHours(i)), i))]);
        await town.AppendAsync("pegel-1", new Observation("pegel-1.occupied", Observation.Micros(first), 0, "true"));
        await town.HasAsync("pegel-1.temperature", 3_600);
        await town.HasAsync("pegel-1.occupied", 1);
        await Eventually.TrueAsync(async () => await service.Get<AggregateStore>().RecomputeAsync(town.Id, default) is { Marks: 0 } && await ScalarAsync("SELECT count(*) FROM aggregate_dirty") == 0, "aggregates");
        await service.Get<Compaction>().CompactAsync(town.Id, default);
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_pack"), Is.Positive);
        Assert.That(await service.Get<EnforceRetention>().EnforceAsync(town.Id, default), Is.Zero, "without retention everything stays");

        // A day of UTC in the middle of a chunk.
        await town.PublishAsync(new DatasetChanged("wasser", "wasser", Access.Open, null, new Retention(100, 120)));
        await Eventually.TrueAsync(async () => await ScalarAsync("SELECT count(*) FROM dataset WHERE raw_days = 100 AND aggregate_days = 120") == 1, "retention");
        await service.Get<EnforceRetention>().EnforceAsync(town.Id, default);
        var since = today.AddDays(-100);
        Assert.Multiple(async () =>
        {
            Assert.That((await town.GetAsync("Datastreams('pegel-1.temperature')/Observations?$count=true&$top=1"))["@iot.count"]!.ToString(), Is.EqualTo("2400"));
            Assert.That((await town.GetAsync("Datastreams('pegel-1.temperature')/Observations?$count=true&$top=1&$filter=result ge 0"))["@iot.count"]!.ToString(), Is.EqualTo("2400"));
            Assert.That((string)(await town.GetAsync("Datastreams('pegel-1.temperature')"))["phenomenonTime"]!, Does.StartWith($"{since:yyyy-MM-dd}T00:00:00"));
            Assert.That((await town.GetAsync("Datastreams('pegel-1.occupied')"))["phenomenonTime"], Is.Null, "nothing is left");
            Assert.That(await ScalarAsync("SELECT count(*) FROM aggregate_day a JOIN datastream d ON d.key = a.datastream WHERE d.id = 'pegel-1.temperature'"), Is.EqualTo(120), "aggregates are kept longer");
            Assert.That(await ScalarAsync("SELECT count(*) FROM aggregate_hour a JOIN datastream d ON d.key = a.datastream WHERE d.id = 'pegel-1.temperature'"), Is.EqualTo(120 * 24));
        });
        // What comes too late for its retention spoils no aggregate, and goes with the next round.
        await town.AppendAsync("pegel-1", new Observation("pegel-1.temperature", Observation.Micros(today.AddDays(-110).AddMinutes(1)), -999), new Observation("pegel-1.temperature", Observation.Micros(today.AddDays(-1).AddMinutes(1)), 7));
        await town.HasAsync("pegel-1.temperature", 2_402);
        await Eventually.TrueAsync(async () => await service.Get<AggregateStore>().RecomputeAsync(town.Id, default) is { Marks: 0 } && await ScalarAsync("SELECT count(*) FROM aggregate_dirty") == 0, "aggregates");
        Assert.That(await ScalarAsync($"SELECT min FROM aggregate_day a JOIN datastream d ON d.key = a.datastream WHERE d.id = 'pegel-1.temperature' AND a.start = '{today.AddDays(-110):yyyy-MM-dd}Z'"), Is.EqualTo(40 * 24));
        Assert.That(await service.Get<EnforceRetention>().EnforceAsync(town.Id, default), Is.EqualTo(1));
    }

    [Test]
    public async Task Should_flag_times_far_in_the_future_and_count_them_in_no_aggregate()
    {
        using var answer = await town.PostAsync("Observations", """{"phenomenonTime":"2199-01-01T00:00:00Z","result":7,"Datastream":{"@iot.id":"pegel-1.temperature"}}""");
        var observation = JsonNode.Parse(await town.Client.GetStringAsync(answer.Headers.Location!.PathAndQuery))!;
        Assert.That(observation["resultQuality"]!.ToJsonString(), Is.EqualTo("""{"flag":"suspect","reasons":["from_future"]}"""));
        await Eventually.TrueAsync(async () => await service.Get<AggregateStore>().RecomputeAsync(town.Id, default) is { Marks: 0 } && await ScalarAsync("SELECT count(*) FROM aggregate_dirty") == 0, "aggregates");
        Assert.That(await ScalarAsync("SELECT count(*) FROM aggregate_hour"), Is.Zero);
    }
}
