using System.Diagnostics;
using System.Globalization;
using System.Text;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Observations.Store.Aggregates;
using Allmende.Platform.Data;

namespace Allmende.Observations.Tests;

/// <summary>
/// Measures, and is run by hand: <c>dotnet test tests/Observations.Tests -c Release --filter FullyQualifiedName~When_much_is_packed</c>. It takes some minutes and
/// needs 4 GB of disk. <c>PACKED_DATASTREAMS</c> (2,000) says how many Datastreams have 10,000 readings each. The table goes to docs/benchmarks.
/// </summary>
[TestFixture, Explicit("measures, for minutes")]
public sealed class When_much_is_packed
{
    const int Readings = 10_000;

    static readonly DateTime Start = new DateTime(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(-6);

    readonly StringBuilder table = new();
    Service service = null!;
    Town town = null!;

    async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await service.Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync();
    }

    async Task<double> NumberAsync(string sql) => Convert.ToDouble(await ScalarAsync(sql), CultureInfo.InvariantCulture);

    void Line(string text)
    {
        table.AppendLine(text);
        TestContext.Progress.WriteLine(text);
    }

    [Test]
    public async Task Should_take_little_room_and_little_time()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        var datastreams = int.Parse(Environment.GetEnvironmentVariable("PACKED_DATASTREAMS") ?? "2000", CultureInfo.InvariantCulture);
        await FillAsync(datastreams);
        var rows = await NumberAsync("SELECT count(*) FROM observation_row");
        await ScalarAsync("VACUUM ANALYZE");
        Line(FormattableString.Invariant($"rows {rows:N0}, bytes each {await NumberAsync("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'observation_row'::regclass") / rows:F1}"));
        var before = await QueriesAsync();
        var watch = Stopwatch.StartNew();
        var packed = await service.Get<Compaction>().CompactAsync(town.Id, default);
        Line(FormattableString.Invariant($"packed {packed:N0} in {watch.Elapsed.TotalSeconds:F0} s: {packed / watch.Elapsed.TotalSeconds:N0}/s"));
        await ScalarAsync("VACUUM ANALYZE");
        Line(FormattableString.Invariant($"chunks: bytes per observation {await NumberAsync("SELECT pg_total_relation_size('observation_pack')") / packed:F2} (heap, TOAST, index), {await NumberAsync("SELECT count(*) FROM observation_pack"):N0} chunks; left in rows {await NumberAsync("SELECT count(*) FROM observation_row"):N0}"));
        foreach (var kind in new[] { "regular", "jittered" })
            Line(FormattableString.Invariant($"{kind}: {await NumberAsync($"SELECT sum(pg_column_size(p.*))::float8 / sum(n) FROM observation_pack p JOIN datastream d ON d.key = p.datastream WHERE d.id LIKE '{kind}%'"):F2} bytes each in the tuples"));
        watch.Restart();
        await ScalarAsync("SELECT count(value) FROM observation");
        Line(FormattableString.Invariant($"unpacked all in {watch.Elapsed.TotalSeconds:F1} s: {packed / watch.Elapsed.TotalSeconds:N0}/s"));
        var after = await QueriesAsync();
        foreach (var (query, time) in before) Line(FormattableString.Invariant($"| {query} | {time:F1} | {after[query]:F1} |"));
        await AggregateAsync();
        await File.WriteAllTextAsync(Path.Combine(Path.GetTempPath(), "packed-observations.txt"), table.ToString());
        Assert.That(await NumberAsync("SELECT pg_total_relation_size('observation_pack')") / packed, Is.LessThan(5));
    }

    /// <summary>A tenth of the Datastreams have times to the microsecond, some seconds early or late; the others come every ten minutes. One decimal.</summary>
    async Task FillAsync(int datastreams)
    {
        var store = service.Get<DeviceStore>();
        for (var device = 0; device < datastreams / 20; device++)
        {
            var id = $"{(device % 10 == 9 ? "jittered" : "regular")}-{device}";
            await store.UpsertAsync(town.Id, new DeviceRegistered(id, id, null, null, "profil", "Profil", "klima", "Klima", null, 600,
                Enumerable.Range(0, 20).Select(i => new DeviceDatastream($"{id}.f{i}", $"f{i}", $"f{i}", "air_temperature", "Cel", null)).ToList()), Access.Open, default);
        }
        await service.Get<MonthlyPartitions>().EnsureAsync(town.Id, Enumerable.Range(0, 4).Select(Start.AddMonths).ToArray(), default);
        await ScalarAsync($"""
            INSERT INTO observation_row (datastream, time, value)
            SELECT d.key, timestamptz '{Start:O}' + i * interval '10 minutes' + CASE WHEN d.id LIKE 'jittered%' THEN random() * interval '5 seconds' ELSE interval '0' END,
              round((12 + 9 * sin(i / 23.0) + d.key % 7 + random())::numeric, 1)::float8
            FROM generate_series(0, {Readings - 1}) i CROSS JOIN datastream d
            """);
        await ScalarAsync("INSERT INTO latest (datastream, n, first_time, time, value, quality) SELECT datastream, count(*), min(time), max(time), max(value), 0 FROM observation_row GROUP BY datastream");
    }

    /// <summary>Median milliseconds of each query, in the service as clients ask it.</summary>
    async Task<Dictionary<string, double>> QueriesAsync()
    {
        var times = new Dictionary<string, double>();
        foreach (var (name, path) in new[]
        {
            ("newest 100 of a Datastream", "Datastreams('regular-{0}.f3')/Observations?$orderby=phenomenonTime desc"),
            ("oldest 100 of a Datastream", "Datastreams('regular-{0}.f3')/Observations"),
            ("newest 100 over all", "Observations?$orderby=phenomenonTime desc&$top=10{0}"),
            ("100 in a day of a Datastream", "Datastreams('regular-{0}.f5')/Observations?$filter=phenomenonTime ge " + Start.AddDays(30).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + "T00:00:00Z and phenomenonTime lt "
                + Start.AddDays(31).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + "T00:00:00Z"),
            ("values above a bound, with count, of a Datastream", "Datastreams('regular-{0}.f7')/Observations?$filter=result gt 27&$count=true"),
            ("count of a Datastream", "Datastreams('regular-{0}.f9')/Observations?$count=true&$top=0"),
            ("count of all", "Observations?$count=true&$top=0&$skip={0}"),
            ("first page of all", "Observations?$skip={0}"),
            ("page that follows after 5,000", "Datastreams('regular-{0}.f3')/Observations?$skip=5000"),
            ("Observations by Datastream's id in $filter", "Observations?$filter=Datastream/id eq 'regular-{0}.f3'&$top=10"),
            ("Things with latest value", "Things?$top=100&$skip={0}&$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))"),
        })
        {
            var taken = new List<double>();
            for (var i = 0; i < 9; i++)
            {
                var watch = Stopwatch.StartNew();
                await town.GetAsync(string.Format(CultureInfo.InvariantCulture, path, i).Replace(" ", "%20", StringComparison.Ordinal));
                taken.Add(watch.Elapsed.TotalMilliseconds);
            }
            times[name] = taken.Order().ElementAt(taken.Count / 2);
        }
        return times;
    }

    async Task AggregateAsync()
    {
        await ScalarAsync("INSERT INTO aggregate_dirty SELECT datastream, date_trunc('hour', first_time, 'UTC'), ceil(extract(epoch FROM time - first_time) / 3600)::integer + 1 FROM latest");
        var watch = Stopwatch.StartNew();
        while (await service.Get<AggregateStore>().RecomputeAsync(town.Id, default) is { Marks: > 0 } || await NumberAsync("SELECT count(*) FROM aggregate_dirty") > 0)
        {
            // Until all are computed.
        }
        Line(FormattableString.Invariant($"aggregates of all in {watch.Elapsed.TotalSeconds:F0} s; bytes per hour {await NumberAsync("SELECT pg_total_relation_size('aggregate_hour')::float8 / count(*) FROM aggregate_hour"):F0}, per day {await NumberAsync("SELECT pg_total_relation_size('aggregate_day')::float8 / count(*) FROM aggregate_day"):F0}"));
        foreach (var step in new[] { "PT1H", "P1D" })
        {
            var taken = new List<double>();
            for (var i = 0; i < 9; i++)
            {
                watch.Restart();
                using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/series/regular-{i % 9}.f3?step={step}&from={Start:yyyy-MM-dd}T00:00:00Z&to={Start.AddDays(70):yyyy-MM-dd}T00:00:00Z", null, null);
                Assert.That(answer.IsSuccessStatusCode, Is.True);
                taken.Add(watch.Elapsed.TotalMilliseconds);
            }
            Line(FormattableString.Invariant($"series of 70 days by {step}: {taken.Order().ElementAt(4):F1} ms"));
        }
    }
}
