using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Catalog;

/// <summary>Datasets and the Things in them. Access classes are a parameter of every query by which somebody from outside reads.</summary>
sealed class DatasetStore(MunicipalDatabases databases)
{
    const string Columns = "id, title, description, keywords, access, licence, things, properties, profiles, bbox, issued, modified, revision, raw_days, aggregate_days";

    // What the Things of a dataset say together. Changes modified only if they say something else than before.
    const string Summarise = """
        WITH own AS (SELECT * FROM thing WHERE dataset = $1 AND NOT removed),
        property AS (
          SELECT p->>'id' AS id, min(p->>'name') AS name, min(p->>'unit') AS unit, count(*) AS things
          FROM own, jsonb_array_elements(own.properties) p GROUP BY p->>'id'),
        said AS (
          SELECT (SELECT count(*)::integer FROM own) AS things,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'unit', unit) ORDER BY things DESC, id), '[]') FROM property) AS properties,
            (SELECT coalesce(array_agg(DISTINCT profile ORDER BY profile), '{}') FROM own) AS profiles,
            (SELECT CASE WHEN count(longitude) > 0 THEN ARRAY[min(longitude), min(latitude), max(longitude), max(latitude)] END FROM own) AS bbox)
        UPDATE dataset SET things = said.things, properties = said.properties, profiles = said.profiles, bbox = said.bbox, modified = now()
        FROM said WHERE dataset.id = $1
          AND (dataset.things, dataset.properties, dataset.profiles, dataset.bbox) IS DISTINCT FROM (said.things, said.properties, said.profiles, said.bbox)
        """;

