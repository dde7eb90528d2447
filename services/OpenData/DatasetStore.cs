using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.OpenData;

/// <summary>The terms of the datasets, as Catalog announced them.</summary>
sealed class DatasetStore(MunicipalDatabases databases)
{
    /// <summary>Keeps what was announced, unless something newer is known.</summary>
    public async Task PutAsync(string municipality, DatasetChanged dataset, DateTimeOffset asOf, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            INSERT INTO dataset (id, title, access, licence, as_of) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (id) DO UPDATE SET title = excluded.title, access = excluded.access, licence = excluded.licence, as_of = excluded.as_of
            WHERE dataset.as_of <= excluded.as_of
            """);
        command.Parameters.AddRange((NpgsqlParameter[])[
            Text(dataset.Id), Text(dataset.Title), Text(dataset.Access), Text(dataset.Licence), new NpgsqlParameter { Value = asOf.UtcDateTime }]);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Whether a dataset is known to be none of the caller's. One that is not known yet is not: Observations, which is asked anyway, then decides alone.
    /// </summary>
    public async Task<bool> IsHiddenAsync(string municipality, string[] visible, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT 1 FROM dataset WHERE id = $1 AND NOT access = ANY($2)");
        command.Parameters.AddRange((NpgsqlParameter[])[Text(id), Classes(visible)]);
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>Datasets of the classes <paramref name="visible"/>, by title.</summary>
    public async Task<List<DatasetChanged>> ListAsync(string municipality, string[] visible, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT id, title, access, licence FROM dataset WHERE access = ANY($1) ORDER BY title, id");
        command.Parameters.Add(Classes(visible));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var datasets = new List<DatasetChanged>();
        while (await reader.ReadAsync(cancellation))
            datasets.Add(new DatasetChanged(reader.GetString(0), reader.GetString(1), reader.GetString(2), await reader.IsDBNullAsync(3, cancellation) ? null : reader.GetString(3)));
        return datasets;
    }

    static NpgsqlParameter Text(string? text) => new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)text ?? DBNull.Value };

    static NpgsqlParameter Classes(string[] classes) => new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = classes };
}
