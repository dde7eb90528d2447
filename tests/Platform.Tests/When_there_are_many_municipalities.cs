using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Testing;
using Npgsql;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_there_are_many_municipalities
{
    const int Municipalities = 30, Kept = 4;

    /// <summary>What a loop over all municipalities does: it asks each database for something, and comes back much later.</summary>
    [Test]
    public async Task Should_keep_connections_to_the_last_few_alone()
    {
        await using var engines = await TestEngines.StartAsync(redis: false);
        await using var databases = new MunicipalDatabases(engines.ConnectionString("streams"), "streams", mostKept: Kept);
        var all = new List<string>();
        for (var n = 0; n < Municipalities; n++) all.Add(await engines.CreateMunicipalityAsync());

        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (municipality, cancellation) => await AskAsync(databases, municipality));

        // Long before they would have been closed for their age.
        await Eventually.TrueAsync(async () => await OpenAsync(engines) <= Kept, "few connections", TimeSpan.FromSeconds(5));
        Assert.That(await OpenAsync(engines), Is.EqualTo(Kept), "those that were used last");
        foreach (var municipality in all) await AskAsync(databases, municipality);
    }

    [Test]
    public async Task Should_leave_alone_what_is_in_use()
    {
        await using var engines = await TestEngines.StartAsync(redis: false);
        await using var databases = new MunicipalDatabases(engines.ConnectionString("streams"), "streams", mostKept: 0);
        var municipality = await engines.CreateMunicipalityAsync();
        await using var connection = await databases.Of(municipality).OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        await using (var command = new NpgsqlCommand("SELECT 1", connection, transaction)) Assert.That(await command.ExecuteScalarAsync(), Is.EqualTo(1));
        await transaction.CommitAsync();
        await connection.DisposeAsync();
        await Eventually.TrueAsync(async () => await OpenAsync(engines) == 0, "closed when given back", TimeSpan.FromSeconds(5));
    }

    static async Task AskAsync(MunicipalDatabases databases, string municipality)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT current_database()");
        Assert.That(await command.ExecuteScalarAsync(), Is.EqualTo(Municipality.DatabaseOf(municipality)));
    }

    static async Task<int> OpenAsync(TestEngines engines) =>
        (await engines.Postgres.Server.QueryAsync("postgres", "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'allmende-streams'")).Count;
}
