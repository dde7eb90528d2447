using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>Devices as SensorThings entities: Thing, Location, Sensor, ObservedProperties, Datastreams, FeatureOfInterest, Actuator, TaskingCapabilities; ids as docs/architecture.md has them.</summary>
public sealed partial class DeviceStore(MunicipalDatabases databases)
{
    const string GeoJson = "application/geo+json";

    /// <summary>
    /// Makes or updates all that belongs to a device. The same event twice changes nothing. What it makes is <c>managed</c>: clients of SensorThings leave its
    /// id and links alone; what they made before under the same id becomes the device's.
    /// </summary>
    /// <returns>What has become of which entity.</returns>
    public async Task<IReadOnlyList<EntityChange>> UpsertAsync(string municipality, DeviceRegistered device, string access, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        access = await AccessOfDatasetAsync(connection, device, access, cancellation);
        var changes = new List<EntityChange>();
        var properties = JsonSerializer.Serialize(
            new Dictionary<string, string?> { ["device"] = device.Id, ["profile"] = device.Profile, ["dataset"] = device.Dataset }, StoreJson.Default.DictionaryStringString);
        var thing = await UpsertAsync(connection, "Things", changes, """
            INSERT INTO thing (id, name, description, properties, dataset, access, managed) VALUES ($1, $2, $3, $4, $5, $6, true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, properties = excluded.properties,
              dataset = excluded.dataset, access = excluded.access, managed = true
            RETURNING key, xmax = 0
            """, cancellation, device.Id, device.Name, device.Description ?? device.ProfileName, new Jsonb(properties), device.Dataset, access);
        var feature = device.Location is { } location ? await UpsertLocationAsync(connection, device, thing, location, access, changes, cancellation) : (long?)null;
        var sensor = await UpsertAsync(connection, "Sensors", changes, """
            INSERT INTO sensor (id, name, description, encoding_type, metadata, managed) VALUES ($1, $2, $2, 'text/html', to_jsonb(''::text), true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, managed = true, dataset = NULL, access = NULL
            RETURNING key, xmax = 0
            """, cancellation, device.Profile, device.ProfileName);
        foreach (var datastream in device.Datastreams.OrderBy(one => one.ObservedProperty, StringComparer.Ordinal)) // all lock in one order
            await UpsertDatastreamAsync(connection, device, datastream, (thing, sensor, feature), access, changes, cancellation);
        await UpsertTasksAsync(connection, device, thing, changes, cancellation);
        await transaction.CommitAsync(cancellation);
        return changes;
    }

