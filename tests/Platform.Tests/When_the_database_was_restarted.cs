using System.Net;
using Allmende.Platform.Data;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

/// <summary>A restart or failover leaves dead connections in the pools; whoever reads next should not notice.</summary>
[TestFixture]
sealed class When_the_database_was_restarted
{
    [Test]
    public async Task Should_answer_the_next_reader_over_a_new_connection()
    {
        await using var given = await GivenAsync();
        await given.KillConnectionsAsync();
        using var answer = await given.Service.Client.GetAsync(given.Path("read"));
        Assert.Multiple(async () =>
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("1"));
            Assert.That(given.Service.Log.Lines, Has.Some.Contains("tried once more"));
        });
    }

    [Test]
    public async Task Should_not_do_a_write_twice()
    {
        await using var given = await GivenAsync();
        await given.KillConnectionsAsync();
        using var first = await given.Service.Client.PostAsync(given.Path("write"), null);
        Assert.That(first.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable), "whoever writes decides about trying again");
        using var second = await given.Service.Client.PostAsync(given.Path("write"), null);
        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(given.Writes, Is.EqualTo(3), "one to fill the pool, one that failed, one that succeeded");
    }

    static async Task<Given> GivenAsync()
    {
        var engines = await TestEngines.SharedAsync();
        var municipality = await engines.CreateMunicipalityAsync();
        var identity = await MunicipalitiesStandIn.StartAsync(municipality);
        var given = new Given(engines, municipality, identity);
        await given.StartAsync();
        return given;
    }

    sealed class Given(TestEngines engines, string municipality, MunicipalitiesStandIn identity) : IAsyncDisposable
    {
        public ServiceUnderTest Service { get; private set; } = null!;

        /// <summary>How often the writing handler ran.</summary>
        public int Writes { get; private set; }

        public Uri Path(string name) => new($"/{municipality}/{name}", UriKind.Relative);

        public async Task StartAsync()
        {
            Service = await ServiceUnderTest.StartAsync(PlatformNeeds.Database | PlatformNeeds.Municipalities, new Dictionary<string, string?>
            {
                ["Platform:Postgres"] = engines.ConnectionString("streams"),
                ["Platform:Services:identity"] = identity.Address,
            }, routes: app =>
            {
                app.MapGet("/{municipality}/read", (string municipality, MunicipalDatabases databases) => AskAsync(municipality, databases));
                app.MapPost("/{municipality}/write", (string municipality, MunicipalDatabases databases) => { Writes++; return AskAsync(municipality, databases); });
            });
            await Eventually.TrueAsync(async () => (await Service.Client.PostAsync(Path("write"), null)).IsSuccessStatusCode, "a connection in the pool");
        }

        /// <summary>What a restart does to the connections that wait in the service's pool.</summary>
        public async Task KillConnectionsAsync()
        {
            var own = new NpgsqlConnectionStringBuilder(engines.ConnectionString("streams")) { Database = Contracts.Municipality.DatabaseOf(municipality), Pooling = false };
            await using var connection = new NpgsqlConnection(own.ConnectionString);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", connection);
            Assert.That(await command.ExecuteScalarAsync(), Is.GreaterThan(0L));
        }

        static async Task<IResult> AskAsync(string municipality, MunicipalDatabases databases)
        {
            await using var command = databases.Of(municipality).CreateCommand("SELECT 1");
            return TypedResults.Text($"{await command.ExecuteScalarAsync()}");
        }

        public async ValueTask DisposeAsync()
        {
            await Service.DisposeAsync();
            await identity.DisposeAsync();
        }
    }
}