    /// <summary>Takes in what is known of a device; makes its dataset if there is none.</summary>
    /// <returns>True if a dataset was made.</returns>
    public async Task<bool> PutThingAsync(Municipality municipality, DeviceRegistered device, DateTimeOffset asOf, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality.Id).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var made = await MakeAsync(connection, municipality, device.Dataset, device.DatasetName, "DO NOTHING", cancellation) > 0;
        var before = await DatasetOfAsync(connection, device.Id, cancellation);
        var (longitude, latitude) = Coordinates(device.Location);
        var written = await ExecuteAsync(connection, """
            INSERT INTO thing (id, dataset, profile, longitude, latitude, properties, as_of) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)
            ON CONFLICT (id) DO UPDATE SET dataset = excluded.dataset, profile = excluded.profile, longitude = excluded.longitude, latitude = excluded.latitude,
              properties = excluded.properties, as_of = excluded.as_of, removed = false
            WHERE thing.as_of <= excluded.as_of
            """, cancellation, device.Id, device.Dataset, PlainText.Of(device.ProfileName), longitude, latitude, PropertiesOf(device), asOf.UtcDateTime);
        if (written > 0) await SummariseAsync(connection, [before, device.Dataset], cancellation);
        await transaction.CommitAsync(cancellation);
        return made;
    }

    /// <summary>Makes a dataset if there is none of that id. One that is there is announced again: whoever needs it does not know its terms.</summary>
    public async Task PutAsync(Municipality municipality, DatasetNeeded dataset, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality.Id).OpenConnectionAsync(cancellation);
        await MakeAsync(connection, municipality, dataset.Id, dataset.Title, "(id) DO UPDATE SET announced = dataset.revision - 1", cancellation);
    }

    static Task<int> MakeAsync(NpgsqlConnection connection, Municipality municipality, string id, string title, string onConflict, CancellationToken cancellation)
    {
        title = PlainText.Of(title);
        return ExecuteAsync(connection, $"INSERT INTO dataset (id, title, access, licence) VALUES ($1, $2, $3, $4) ON CONFLICT {onConflict}", cancellation,
            id, title.Length > 0 ? title : id, municipality.DefaultAccess, municipality.DefaultAccess == Access.Open ? Dataset.DefaultLicence : null);
    }

    /// <summary>A device is gone; its dataset stays, since its data does. Remembered, so that an older event cannot bring it back.</summary>
    public async Task RemoveThingAsync(Municipality municipality, string thing, DateTimeOffset asOf, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality.Id).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var dataset = await DatasetOfAsync(connection, thing, cancellation);
        if (dataset is null) return;
        if (await ExecuteAsync(connection, "UPDATE thing SET removed = true, as_of = $2 WHERE id = $1 AND as_of <= $2", cancellation, thing, asOf.UtcDateTime) > 0)
            await SummariseAsync(connection, [dataset], cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Datasets of the classes <paramref name="visible"/> by id, after <paramref name="after"/>.</summary>
    public async Task<List<Dataset>> ListAsync(string municipality, string[] visible, string? after, int limit, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM dataset WHERE access = ANY($1) AND id > $2 ORDER BY id LIMIT $3");
        Add(command, [visible, after ?? "", limit]);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var datasets = new List<Dataset>();
        while (await reader.ReadAsync(cancellation)) datasets.Add(Read(reader));
        return datasets;
    }

    /// <summary>The dataset, or null if there is none of that id and of the classes <paramref name="visible"/>.</summary>
    public async Task<Dataset?> FindAsync(string municipality, string[] visible, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand($"SELECT {Columns} FROM dataset WHERE access = ANY($1) AND id = $2");
        Add(command, [visible, id]);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader) : null;
    }

    /// <summary>Changes a dataset that <paramref name="allowed"/> accepts as it is now; nobody comes in between.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="visible">Access classes that the caller sees.</param>
    /// <param name="id">Which.</param>
    /// <param name="patch">What is to change.</param>
    /// <param name="allowed">Given the dataset as it is and as it would be, says whether to go on.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The dataset as it is now; null if there is none or it was not allowed.</returns>
    public async Task<Dataset?> ChangeAsync(string municipality, string[] visible, string id, DatasetPatch patch, Func<Dataset, Dataset, bool> allowed, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await LockAsync(connection, visible, id, cancellation) is not { } dataset) return null;
        var wanted = dataset with
        {
            Title = patch.Title ?? dataset.Title,
            WrittenDescription = patch.SetsDescription ? patch.Description : dataset.WrittenDescription,
            WrittenKeywords = patch.SetsKeywords ? patch.Keywords : dataset.WrittenKeywords,
            Access = patch.Access ?? dataset.Access,
            Licence = patch.SetsLicence ? patch.Licence : dataset.Licence,
            Retention = patch.SetsRetention ? patch.Retention : dataset.Retention,
        };
        if (!allowed(dataset, wanted)) return null;
        if (wanted == dataset) return dataset;
        await using var command = new NpgsqlCommand($"""
            UPDATE dataset SET title = $2, description = $3, keywords = $4, access = $5, licence = $6, raw_days = $7, aggregate_days = $8, modified = now(), revision = revision + 1
            WHERE id = $1 RETURNING {Columns}
            """, connection);
        Add(command, [id, wanted.Title, wanted.WrittenDescription, wanted.WrittenKeywords, wanted.Access, wanted.Licence, wanted.Retention?.RawDays, wanted.Retention?.AggregateDays]);
        Dataset changed;
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            await reader.ReadAsync(cancellation);
            changed = Read(reader);
        }
        await transaction.CommitAsync(cancellation);
        return changed;
    }

    /// <summary>
    /// Hands datasets whose terms have changed, <paramref name="most"/> at once, to <paramref name="announce"/>, and notes that it was told. One instance at a time does it for
    /// a municipality, so that an older state is never told after a newer one. What fails is due again: row and event do not part.
    /// </summary>
    /// <returns>How many were told.</returns>
    public async Task<int> AnnounceAsync(string municipality, int most, Func<DatasetChanged, Task> announce, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(hashtext('catalog announce'))", cancellation);
        var due = new List<(DatasetChanged Terms, long Revision)>();
        await using (var command = new NpgsqlCommand("SELECT id, title, access, licence, revision, raw_days, aggregate_days FROM dataset WHERE announced < revision ORDER BY id LIMIT $1", connection) { Parameters = { new() { Value = most } } })
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation))
                due.Add((new DatasetChanged(reader.GetString(0), reader.GetString(1), reader.GetString(2), await TextAsync(reader, 3, cancellation), RetentionOf(reader, 5)), reader.GetInt64(4)));
        foreach (var (terms, revision) in due)
        {
            await announce(terms);
            await ExecuteAsync(connection, "UPDATE dataset SET announced = $2 WHERE id = $1", cancellation, terms.Id, revision);
        }
        await transaction.CommitAsync(cancellation);
        return due.Count;
    }

    static async Task<Dataset?> LockAsync(NpgsqlConnection connection, string[] visible, string id, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM dataset WHERE access = ANY($1) AND id = $2 FOR UPDATE", connection);
        Add(command, [visible, id]);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader) : null;
    }

    /// <summary>In the order of their ids, so that two devices that change places cannot wait for each other.</summary>
    static async Task SummariseAsync(NpgsqlConnection connection, IEnumerable<string?> datasets, CancellationToken cancellation)
    {
        foreach (var dataset in datasets.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList())
        {
            await ExecuteAsync(connection, "SELECT 1 FROM dataset WHERE id = $1 FOR UPDATE", cancellation, dataset);
            await ExecuteAsync(connection, Summarise, cancellation, dataset);
        }
    }

    static async Task<string?> DatasetOfAsync(NpgsqlConnection connection, string thing, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT dataset FROM thing WHERE id = $1 FOR UPDATE", connection);
        Add(command, [thing]);
        return (string?)await command.ExecuteScalarAsync(cancellation);
    }

    static Dataset Read(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetString(1), Nullable<string>(reader, 2), Nullable<string[]>(reader, 3), reader.GetString(4), Nullable<string>(reader, 5), reader.GetInt32(6),
        JsonSerializer.Deserialize(reader.GetString(7), CatalogJson.Default.ObservedPropertyArray)!, reader.GetFieldValue<string[]>(8), Nullable<double[]>(reader, 9),
        reader.GetDateTime(10), reader.GetDateTime(11), RetentionOf(reader, 13), reader.GetInt64(12));

    static Retention? RetentionOf(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) && reader.IsDBNull(column + 1)
        ? null
        : new Retention(reader.IsDBNull(column) ? null : reader.GetInt32(column), reader.IsDBNull(column + 1) ? null : reader.GetInt32(column + 1));

    static T? Nullable<T>(NpgsqlDataReader reader, int column) where T : class => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    static async Task<string?> TextAsync(NpgsqlDataReader reader, int column, CancellationToken cancellation) =>
        await reader.IsDBNullAsync(column, cancellation) ? null : reader.GetString(column);

    static string PropertiesOf(DeviceRegistered device) => JsonSerializer.Serialize(
        [.. device.Datastreams.DistinctBy(datastream => datastream.ObservedProperty).Select(datastream => new ObservedProperty(PlainText.Of(datastream.ObservedProperty), PlainText.Of(datastream.Name), datastream.Unit is { } unit ? PlainText.Of(unit) : null))],
        CatalogJson.Default.ObservedPropertyArray);

    static (double? Longitude, double? Latitude) Coordinates(JsonElement? location) =>
        location is { ValueKind: JsonValueKind.Object } point && point.TryGetProperty("coordinates", out var coordinates)
        && coordinates.ValueKind == JsonValueKind.Array && coordinates.GetArrayLength() >= 2
        && coordinates[0].ValueKind == JsonValueKind.Number && coordinates[1].ValueKind == JsonValueKind.Number
            ? (coordinates[0].GetDouble(), coordinates[1].GetDouble())
            : (null, null);

    static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        Add(command, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    static void Add(NpgsqlCommand command, object?[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(value switch
            {
                string[] texts => new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = texts },
                string text => new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = text },
                null => new NpgsqlParameter { Value = DBNull.Value },
                _ => new NpgsqlParameter { Value = value },
            });
    }
}
