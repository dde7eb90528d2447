using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Testing;
using Microsoft.AspNetCore.Http;
using static Allmende.Observations.Tests.Town;

namespace Allmende.Observations.Tests;

[TestFixture]
public sealed class When_webhooks_are_delivered
{
    Town town = null!;
    WebhookReceiver receiver = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        receiver = await WebhookReceiver.StartAsync();
        await town.RegisterAsync("pegel-1", "wasser", "temperature", "level");
        await town.RegisterAsync("pegel-2", "wasser", "temperature");
        await town.RegisterAsync("geheim", "intern", "temperature");
        await town.SetAccessAsync("intern", Access.Restricted);
    }

    [TearDown]
    public async Task StopAsync() => await receiver.DisposeAsync();

    async Task<(string Id, string Secret)> SubscribeAsync(string more = "", string role = Roles.Admin, string? url = null)
    {
        using var answer = await town.SendAsync(HttpMethod.Post, $"/{town.Id}/subscriptions", $$"""{"name":"Leitstelle","url":"{{url ?? receiver.Url}}","batch":{"within":"PT0.1S"}{{more}}}""", role);
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), body.ToJsonString());
        Assert.That(answer.Headers.Location!.ToString(), Is.EqualTo($"/{town.Id}/subscriptions/{body["subscription"]!["id"]}"));
        return ((string)body["subscription"]!["id"]!, (string)body["secret"]!);
    }

    async Task<JsonNode> ReadAsync(string path)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/subscriptions/{path}", null, Roles.Admin);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    async Task<JsonNode> ChangeAsync(string id, string body, string role = Roles.Admin)
    {
        using var answer = await town.SendAsync(HttpMethod.Patch, $"/{town.Id}/subscriptions/{id}", body, role);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    Task<LogPosition> SendAsync(string datastream, int minute, double value) =>
        town.AppendAsync(datastream.Split('.')[0], new Observation(datastream, Observation.Micros(DateTimeOffset.Parse("2026-11-20T10:00:00Z", null).AddMinutes(minute)), value));

    Task TakenAsync(int count) => Eventually.TrueAsync(() => Task.FromResult(Ids().Count >= count), $"{count} observations at the receiver", TimeSpan.FromSeconds(20));

    HashSet<string> Ids() => receiver.Taken.SelectMany(delivery => delivery.Observations).Select(one => (string)one!["id"]!).ToHashSet(StringComparer.Ordinal);

    [Test]
    public async Task Should_arrive_signed_and_as_they_are_read()
    {
        var (id, secret) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 12.5);
        await TakenAsync(1);
        var delivery = receiver.Taken.First();
        var one = delivery.Observations[0]!;
        var read = await town.GetAsync($"Observations('{one["id"]}')");
        Assert.Multiple(() =>
        {
            Assert.That(delivery.IsSignedWith(secret), Is.True);
            Assert.That(Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(delivery.Timestamp, null)), Is.LessThan(60));
            Assert.That((string)one["thing"]!, Is.EqualTo("pegel-1"));
            Assert.That((string)one["type"]!, Is.EqualTo("temperature"));
            Assert.That((string)one["unit"]!, Is.EqualTo("Cel"));
            Assert.That((double)read["result"]!, Is.EqualTo((double)one["result"]!));
            Assert.That((string)read["phenomenonTime"]!, Is.EqualTo((string)one["phenomenonTime"]!));
        });
        await Eventually.TrueAsync(async () => (int)(await ReadAsync(id))["delivered"]! == 1, "count of what was delivered");
        var shown = await ReadAsync(id);
        Assert.That(shown.ToJsonString(), Does.Not.Contain(secret["whsec_".Length..]), "the secret is shown once");
        Assert.That((string)shown["lag"]!, Is.EqualTo("PT0S"));
    }

    [Test]
    public async Task Should_put_together_what_comes_together_and_leave_out_what_is_not_asked()
    {
        await SubscribeAsync(""","datastreams":["pegel-1.temperature","pegel-2.temperature"],"things":["pegel-1","pegel-2"],"types":["temperature"],"bbox":[8,51,9,52]""");
        var time = DateTimeOffset.Parse("2026-11-20T10:00:00Z", null);
        await town.AppendAsync("pegel-1", [.. Enumerable.Range(0, 150).SelectMany(i => new[] { "pegel-1.temperature", "pegel-1.level" }.Select(datastream => new Observation(datastream, Observation.Micros(time.AddSeconds(i)), i)))]);
        await TakenAsync(150);
        Assert.That(receiver.Taken.Select(delivery => delivery.Observations.Count), Is.EqualTo(new[] { 100, 50 }));
        Assert.That(receiver.Taken.SelectMany(delivery => delivery.Observations).Select(one => (string)one!["datastream"]!).Distinct(), Is.EqualTo(new[] { "pegel-1.temperature" }));
    }

    [Test]
    public async Task Should_go_on_while_its_subscription_is_being_written()
    {
        receiver.Answer = _ => Task.Delay(TimeSpan.FromSeconds(3));
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Deliveries.Count == 1), "delivery under way");
        // Leases are renewed each second; one renewal at least meets the lock, as it may meet the worker's own write.
        await using (var connection = await (await Service.SharedAsync()).Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var hold = connection.CreateCommand();
            hold.CommandText = "SELECT 1 FROM subscription FOR UPDATE";
            await hold.ExecuteNonQueryAsync();
            await Task.Delay(TimeSpan.FromSeconds(2));
            await transaction.RollbackAsync();
        }
        await Eventually.TrueAsync(async () => (int)(await ReadAsync(id))["delivered"]! == 1, "delivery that was written down");
        Assert.That(receiver.Deliveries, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Should_lose_nothing_while_the_receiver_is_away()
    {
        receiver.Answer = context => { context.Response.StatusCode = 503; return Task.CompletedTask; };
        var (id, _) = await SubscribeAsync();
        for (var i = 0; i < 40; i++) await SendAsync(i % 2 == 0 ? "pegel-1.temperature" : "pegel-2.temperature", i, i);
        await Eventually.TrueAsync(async () => (int)(await ReadAsync(id))["failures"]! >= 3, "third failure");
        var failing = await ReadAsync(id);
        Assert.That((string)failing["lastError"]!, Is.EqualTo("HTTP 503"));
        Assert.That((string)failing["lag"]!, Is.Not.EqualTo("PT0S"));
        Assert.That(failing["nextAttemptAt"], Is.Not.Null);
        var attempts = (await ReadAsync(id + "/deliveries?limit=2"))["deliveries"]!.AsArray();
        Assert.That(attempts.Select(attempt => (int)attempt!["status"]!), Is.EqualTo(new[] { 503, 503 }));
        Assert.That(receiver.Deliveries.Take(3).Select(delivery => delivery.Id).Distinct().Count(), Is.EqualTo(1), "each attempt has the id of the delivery");
        Assert.That(receiver.Deliveries.Take(3).Select(delivery => Convert.ToBase64String(delivery.Body)).Distinct().Count(), Is.EqualTo(1));
        receiver.Answer = _ => Task.CompletedTask;
        await TakenAsync(40);
        await Eventually.TrueAsync(async () => (string)(await ReadAsync(id))["lag"]! == "PT0S", "subscription that has caught up");
        Assert.That((int)(await ReadAsync(id))["failures"]!, Is.Zero);
    }

    [Test]
    public async Task Should_go_on_when_another_instance_had_it()
    {
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await TakenAsync(1);
        receiver.Answer = context => { context.Response.StatusCode = 500; return Task.CompletedTask; };
        await SendAsync("pegel-1.temperature", 1, 1);
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Deliveries.Count > 1), "failing delivery");
        // Another instance takes the lease, and dies.
        await using (var steal = (await Service.SharedAsync()).Get<MunicipalDatabases>().Of(town.Id).CreateCommand("UPDATE subscription SET owner = 'somebody else', owned_until = now() + interval '3 s'"))
            await steal.ExecuteNonQueryAsync();
        var before = DateTimeOffset.UtcNow;
        receiver.Answer = _ => Task.CompletedTask;
        await SendAsync("pegel-1.temperature", 2, 2);
        await TakenAsync(3);
        await Eventually.TrueAsync(async () => (string)(await ReadAsync(id))["lag"]! == "PT0S", "place after the last");
        Assert.That(receiver.Taken.Last().At, Is.GreaterThan(before.AddSeconds(2)), "nobody delivers what another one holds");
    }

    [Test]
    public async Task Should_heed_what_the_receiver_asks_for()
    {
        receiver.Answer = context =>
        {
            context.Response.StatusCode = receiver.Deliveries.Count == 1 ? 429 : 410;
            context.Response.Headers.RetryAfter = "2";
            return Task.CompletedTask;
        };
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await Eventually.TrueAsync(async () => (string)(await ReadAsync(id))["state"]! == "ended", "end after 410");
        var deliveries = receiver.Deliveries.ToList();
        Assert.That(deliveries, Has.Count.EqualTo(2));
        Assert.That(deliveries[1].At - deliveries[0].At, Is.GreaterThan(TimeSpan.FromSeconds(1.9)));
        receiver.Answer = _ => Task.CompletedTask;
        await ChangeAsync(id, """{"state":"active"}""");
        await TakenAsync(1);
    }

    [Test]
    public async Task Should_keep_for_later_what_comes_during_a_pause()
    {
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await TakenAsync(1);
        Assert.That((string)(await ChangeAsync(id, """{"state":"paused"}"""))["state"]!, Is.EqualTo("paused"));
        await SendAsync("pegel-1.temperature", 1, 1);
        await town.HasAsync("pegel-1.temperature", 2);
        Assert.That(Ids(), Has.Count.EqualTo(1));
        await ChangeAsync(id, """{"state":"active"}""");
        await TakenAsync(2);
    }

    [Test]
    public async Task Should_never_give_more_than_its_maker_may_see_nor_what_was_closed_meanwhile()
    {
        receiver.Answer = context => { context.Response.StatusCode = 503; return Task.CompletedTask; };
        var (id, _) = await SubscribeAsync(role: Roles.Developer);
        Assert.That((await ReadAsync(id))["access"]!.ToJsonString(), Is.EqualTo("""["open","internal"]"""));
        await SendAsync("geheim.temperature", 0, 1);
        await SendAsync("pegel-1.temperature", 0, 2);
        await Eventually.TrueAsync(() => Task.FromResult(!receiver.Deliveries.IsEmpty), "first attempt");
        await town.RegisterAsync("offen", "offen", "temperature");
        await town.SetAccessAsync("wasser", Access.Personal);
        receiver.Answer = _ => Task.CompletedTask;
        await SendAsync("offen.temperature", 0, 3);
        await TakenAsync(1);
        await Eventually.TrueAsync(async () => (string)(await ReadAsync(id))["lag"]! == "PT0S", "subscription that has caught up");
        Assert.That(receiver.Taken.SelectMany(delivery => delivery.Results), Is.EqualTo(new[] { "offen.temperature=3" }));
    }

    [Test]
    public async Task Should_not_be_turned_to_somebody_with_fewer_rights()
    {
        var (id, _) = await SubscribeAsync();
        Assert.That((await ChangeAsync(id, """{"name":"Neuer Name"}""", Roles.Developer))["access"]!.ToJsonString(), Is.EqualTo("""["open","internal","restricted"]"""));
        Assert.That((await ChangeAsync(id, $$"""{"url":"{{receiver.Url}}2"}""", Roles.Developer))["access"]!.ToJsonString(), Is.EqualTo("""["open","internal"]"""));
    }

    [Test]
    public async Task Should_mark_what_the_log_did_not_keep()
    {
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await TakenAsync(1);
        await Eventually.TrueAsync(async () => (int)(await ReadAsync(id))["delivered"]! == 1, "place after the first");
        await ChangeAsync(id, """{"state":"paused"}""");
        await SendAsync("pegel-1.temperature", 1, 1);
        var kept = await SendAsync("pegel-1.temperature", 2, 2);
        await town.HasAsync("pegel-1.temperature", 3);
        await RedisLog.TrimAsync((await Service.SharedAsync()).Get<RedisConnection>().Commands, $"log:{town.Id}:observations:{kept.Partition}", kept);
        await ChangeAsync(id, """{"state":"active"}""");
        await TakenAsync(2);
        Assert.That(receiver.Taken.SelectMany(delivery => delivery.Results), Is.EqualTo(new[] { "pegel-1.temperature=0", "pegel-1.temperature=2" }));
        var gap = (await ReadAsync(id + "/deliveries"))["deliveries"]!.AsArray().Single(one => (string)one!["kind"]! == "gap")!;
        Assert.That((DateTime)gap["from"]!, Is.LessThan((DateTime)gap["to"]!));
        Assert.That((int)(await ReadAsync(id))["gaps"]!, Is.EqualTo(1));
    }

    [Test]
    public async Task Should_not_wait_for_a_receiver_that_does_not_answer()
    {
        await using var dead = await WebhookReceiver.StartAsync();
        var end = new TaskCompletionSource();
        dead.Answer = context => end.Task.WaitAsync(context.RequestAborted);
        for (var i = 0; i < 10; i++) await SubscribeAsync(url: dead.Url);
        await SubscribeAsync();
        for (var i = 0; i < 20; i++) await SendAsync("pegel-1.temperature", i, i);
        await TakenAsync(20);
        await Eventually.TrueAsync(() => Task.FromResult(!dead.Deliveries.IsEmpty), "request that is not answered");
        Assert.That(dead.Taken, Is.Empty);
        end.SetResult();
    }

    [Test]
    public async Task Should_follow_no_redirect()
    {
        receiver.Answer = context => { context.Response.Redirect("/elsewhere", permanent: false, preserveMethod: true); return Task.CompletedTask; };
        var (id, _) = await SubscribeAsync();
        await SendAsync("pegel-1.temperature", 0, 0);
        await Eventually.TrueAsync(async () => (string?)(await ReadAsync(id))["lastError"] == "HTTP 307; redirects are not followed", "error");
        Assert.That(receiver.Deliveries.Select(delivery => delivery.Path).Distinct(), Is.EqualTo(new[] { "/hook" }));
    }

    [Test]
    public async Task Should_end_with_its_removal()
    {
        var (id, _) = await SubscribeAsync();
        using (var removed = await town.SendAsync(HttpMethod.Delete, $"/{town.Id}/subscriptions/{id}", null, Roles.DataSteward)) Assert.That((int)removed.StatusCode, Is.EqualTo(204));
        using (var again = await town.SendAsync(HttpMethod.Delete, $"/{town.Id}/subscriptions/{id}", null, Roles.Admin)) Assert.That((int)again.StatusCode, Is.EqualTo(404));
        await SubscribeAsync(url: receiver.Url + "/second");
        await SendAsync("pegel-1.temperature", 0, 0);
        await TakenAsync(1);
        Assert.That(receiver.Deliveries.Select(delivery => delivery.Path), Is.EqualTo(new[] { "/hook/second" }));
    }

    [Test]
    public async Task Should_be_for_those_who_may_and_of_their_municipality_alone()
    {
        var (id, _) = await SubscribeAsync();
        foreach (var (role, status) in new[] { (null, 401), (Roles.Analyst, 403), (Roles.Partner, 403), (Roles.DataOwner, 403) })
        {
            using var answer = await town.SendAsync(HttpMethod.Get, $"/{town.Id}/subscriptions", null, role);
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), role);
        }
        var other = await (await Service.SharedAsync()).TownAsync();
        await other.RegisterAsync("pegel-1", "wasser", "temperature");
        foreach (var (method, path) in new[] { (HttpMethod.Get, id), (HttpMethod.Get, id + "/deliveries"), (HttpMethod.Delete, id), (HttpMethod.Patch, id) })
        {
            using var answer = await other.SendAsync(method, $"/{other.Id}/subscriptions/{path}", method == HttpMethod.Patch ? "{}" : null, Roles.Admin);
            Assert.That((int)answer.StatusCode, Is.EqualTo(404), $"{method} {path}");
        }
        await other.AppendAsync("pegel-1", At("pegel-1.temperature", "2026-11-20T10:00:00Z", 66));
        await other.HasAsync("pegel-1.temperature", 1);
        await SendAsync("pegel-1.temperature", 0, 1);
        await TakenAsync(1);
        Assert.That(receiver.Deliveries.SelectMany(delivery => delivery.Results), Is.EqualTo(new[] { "pegel-1.temperature=1" }));
    }
}