    /// <summary>The dataset's access class if Catalog has told it already, else what the municipality gives new datasets.</summary>
    static async Task<string> AccessOfDatasetAsync(NpgsqlConnection connection, DeviceRegistered device, string access, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO dataset (id, title, access) VALUES ($1, $2, $3)
            ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING access
            """, connection);
        Add(command, [device.Dataset, device.DatasetName, access]);
        return (string)(await command.ExecuteScalarAsync(cancellation))!;
    }

    static async Task<long> UpsertLocationAsync(NpgsqlConnection connection, DeviceRegistered device, long thing, JsonElement point, string access, List<EntityChange> changes, CancellationToken cancellation)
    {
        var json = new Jsonb(point.GetRawText());
        // A device that moves keeps where it was: its HistoricalLocations are led over to a copy (OGC 18-088 section 8.2.3).
        await ExecuteAsync(connection, """
            WITH old AS (SELECT l.* FROM location l WHERE l.id = $1 AND l.location <> $2),
            copy AS (
              INSERT INTO location (name, description, encoding_type, location, properties, geom, managed)
              SELECT name, description, encoding_type, location, properties, geom, true FROM old RETURNING key)
            UPDATE historical_location_location h SET location = copy.key FROM copy, old WHERE h.location = old.key
            """, cancellation, device.Id, json);
        var location = await UpsertAsync(connection, "Locations", changes, """
            INSERT INTO location (id, name, description, encoding_type, location, geom, managed)
            VALUES ($1, $2, $2, $3, $4, ST_SetSRID(ST_GeomFromGeoJSON($4::text), 4326), true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, location = excluded.location, geom = excluded.geom,
              managed = true, dataset = NULL, access = NULL
            RETURNING key, xmax = 0
            """, cancellation, device.Id, device.Name, GeoJson, json);
        await ExecuteAsync(connection, "INSERT INTO thing_location (thing, location) VALUES ($1, $2) ON CONFLICT DO NOTHING", cancellation, thing, location);
        await using (var command = new NpgsqlCommand("""
            WITH missing AS (SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM historical_location_location WHERE location = $2)),
            made AS (INSERT INTO historical_location (thing, time, managed) SELECT $1, now(), true FROM missing RETURNING key, id),
            linked AS (INSERT INTO historical_location_location (historical_location, location) SELECT key, $2 FROM made)
            SELECT id FROM made
            """, connection))
        {
            Add(command, [thing, location]);
            if (await command.ExecuteScalarAsync(cancellation) is string made) changes.Add(new EntityChange("HistoricalLocations", made, EntityChange.Created));
        }
        return await UpsertAsync(connection, "FeaturesOfInterest", changes, """
            INSERT INTO feature (id, name, description, encoding_type, feature, geom, access, managed)
            VALUES ($1, $2, $2, $3, $4, ST_SetSRID(ST_GeomFromGeoJSON($4::text), 4326), $5, true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, feature = excluded.feature, geom = excluded.geom,
              access = excluded.access, managed = true, dataset = NULL
            RETURNING key, xmax = 0
            """, cancellation, device.Id, device.Name, GeoJson, json, access);
    }

    static async Task UpsertDatastreamAsync(
        NpgsqlConnection connection, DeviceRegistered device, DeviceDatastream datastream, (long Thing, long Sensor, long? Feature) of, string access,
        List<EntityChange> changes, CancellationToken cancellation)
    {
        var property = await UpsertAsync(connection, "ObservedProperties", changes, """
            INSERT INTO observed_property (id, name, definition, description, properties, managed) VALUES ($1, $2, $3, $2, $4, true)
            ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING key, xmax = 0
            """, cancellation, datastream.ObservedProperty, datastream.Name, "urn:allmende:observed-property:" + datastream.ObservedProperty, Properties(NameEn(datastream)));
        var unit = datastream.Unit is { Length: > 0 } code
            ? JsonSerializer.Serialize(new Dictionary<string, string?> { ["name"] = code, ["symbol"] = code, ["definition"] = "http://unitsofmeasure.org/ucum.html#" + code }, StoreJson.Default.DictionaryStringString)
            : """{"name":null,"symbol":null,"definition":null}""";
        var properties = new Dictionary<string, object?> { ["dataset"] = device.Dataset, ["field"] = datastream.Field };
        if (device.ExpectedInterval is { } interval) properties["expectedInterval"] = interval;
        foreach (var (key, value) in NameEn(datastream)) properties[key] = value;
        var type = "http://www.opengis.net/def/observationType/OGC-OM/2.0/" + (datastream.Unit is null ? "OM_Observation" : "OM_Measurement");
        await UpsertAsync(connection, "Datastreams", changes, """
            INSERT INTO datastream (id, name, description, observation_type, unit, properties, range, thing, sensor, observed_property, feature, dataset, access, managed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, true)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, observation_type = excluded.observation_type, unit = excluded.unit,
              properties = excluded.properties, range = excluded.range, thing = excluded.thing, sensor = excluded.sensor, observed_property = excluded.observed_property,
              feature = excluded.feature, dataset = excluded.dataset, access = excluded.access, managed = true
            RETURNING key, xmax = 0
            """, cancellation, datastream.Id, datastream.Name, $"{datastream.Name}, {device.Name}", type, new Jsonb(unit),
            Properties(properties), (object?)datastream.Range ?? DBNull.Value,
            of.Thing, of.Sensor, property, (object?)of.Feature ?? DBNull.Value, device.Dataset, access);
    }

    static Dictionary<string, object?> NameEn(DeviceDatastream datastream) => datastream.NameEn is { Length: > 0 } name ? new() { ["nameEn"] = name } : [];

    static Jsonb Properties(Dictionary<string, object?> properties) => new(JsonSerializer.Serialize(properties, StoreJson.Default.DictionaryStringObject));

    /// <summary>Takes a device's entities away; its observations go with them.</summary>
    /// <returns>What is gone.</returns>
    public async Task<IReadOnlyList<EntityChange>> RemoveAsync(string municipality, string device, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var datastreams = new List<long>();
        await using (var keys = new NpgsqlCommand("SELECT d.key FROM datastream d JOIN thing t ON t.key = d.thing WHERE t.id = $1", connection))
        {
            Add(keys, [device]);
            await using var reader = await keys.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation)) datastreams.Add(reader.GetInt64(0));
        }
        await ObservationStore.DeleteAllAsync(connection, [.. datastreams], cancellation);
        var gone = new List<EntityChange>();
        foreach (var (set, sql) in new[]
        {
            ("Datastreams", "DELETE FROM datastream WHERE thing IN (SELECT key FROM thing WHERE id = $1) RETURNING id"),
            // Its downlinks go with the device; there is nothing to cancel.
            ("Tasks", "DELETE FROM task WHERE capability IN (SELECT c.key FROM tasking_capability c JOIN thing t ON t.key = c.thing WHERE t.id = $1) RETURNING id"),
            ("TaskingCapabilities", "DELETE FROM tasking_capability WHERE thing IN (SELECT key FROM thing WHERE id = $1) RETURNING id"),
            ("Locations", "DELETE FROM location WHERE key IN (SELECT tl.location FROM thing_location tl JOIN thing t ON t.key = tl.thing WHERE t.id = $1) AND id = $1 RETURNING id"),
            ("Things", "DELETE FROM thing WHERE id = $1 RETURNING id"),
            ("FeaturesOfInterest", "DELETE FROM feature WHERE id = $1 AND managed RETURNING id"),
        })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            Add(command, [device]);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation)) gone.Add(new EntityChange(set, reader.GetString(0), EntityChange.Deleted));
        }
        await transaction.CommitAsync(cancellation);
        return gone;
    }

    /// <summary>A dataset's terms have changed: from now on they hold for all its data.</summary>
    public async Task SetDatasetAsync(string municipality, DatasetChanged dataset, CancellationToken cancellation)
    {
        await using var connection = await databases.Of(municipality).OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, """
            INSERT INTO dataset (id, title, access, licence, raw_days, aggregate_days) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (id) DO UPDATE SET title = excluded.title, access = excluded.access, licence = excluded.licence,
              raw_days = excluded.raw_days, aggregate_days = excluded.aggregate_days, needed = false
            """, cancellation, dataset.Id, dataset.Title, dataset.Access, (object?)dataset.Licence ?? DBNull.Value,
            (object?)dataset.Retention?.RawDays ?? DBNull.Value, (object?)dataset.Retention?.AggregateDays ?? DBNull.Value);
        await ExecuteAsync(connection, "UPDATE thing SET access = $2 WHERE dataset = $1 AND access <> $2", cancellation, dataset.Id, dataset.Access);
        await ExecuteAsync(connection, "UPDATE datastream SET access = $2 WHERE dataset = $1 AND access <> $2", cancellation, dataset.Id, dataset.Access);
        await ExecuteAsync(connection, "UPDATE feature f SET access = $2 FROM datastream d WHERE d.feature = f.key AND f.dataset IS NULL AND d.dataset = $1 AND f.access <> $2", cancellation, dataset.Id, dataset.Access);
        foreach (var table in new[] { "feature", "location", "sensor", "observed_property", "actuator" })
            await ExecuteAsync(connection, $"UPDATE {table} SET access = $2 WHERE dataset = $1 AND access <> $2", cancellation, dataset.Id, dataset.Access);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>True if the Thing is there; for Ingestion, which waits for it.</summary>
    public async Task<bool> ThingExistsAsync(string municipality, string id, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("SELECT 1 FROM thing WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    readonly record struct Jsonb(string Text);

    /// <param name="connection">Within the transaction.</param>
    /// <param name="set">The entity's set.</param>
    /// <param name="changes">Learns whether it was made or changed.</param>
    /// <param name="sql">Returns the key, and whether the row is new.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="values">Parameters; the first is the id.</param>
    static async Task<long> UpsertAsync(
        NpgsqlConnection connection, string set, List<EntityChange> changes, string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        Add(command, values);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        changes.Add(new EntityChange(set, (string)values[0], reader.GetBoolean(1) ? EntityChange.Created : EntityChange.Updated));
        return reader.GetInt64(0);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        Add(command, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static void Add(NpgsqlCommand command, object[] values)
    {
        foreach (var value in values)
            command.Parameters.Add(value is Jsonb json ? new NpgsqlParameter { Value = json.Text, NpgsqlDbType = NpgsqlDbType.Jsonb } : new NpgsqlParameter { Value = value });
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string?>))]
[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, object?>))]
[System.Text.Json.Serialization.JsonSerializable(typeof(int))]
sealed partial class StoreJson : System.Text.Json.Serialization.JsonSerializerContext;
