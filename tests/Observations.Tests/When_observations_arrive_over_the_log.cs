using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_observations_arrive_over_the_log
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

    [Test]
    public async Task Should_store_the_same_observation_once()
    {
        for (var i = 0; i < 3; i++) await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 4.5));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:10:00Z", 4.6));
        await town.HasAsync("pegel-1.temperature", 2);
        var values = (await town.GetAsync("Datastreams('pegel-1.temperature')/Observations"))["value"]!.AsArray();
        Assert.That(values.Select(value => (double)value!["result"]!), Is.EqualTo(new[] { 4.5, 4.6 }));
    }

    [Test]
    public async Task Should_store_a_large_batch_once_although_part_of_it_is_known()
    {
        var start = DateTimeOffset.Parse("2026-10-30T00:00:00Z", null);
        var many = Enumerable.Range(0, 1_000).Select(i => new Observation("pegel-1.temperature", Observation.Micros(start.AddMinutes(i * 10)), i)).ToArray();
        await town.AppendAsync("pegel-1", many[..600]);
        await town.HasAsync("pegel-1.temperature", 600);
        await town.AppendAsync("pegel-1", many);
        await town.HasAsync("pegel-1.temperature", 1_000);
        var exact = await town.GetAsync("Datastreams('pegel-1.temperature')/Observations?$count=true&$top=0&$filter=result ge 0");
        Assert.That((int)exact["@iot.count"]!, Is.EqualTo(1_000), "counted row by row");
    }

    [Test]
    public async Task Should_replace_an_observation_by_its_correction_only()
    {
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1, "2026-11-20T10:00:01Z"));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 2, "2026-11-20T11:00:00Z"));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 3, "2026-11-20T10:30:00Z"));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:10:00Z", 4));
        await town.HasAsync("pegel-1.temperature", 2);
        var first = (await town.GetAsync("Datastreams('pegel-1.temperature')/Observations"))["value"]![0]!;
        Assert.That((double)first["result"]!, Is.EqualTo(2));
    }

    [Test]
    public async Task Should_keep_the_newest_apart_also_when_older_ones_come_late()
    {
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 10));
        await town.HasAsync("pegel-1.temperature", 1);
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-19T10:00:00Z", 9));
        await town.HasAsync("pegel-1.temperature", 2);
        var thing = await town.GetAsync("Things('pegel-1')?$expand=Datastreams($filter=id eq 'pegel-1.temperature';$expand=Observations($top=1;$orderby=phenomenonTime desc))");
        var datastream = thing["Datastreams"]![0]!;
        Assert.Multiple(() =>
        {
            Assert.That((double)datastream["Observations"]![0]!["result"]!, Is.EqualTo(10));
            Assert.That((string)datastream["phenomenonTime"]!, Is.EqualTo("2026-11-19T10:00:00Z/2026-11-20T10:00:00Z"));
            Assert.That((string)datastream["Observations@iot.nextLink"]!, Does.Contain("$skip=1"));
        });
    }

    [Test]
    public async Task Should_dead_letter_what_is_broken_and_store_the_rest()
    {
        var log = service.Get<ILog>();
        await log.AppendAsync(town.Id, Topics.Observations, "pegel-1", new byte[] { 1, 2, 3 }, default);
        await town.AppendAsync("pegel-1", At("pegel-1.nothing", "2026-11-20T10:00:00Z", 1));
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 1));
        await town.HasAsync("pegel-1.temperature", 1);
        var reasons = new List<string>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await foreach (var batch in log.TailAsync(town.Id, Topics.DeadLetters, (await log.EndAsync(town.Id, Topics.DeadLetters, limit.Token))
            .Select(end => LogPosition.BeforeFirst(end.Partition)).ToList(), limit.Token))
        {
            reasons.AddRange(batch.Records.Select(record => JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeadLetter)!.Type));
            if (reasons.Count == 2) break;
        }
        Assert.That(reasons, Is.EquivalentTo(new[] { "unreadable_record", "unknown_datastream" }));
    }

    [Test]
    public async Task Should_keep_times_years_off_and_flag_them_nowhere_but_there()
    {
        await town.AppendAsync("pegel-1", At("pegel-1.temperature", "1970-01-01T00:00:00Z", 1), At("pegel-1.temperature", "2099-01-01T00:00:00Z", 2), At("pegel-1.temperature", "2026-11-20T10:00:00Z", 3));
        await town.HasAsync("pegel-1.temperature", 3);
        var newest = (await town.GetAsync("Observations?$orderby=phenomenonTime desc&$top=2"))["value"]!.AsArray();
        Assert.That(newest.Select(value => (double)value!["result"]!), Is.EqualTo(new[] { 2d, 3d }));
    }
}
