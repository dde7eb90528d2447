using System.Net;
using System.Text.Json.Nodes;
using Allmende.Platform.Data;
using Allmende.Testing;
using Npgsql;

namespace Allmende.Observations.Tests;

/// <summary>A query that hangs, here on a lock, is ended in the database too: by its client who goes away, or by the time that it may take.</summary>
[TestFixture]
public sealed class When_a_query_takes_too_long
{
    Service service = null!;
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        service = await Service.SharedAsync();
        town = await service.TownAsync();
        await town.RegisterAsync("langsam", "langsam", "a");
    }

    async Task<NpgsqlTransaction> LockAsync()
    {
        var connection = await service.Get<MunicipalDatabases>().Of(town.Id).OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("LOCK TABLE sensor IN ACCESS EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return transaction;
    }

    async Task<bool> RunsAsync()
    {
        await using var command = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%FROM sensor r%'");
        return (long)(await command.ExecuteScalarAsync())! > 0;
    }

    [Test]
    public async Task Should_stop_in_the_database_when_its_client_goes_away()
    {
        await using var held = await LockAsync();
        using var gone = new CancellationTokenSource();
        var asked = town.Client.GetAsync(town.Url("Sensors"), gone.Token);
        await Eventually.TrueAsync(RunsAsync, "query that waits in the database");
        await gone.CancelAsync();
        Assert.That(async () => await asked, Throws.InstanceOf<OperationCanceledException>());
        await Eventually.TrueAsync(async () => !await RunsAsync(), "query cancelled in the database");
        await held.RollbackAsync();
        Assert.That((await town.GetAsync("Sensors"))["value"]!.AsArray(), Has.Count.EqualTo(1), "and others go on");
    }

    [Test]
    public async Task Should_be_told_in_the_standards_words_when_its_time_is_over()
    {
        await service.WithAsync("Observations:LongestRead", "00:00:01", async client =>
        {
            await Eventually.TrueAsync(async () => (await client.GetAsync(town.Url("Things"))).IsSuccessStatusCode, "municipality in the other process");
            await using var held = await LockAsync();
            using var answer = await client.GetAsync(town.Url("Sensors"));
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            var fault = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            Assert.That((int)fault["code"]!, Is.EqualTo(503));
            Assert.That((string)fault["message"]!, Does.Contain("takes too long"));
            await Eventually.TrueAsync(async () => !await RunsAsync(), "query cancelled in the database");
        });
    }
}
