using Npgsql;

namespace Allmende.Observations.SensorThings.Writes;

/// <summary>What a write needs to know of an entity that is there, locked until the transaction ends.</summary>
/// <param name="Key">Internal key.</param>
/// <param name="Id">Its id.</param>
/// <param name="Managed">It belongs to a registered device.</param>
/// <param name="Dataset">Its dataset, where it has one of its own.</param>
/// <param name="Access">That dataset's access class.</param>
sealed record EntityRow(long Key, EntityId Id, bool Managed, string? Dataset, string? Access)
{
    /// <summary>Columns of <paramref name="row"/> that <see cref="Read"/> reads, the first of a statement.</summary>
    public static string Columns(EntitySet set, string row) =>
        $"{row}.key, {row}.id, {row}.quoted, {row}.managed, {(set.HasDataset ? $"{row}.dataset, {row}.access" : "NULL::text, NULL::text")}";

    public static EntityRow Read(NpgsqlDataReader reader) => new(reader.GetInt64(0), new(reader.GetString(1), reader.GetBoolean(2)), reader.GetBoolean(3),
        reader.IsDBNull(4) ? null : reader.GetString(4), reader.IsDBNull(5) ? null : reader.GetString(5));

    /// <summary>The entity of that id, if the caller may see it; kept from deletion until the transaction ends.</summary>
    public static async Task<EntityRow?> FindAsync(WriteSession session, EntitySet set, string id, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"SELECT {Columns(set, "r")} FROM {set.Table} r WHERE r.id = {parameters.Add(id)} AND {Model.Format(set.Visible, "r")} FOR KEY SHARE OF r";
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? Read(reader) : null;
        }
    }

    /// <summary>The entity that a path leads to, if the caller may see all on the way; locked against other writers.</summary>
    public static async Task<EntityRow?> FindAsync(WriteSession session, ResourcePath path, CancellationToken cancellation)
    {
        var (command, parameters) = session.Command();
        await using (command)
        {
            command.CommandText = $"SELECT {Columns(path.Set, "r")} FROM {path.Table} r WHERE {path.Condition("r", parameters)} FOR UPDATE OF r";
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? Read(reader) : null;
        }
    }

    /// <summary>Refuses what the device registry alone may do.</summary>
    public void RequireUnmanaged(EntitySet set, string what)
    {
        if (Managed) throw new SensorThingsException(409, $"{set.Name}({Ids.InPath(Id.Text, Id.Quoted)}) belongs to a registered device: {what} at its own door (/devices), not here");
    }
}
