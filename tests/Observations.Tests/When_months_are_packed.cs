using System.Globalization;
using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Testing;
using Npgsql;

namespace Allmende.Observations.Tests;

/// <summary>
/// Two municipalities with the same devices and the same data; one of them is packed. Whatever is asked, and whatever is written afterwards, nobody can
/// tell which is which.
/// </summary>
[TestFixture]
public sealed class When_months_are_packed
{
    /// <summary>Begin of a month that was over long enough.</summary>
    static readonly DateTime Month = new DateTime(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(-6);

    Service service = null!;
    Town packed = null!, plain = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        service = await Service.SharedAsync();
        (packed, plain) = (await service.TownAsync(), await service.TownAsync());
        foreach (var town in new[] { packed, plain })
        {
            await town.RegisterAsync("haus-1", "klima", "temperature", "occupied");
            await town.RegisterAsync("haus-2", "klima", "temperature", "float", "text");
            await town.AppendAsync("haus-1", [.. Regular()]);
            await town.AppendAsync("haus-2", [.. Odd()]);
            await town.HasAsync("haus-1.temperature", 4_000);
            await town.HasAsync("haus-1.occupied", 600);
            await town.HasAsync("haus-2.temperature", 700);
            await town.HasAsync("haus-2.float", 300);
            await town.HasAsync("haus-2.text", 40);
        }
        await SameAsync("before anything is packed");
        await CompactAsync();
        Assert.That(await ScalarAsync("SELECT sum(n) FROM observation_pack"), Is.EqualTo(4_000 - 500 + 600 + 700 - 1 + 300));
    }

    /// <summary>Four months of readings every 40 minutes with holes, the last 500 of them of today; truth values on and off.</summary>
    static IEnumerable<Observation> Regular()
    {
        var random = new Random(1);
        var value = 12.0;
        for (var i = 0; i < 4_000; i++)
        {
            value = Math.Round(value + random.Next(-5, 6) / 10.0, 1);
            var time = i < 3_500 ? Month.AddMinutes(40 * i + (i > 1_000 ? 2_000 : 0)) : DateTime.UtcNow.Date.AddDays(-1).AddMinutes(2 * (i - 3_500));
            yield return new Observation("haus-1.temperature", Observation.Micros(time), value, Quality: i % 97 == 0 ? Quality.Warned : i % 89 == 0 ? Quality.OutOfRange : Quality.Good);
        }
        for (var i = 0; i < 600; i++) yield return new Observation("haus-1.occupied", Observation.Micros(Month.AddMinutes(random.Next(70) + 70 * i)), 0, i % 3 == 0 ? "true" : "false");
    }

    /// <summary>What does not come every so often: times to the microsecond, results later than their time, numbers that are no decimals, texts, intervals, parameters.</summary>
    static IEnumerable<Observation> Odd()
    {
        var random = new Random(2);
        for (var i = 0; i < 700; i++)
        {
            var time = Observation.Micros(Month.AddMinutes(60 * i)) + random.Next(-5_000_000, 5_000_000);
            yield return new Observation("haus-2.temperature", time, random.NextDouble(), ResultTime: i < 200 ? null : i < 400 ? time + 1_000 : time + random.Next(0, 1_000_000),
                Extra: i == 77 ? """{"parameters":{"a":1}}""" : null);
        }
        for (var i = 0; i < 300; i++) yield return new Observation("haus-2.float", Observation.Micros(Month.AddMinutes(10 * i)), (float)random.NextDouble());
        for (var i = 0; i < 40; i++)
            yield return new Observation("haus-2.text", Observation.Micros(Month.AddHours(i)), 0, $"\"rot {i}\"", PhenomenonEnd: i % 2 == 0 ? Observation.Micros(Month.AddHours(i + 1)) : null);
    }

    Task CompactAsync() => service.Get<Compaction>().CompactAsync(packed.Id, default);

