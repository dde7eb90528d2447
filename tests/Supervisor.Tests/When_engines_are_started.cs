using Allmende.Supervisor.Engines;
using Allmende.Testing;
using Npgsql;
using NUnit.Framework;

namespace Allmende.Supervisor.Tests;

[TestFixture]
public class When_engines_are_started
{
    [Test]
    public async Task Should_give_a_municipality_a_database_with_PostGIS_and_a_schema_per_service()
    {
        var engines = await TestEngines.SharedAsync();
        var municipality = await engines.CreateMunicipalityAsync();

        await using var connection = new NpgsqlConnection(engines.ConnectionString("streams") + $";Database=m_{municipality}");
        await connection.OpenAsync();
        await using var own = new NpgsqlCommand("CREATE TABLE streams.places (at geography); SELECT ST_AsText(ST_MakePoint(8.38, 51.9))", connection);
        Assert.That(await own.ExecuteScalarAsync(), Is.EqualTo("POINT(8.38 51.9)"));
        await using var foreign = new NpgsqlCommand("CREATE TABLE catalog.places ()", connection);
        Assert.That(foreign.ExecuteNonQueryAsync, Throws.InstanceOf<PostgresException>().With.Property("SqlState").EqualTo(PostgresErrorCodes.InsufficientPrivilege));
    }

    [Test]
    public async Task Should_be_durable()
    {
        var engines = await TestEngines.SharedAsync();
        foreach (var setting in new[] { "fsync", "synchronous_commit", "full_page_writes" })
            Assert.That((await engines.Postgres.Server.QueryAsync("postgres", $"SELECT current_setting('{setting}')")).Single(), Is.EqualTo("on"), setting);
    }

    [Test]
    public async Task Should_prepare_twice_without_harm()
    {
        var engines = await TestEngines.SharedAsync();
        var before = await engines.Postgres.Server.QueryAsync("postgres", "SELECT datname::text FROM pg_database WHERE datistemplate ORDER BY 1");
        await Databases.PrepareAsync(engines.Postgres.Server, Databases.Services.ToDictionary(s => s, engines.Password));
        Assert.That(
            await engines.Postgres.Server.QueryAsync("postgres", "SELECT datname::text FROM pg_database WHERE datistemplate ORDER BY 1"),
            Is.EqualTo(before).And.Contain(Databases.Template));
    }

    [Test]
    public async Task Should_keep_committed_rows_when_killed()
    {
        await using var engines = await TestEngines.StartAsync(redis: false);
        var municipality = await engines.CreateMunicipalityAsync();
        var server = engines.Postgres.Server;
        await server.ExecuteAsync($"m_{municipality}", "CREATE TABLE kept (n text); INSERT INTO kept VALUES ('row')");

        await engines.Postgres.Process.KillAsync();
        await engines.Postgres.Process.WhenReadyAsync();

        Assert.That(await server.QueryAsync($"m_{municipality}", "SELECT n FROM kept"), Is.EqualTo(new[] { "row" }));
        Assert.That(engines.Postgres.Process.Deaths, Is.EqualTo(1));
    }
}
