using Allmende.Contracts;
using Allmende.Observations.Store;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Tests;

/// <summary>What is packed comes out bit by bit, whatever it is.</summary>
[TestFixture]
public sealed class When_any_numbers_are_packed
{
    static readonly DateTime Month = new DateTime(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(-4);

    /// <summary>Series of every kind: how times go on, what the numbers are like, what stands beside them.</summary>
    static Gen<Observation[]> Series() =>
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from count in Gen.Frequency((1, Gen.Choose(1, 20)), (3, Gen.Choose(20, 400)), (1, Gen.Choose(1_400, 3_200)))
        from clock in Gen.Choose(0, 5)
        from numbers in Gen.Choose(0, 8)
        from beside in Gen.Choose(0, 4)
        select Make(new Random(seed), count, clock, numbers, beside);

    static Observation[] Make(Random random, int count, int clock, int numbers, int beside)
    {
        var observations = new Observation[count];
        var (time, value) = (Observation.Micros(Month), 20.0);
        for (var i = 0; i < count; i++)
        {
            time += clock switch
            {
                0 => 600_000_000,
                1 => 600_000_000 + random.Next(-1_000, 1_000) * 1_000L,
                2 => 300_000_000 + random.Next(-3_000_000, 3_000_000),
                3 => random.Next(1, 5),
                4 => random.Next(20) == 0 ? 40_000_000_000 : 60_000_000,
                _ => 1 + (long)(random.NextDouble() * 700_000_000),
            };
            value = numbers switch
            {
                0 => Math.Round(value + random.Next(-9, 10) / 10.0, 1),
                1 => random.Next(-1_000_000, 1_000_000) / 1_000.0,
                2 => (float)(random.NextDouble() * 100),
                3 => random.NextDouble() * Math.Pow(10, random.Next(-300, 300)),
                4 => random.NextInt64() / 3,
                5 => value + random.Next(0, 3),
                6 => new[] { 0.0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue, 0.1 + 0.2 }[random.Next(8)],
                7 => i % 50 == 0 ? 1e15 : i,
                _ => random.Next(2),
            };
            observations[i] = new Observation("", time, value, numbers == 8 && random.Next(4) > 0 ? (random.Next(2) == 0 ? "true" : "false") : null,
                beside == 1 && random.Next(10) == 0 ? Quality.Warned : Quality.Good,
                ResultTime: beside switch { 2 => time, 3 => time + random.NextInt64(-5_000_000_000, 5_000_000_000), _ => null },
                Extra: beside == 4 && random.Next(30) == 0 ? "{\"feature\":7}" : null);
        }
        return observations;
    }

    [Test]
    public async Task Should_come_out_as_they_went_in()
    {
        var service = await Service.SharedAsync();
        var town = await service.TownAsync();
        var (store, compaction, database) = (service.Get<ObservationStore>(), service.Get<Compaction>(), service.Get<MunicipalDatabases>().Of(town.Id));
        var (key, packed) = (0L, 0L);
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(40), Prop.ForAll(Series().ToArbitrary(), series => StoresAndReads(series).GetAwaiter().GetResult()));
        Assert.That(packed, Is.GreaterThan(5_000), "most of it was packed");

        async Task<bool> StoresAndReads(Observation[] series)
        {
            key++;
            var rows = new ObservationRows(series.Length);
            foreach (var observation in series) rows.Add(key, observation);
            await store.StoreAsync(town.Id, rows, new LogPosition(0, key, 0), default);
            packed += await compaction.CompactAsync(town.Id, default);
            return (await ReadAsync(database, key)).SequenceEqual(series.Select(Key));
        }
    }

    static string Key(Observation observation) => string.Join('|', observation.PhenomenonTime, observation.Json is null ? BitConverter.DoubleToInt64Bits(observation.Value) : null,
        observation.Json, observation.ResultTime, observation.Extra is null ? null : 7, (short)observation.Quality);

    static async Task<List<string>> ReadAsync(NpgsqlDataSource database, long key)
    {
        await using var command = database.CreateCommand("SELECT time, value, json::text, result_time, feature, quality FROM observation WHERE datastream = $1 ORDER BY time");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = key, NpgsqlDbType = NpgsqlDbType.Bigint });
        var read = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            read.Add(string.Join('|', Observation.Micros(reader.GetDateTime(0)), reader.IsDBNull(1) ? null : BitConverter.DoubleToInt64Bits(reader.GetDouble(1)), reader.IsDBNull(2) ? null : reader.GetString(2),
                reader.IsDBNull(3) ? null : Observation.Micros(reader.GetDateTime(3)), reader.IsDBNull(4) ? null : reader.GetInt64(4), reader.GetInt16(5)));
        return read;
    }
}