    async Task<long> ScalarAsync(string sql)
    {
        await using var command = service.Get<MunicipalDatabases>().Of(packed.Id).CreateCommand(sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    static string At(double days) => Month.AddDays(days).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    static IEnumerable<string> Queries()
    {
        foreach (var id in new[] { "haus-1.temperature", "haus-1.occupied", "haus-2.temperature", "haus-2.float", "haus-2.text" })
            foreach (var options in new[]
            {
                "", "?$count=true&$top=2", "?$orderby=phenomenonTime desc", "?$orderby=phenomenonTime asc&$skip=250&$top=7", "?$orderby=phenomenonTime desc&$skip=590&$top=20",
                "?$orderby=result desc&$top=5", "?$orderby=resultTime desc,phenomenonTime&$top=5", $"?$filter=phenomenonTime ge {At(3)} and phenomenonTime lt {At(40)}&$count=true",
                $"?$filter=phenomenonTime gt {At(35)}&$orderby=phenomenonTime desc&$top=3", "?$filter=result gt 13 and result lt 14.5&$count=true", "?$filter=result eq true&$count=true&$top=3",
                "?$filter=not (result lt 12) or phenomenonTime eq " + At(1) + "&$count=true&$top=5", "?$filter=resultQuality/flag eq 'x' or resultTime ne null&$count=true&$top=3",
                $"?$filter={At(2)} gt phenomenonTime or result lt 3&$count=true", "?$filter=hour(phenomenonTime) eq 3 and result ne null&$count=true&$select=result,phenomenonTime&$expand=Datastream,FeatureOfInterest&$top=4",
                $"?$filter=during(phenomenonTime,{At(1)}/{At(2)}) and Datastream/Thing/id eq 'haus-1'&$count=true",
            })
                yield return $"Datastreams('{id}')/Observations{options}";
        foreach (var path in new[]
        {
            "Observations", "Observations?$count=true&$top=3", "Observations?$orderby=phenomenonTime desc", "Observations?$orderby=phenomenonTime desc&$top=3&$skip=400",
            "Observations?$skip=3990&$top=20", "Observations?$filter=result gt 13&$count=true&$top=4", "Observations?$filter=Datastream/id eq 'haus-2.float'&$count=true&$top=4",
            $"Observations?$filter=phenomenonTime ge {At(10)} and Datastream/Thing/id eq 'haus-1'&$orderby=phenomenonTime desc&$count=true", "Observations?$filter=FeatureOfInterest/id eq 'haus-2'&$count=true&$top=2",
            "Things?$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))", "Things?$expand=Datastreams($expand=Observations($top=3;$count=true))",
            $"Things?$expand=Datastreams($expand=Observations($filter=phenomenonTime lt {At(2)};$orderby=phenomenonTime desc;$top=3;$count=true))",
            "Things?$filter=Datastreams/Observations/result gt 0.999", "Datastreams?$filter=Observations/result eq true", $"Datastreams?$filter=Observations/phenomenonTime lt {At(0.001)}",
            "Datastreams('haus-1.temperature')?$expand=Observations($skip=100;$top=2)", "FeaturesOfInterest('haus-1')/Observations?$count=true&$top=5", "FeaturesOfInterest('haus-1')?$expand=Observations($top=2)",
            "Datastreams?$select=phenomenonTime",
        })
            yield return path;
    }

    /// <summary>Asks both for everything.</summary>
    async Task SameAsync(string when)
    {
        foreach (var query in Queries().Select(query => packed.Url(query))
                     .Append($"/{packed.Id}/series/haus-1.temperature?from={At(1)}&to={At(60)}").Append($"/internal/{packed.Id}/datasets/klima/observations")
                     .Append($"/internal/{packed.Id}/datasets/klima/observations?from={At(2)}&to={At(20)}&thing=haus-1"))
        {
            var url = query.Replace(" ", "%20", StringComparison.Ordinal);
            var (one, other) = (await ReadAsync(packed, url), await ReadAsync(plain, url.Replace(packed.Id, plain.Id, StringComparison.Ordinal)));
            Assert.That(one.Replace(packed.Id, plain.Id, StringComparison.Ordinal), Is.EqualTo(other), $"{when}: {query}");
        }
    }

    static async Task<string> ReadAsync(Town town, string url)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, url, null, Roles.Admin);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.IsSuccessStatusCode, Is.True, $"{url}: {(int)answer.StatusCode} {text}");
        return text;
    }

    [Test, Order(1)]
    public Task Should_answer_as_before() => SameAsync("packed");

    [TestCase("Observations?$top=1900")]
    [TestCase("Observations?$orderby=phenomenonTime desc&$top=1900")]
    [TestCase("Observations?$orderby=phenomenonTime&$top=1900")]
    [TestCase("Observations?$filter=result gt 12&$top=900")]
    [TestCase("Datastreams('haus-1.temperature')/Observations?$orderby=phenomenonTime desc&$top=900")]
    [TestCase("Datastreams('haus-2.temperature')/Observations?$top=90")]
    [Order(1)]
    public async Task Should_give_page_after_page_as_before(string path)
    {
        var (one, other) = (await WalkAsync(packed, path), await WalkAsync(plain, path));
        Assert.That(one, Is.EqualTo(other));
        Assert.That(one.Distinct().Count(), Is.EqualTo(one.Count));
    }

    /// <summary>Ids of all pages.</summary>
    static async Task<List<string>> WalkAsync(Town town, string path)
    {
        var ids = new List<string>();
        for (var next = town.Url(path).Replace(" ", "%20", StringComparison.Ordinal); next is not null;)
        {
            var page = System.Text.Json.Nodes.JsonNode.Parse(await ReadAsync(town, next))!;
            ids.AddRange(page["value"]!.AsArray().Select(one => (string)one!["@iot.id"]!));
            next = (string?)page["@iot.nextLink"] is { } link ? new Uri(link).PathAndQuery : null;
        }
        return ids;
    }

    [Test, Order(2)]
    public async Task Should_give_the_room_back()
    {
        var partition = $"observation_{Month:yyyy_MM}";
        // Texts and intervals of the first month stay rows; the second month has nothing that does.
        Assert.That(await ScalarAsync($"SELECT count(*) FROM {partition}"), Is.EqualTo(41));
        Assert.That(await ScalarAsync($"SELECT count(*) FROM pg_class WHERE relname = 'observation_{Month.AddMonths(1):yyyy_MM}'"), Is.Zero);
    }

    [Test, Order(3)]
    public async Task Should_read_each_observation_by_its_id()
    {
        var page = await packed.GetAsync("Datastreams('haus-1.temperature')/Observations?$top=1&$skip=1700");
        var id = (string)page["value"]![0]!["@iot.id"]!;
        var one = await packed.GetAsync($"Observations('{id}')");
        Assert.That((double)one["result"]!, Is.EqualTo((double)page["value"]![0]!["result"]!));
        using var missing = await packed.SendAsync(HttpMethod.Get, packed.Url($"Observations('{id}1')"), null, null);
        Assert.That((int)missing.StatusCode, Is.EqualTo(404));
    }

    [Test, Order(4)]
    public async Task Should_take_late_data_repetitions_and_corrections()
    {
        var known = Regular().Where(one => one.Datastream == "haus-1.temperature").Take(3_000).ToList();
        foreach (var town in new[] { packed, plain })
        {
            await town.AppendAsync("haus-1",
                known[1_500], known[7],
                known[1_700] with { Value = 99, ResultTime = known[1_700].PhenomenonTime + 60_000_000 },
                known[1_701] with { Value = 98, ResultTime = known[1_701].PhenomenonTime - 60_000_000 },
                new Observation("haus-1.temperature", known[2_500].PhenomenonTime + 1_000_000, -4.5),
                new Observation("haus-1.occupied", Observation.Micros(Month.AddDays(20)) + 7, 0, "true"));
            await town.HasAsync("haus-1.temperature", 4_001);
            await town.HasAsync("haus-1.occupied", 601);
        }
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_pack"), Is.Positive, "only what was touched is rows again");
        await SameAsync("written to");
        await CompactAsync();
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_row WHERE time < now() - interval '60 days'"), Is.EqualTo(42), "and the correction, which alone has a resultTime");
        await SameAsync("packed again");
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_pack a JOIN observation_pack b ON b.datastream = a.datastream AND b.chunk_from > a.chunk_from AND b.chunk_from <= a.chunk_to"),
            Is.Zero, "no two chunks overlap");
    }

    [Test, Order(5)]
    public async Task Should_lose_nothing_when_the_packer_dies_half_way()
    {
        var times = Enumerable.Range(0, 50).Select(i => Month.AddDays(40).AddMinutes(i)).ToArray();
        var before = await ScalarAsync("SELECT count(*) FROM observation");
        await packed.AppendAsync("haus-2", [.. times.Select(time => new Observation("haus-2.float", Observation.Micros(time), 1))]);
        await packed.HasAsync("haus-2.float", 350);
        var database = service.Get<MunicipalDatabases>().Of(packed.Id);
        await using var reader = await database.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("SELECT * FROM observation_row WHERE value = 1 AND time = $1 FOR UPDATE", reader) { Parameters = { new NpgsqlParameter<DateTime> { TypedValue = times[40] } } })
            await hold.ExecuteNonQueryAsync();
        var packing = service.Get<Compaction>().CompactAsync(packed.Id, default);
        await Eventually.TrueAsync(async () => await ScalarAsync("""
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%DELETE FROM observation_row%' AND pid <> pg_backend_pid()
            """) > 0, "packer to kill");
        Assert.That(async () => await packing, Throws.InstanceOf<NpgsqlException>());
        await transaction.RollbackAsync();
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation"), Is.EqualTo(before + 50));
        await CompactAsync();
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation"), Is.EqualTo(before + 50));
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation_row WHERE value = 1"), Is.Zero);
    }

    [Test, Order(6)]
    public async Task Should_store_each_once_while_packer_and_writers_race()
    {
        var store = service.Get<ObservationStore>();
        const long Key = 900_001;
        var random = new Random(3);
        var day = Month.AddDays(60);
        var writers = Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            var own = new Random(writer);
            for (var batch = 0; batch < 12; batch++)
            {
                // All write into the same thousand minutes, so that nearly each is a repetition.
                var rows = new ObservationRows(100);
                var from = own.Next(900);
                for (var i = from; i < from + (batch % 2 == 0 ? 250 : 40) && i < 1_000; i++) rows.Add(Key, new Observation("", Observation.Micros(day.AddMinutes(i)), i));
                await store.StoreAsync(packed.Id, rows, new LogPosition(writer, batch + 1_000_000, 0), default);
            }
        })).ToList();
        var packers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!writers.TrueForAll(writer => writer.IsCompleted)) await service.Get<Compaction>().CompactAsync(packed.Id, default);
        })).ToList();
        await Task.WhenAll(writers.Concat(packers));
        await CompactAsync();
        var distinct = await ScalarAsync($"SELECT count(DISTINCT time) FROM observation WHERE datastream = {Key}");
        Assert.That(await ScalarAsync($"SELECT count(*) FROM observation WHERE datastream = {Key}"), Is.EqualTo(distinct));
        Assert.That(await ScalarAsync($"SELECT n FROM latest WHERE datastream = {Key}"), Is.EqualTo(distinct));
        Assert.That(await ScalarAsync($"SELECT count(*) FROM observation WHERE datastream = {Key} AND value <> extract(epoch FROM time - timestamptz '{day:O}') / 60"), Is.Zero);
    }

    [Test, Order(7)]
    public async Task Should_take_a_device_away_with_what_is_packed()
    {
        await service.Get<DeviceStore>().RemoveAsync(packed.Id, "haus-2", default);
        Assert.That(await ScalarAsync("SELECT count(*) FROM observation o WHERE NOT EXISTS (SELECT 1 FROM datastream d WHERE d.key = o.datastream) AND o.datastream < 900000"), Is.Zero);
    }
}
