using Allmende.Contracts;
using Allmende.Ingestion.Tests.Surroundings;
using Allmende.Platform.Log;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Ingestion.Tests;

[TestFixture]
public class When_an_uplink_is_refused
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task Start()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
    }

    [Test]
    public async Task Should_ask_who_is_there()
    {
        await town.DeviceAsync();
        Assert.That((await town.PostAsync("uplinks/json", Messages.Plain("pegel-1"), null)).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), "dk_" + new string('0', 43))).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), town.Analyst)).Status, Is.EqualTo(403));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), service.Neighbours.AddKey(town.Id, "something:else"))).Status, Is.EqualTo(403));
        Assert.That(await town.UplinksAsync(0), Is.Empty);

        foreach (var allowed in new[] { town.Admin, service.Neighbours.Token(town.Id, Roles.Developer), town.Key })
            Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), allowed)).Status, Is.EqualTo(202));
    }

    [Test]
    public async Task Should_not_let_a_device_speak_for_another_nor_tell_it_whether_that_one_exists()
    {
        var own = await town.DeviceAsync("pegel-1");
        await town.DeviceAsync("pegel-2");

        var foreign = await town.UplinkAsync("json", Messages.Plain("pegel-2"), own.Key);
        var missing = await town.UplinkAsync("json", Messages.Plain("pegel-3"), own.Key);

        Assert.That((foreign.Status, foreign.Error), Is.EqualTo((404, "unknown_device")));
        static string Anonymous(Answer answer, string name) => System.Text.RegularExpressions.Regex.Replace(answer.Body.Replace(name, "…"), "\"traceId\":\"[^\"]*\"", "");
        Assert.That(Anonymous(foreign, "pegel-2"), Is.EqualTo(Anonymous(missing, "pegel-3")));
    }

    [Test]
    public async Task Should_not_know_another_towns_credentials()
    {
        var elsewhere = await service.TownAsync();
        await town.DeviceAsync();
        var foreign = await elsewhere.DeviceAsync();

        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), foreign.Key)).Status, Is.EqualTo(401));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), elsewhere.Key)).Status, Is.EqualTo(403));
        Assert.That((await town.UplinkAsync("json", Messages.Plain("pegel-1"), elsewhere.Admin)).Status, Is.EqualTo(403));
        Assert.That((await service.SendAsync(HttpMethod.Post, "/nowhere/uplinks/json", foreign.Key, Town.JsonContent("{}"))).Status, Is.EqualTo(404));
        Assert.That(await town.UplinksAsync(0), Is.Empty);
    }

    [Test]
    public async Task Should_slow_down_a_device_that_sends_too_much_and_nobody_else()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:DeviceRate:PerSecond", "1"), ("Ingestion:DeviceRate:Burst", "3")]);
        var there = await own.TownAsync();
        await there.DeviceAsync("pegel-1");
        await there.DeviceAsync("pegel-2");

        var answers = new List<Answer>();
        for (var n = 0; n < 5; n++) answers.Add(await there.UplinkAsync("json", Messages.Plain("pegel-1", n)));

        Assert.That(answers.Select(answer => answer.Status).Take(4), Is.EqualTo(new[] { 202, 202, 202, 429 }));
        Assert.That((answers[3].Error, answers[3].RetryAfter), Is.EqualTo(("too_many_uplinks", TimeSpan.FromSeconds(1))));
        Assert.That((await there.UplinkAsync("json", Messages.Plain("pegel-2"))).Status, Is.EqualTo(202));
        await Eventually.TrueAsync(async () => (await there.UplinkAsync("json", Messages.Plain("pegel-1", 9))).Status == 202, "turn of the device");
    }

    [Test]
    public async Task Should_slow_down_a_town_that_sends_too_much_and_no_other()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:MunicipalityRate:PerSecond", "1"), ("Ingestion:MunicipalityRate:Burst", "2")]);
        var flooding = await own.TownAsync();
        var quiet = await own.TownAsync();

        var answers = new List<int>();
        for (var n = 0; n < 3; n++) answers.Add((await flooding.UplinkAsync("tts", "{}")).Status);

        Assert.That(answers, Is.EqualTo(new[] { 204, 204, 429 }));
        Assert.That((await quiet.UplinkAsync("tts", "{}")).Status, Is.EqualTo(204));
    }

    [Test]
    public async Task Should_ask_to_wait_while_decoding_does_not_keep_up()
    {
        await using var own = await Service.StartAsync(settings: [("Ingestion:MostWaitingUplinks", "10"), ("Ingestion:WaitingUplinksEvery", "00:00:00.05")]);
        var behind = await own.TownAsync();
        var other = await own.TownAsync();
        await behind.DeviceAsync();
        await other.DeviceAsync();
        var n = 0;

        // Nobody decodes in this test, so that all uplinks wait.
        var refusal = await Eventually.GetAsync(async () => await behind.UplinkAsync("json", Messages.Plain("pegel-1", n++)) is { Status: 503 } answer ? answer : null, "back-pressure");

        Assert.That((refusal.Error, refusal.RetryAfter), Is.EqualTo(("overloaded", TimeSpan.FromSeconds(5))));
        Assert.That((await other.UplinkAsync("json", Messages.Plain("pegel-1"))).Status, Is.EqualTo(202));

        using var decoding = new CancellationTokenSource();
        var decoder = own.Get<ILog>().ConsumeAsync(Topics.Uplinks, "streams", (_, _) => Task.CompletedTask, decoding.Token);
        await Eventually.TrueAsync(async () => (await behind.UplinkAsync("json", Messages.Plain("pegel-1", n++))).Status == 202, "end of back-pressure", TimeSpan.FromSeconds(20));
        await decoding.CancelAsync();
        Assert.That(async () => await decoder, Throws.InstanceOf<OperationCanceledException>());
    }
}
