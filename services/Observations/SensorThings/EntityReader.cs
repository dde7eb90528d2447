using System.IO.Pipelines;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// Reads what a path and its options ask for, level by level: the rows of a level are one statement, all expansions of a depth one round trip. Rows are
/// written as JSON when they are read; the answer is put together from those pieces.
/// </summary>
sealed class EntityReader(NpgsqlDataSource database, string[] access, string root) : IDisposable
{
    readonly List<Level> levels = [];
    long? count;

    /// <summary>Reads all that the answer needs.</summary>
    /// <exception cref="SensorThingsException">404 if the path leads nowhere.</exception>
    public async Task ReadAsync(ResourcePath path, QueryOptions options, CancellationToken cancellation)
    {
        var top = Plan(path.Set, options, null);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var atOnce = AtOnce(path, top);
        await using (var batch = new NpgsqlBatch(connection))
        {
            AddRoot(batch, path, top);
            foreach (var level in atOnce) AddChildren(batch, level, parameters => "ARRAY(" + LinksOf(level, path, parameters) + ")");
            var counts = options.Count && !path.IsSingle;
            if (counts) AddCount(batch, path, options);
            await using var reader = await batch.ExecuteReaderAsync(cancellation);
            await top.ReadAsync(reader, root, cancellation);
            await reader.NextResultAsync(cancellation);
            foreach (var level in atOnce) await ReadChildrenAsync(level, reader, cancellation);
            if (counts && await reader.ReadAsync(cancellation)) count = reader.GetInt64(0);
        }
        if (top.Rows.Count == 0 && (path.IsSingle || !await ParentExistsAsync(connection, path, cancellation))) throw SensorThingsException.NotFound();
        for (var depth = top.Children; depth.Count > 0; depth = depth.SelectMany(level => level.Children).ToList())
            await ReadDepthAsync(connection, depth.Where(level => !atOnce.Contains(level)).ToList(), cancellation);
    }

    /// <summary>
    /// Expansions that can be read in the first round trip, because their links can be said in SQL: those of a single entity, and from there on what is
    /// one for each.
    /// </summary>
    static List<Level> AtOnce(ResourcePath path, Level top)
    {
        if (!path.IsSingle) return [];
        var levels = new List<Level>(top.Children);
        for (var i = 0; i < levels.Count; i++)
            if (levels[i].Options is { Filter: null, Skip: 0 }) levels.AddRange(levels[i].Children.Where(child => !child.Via!.Many));
        return levels;
    }

    /// <summary>SQL of the links that lead to <paramref name="level"/> from the one entity of <paramref name="path"/>.</summary>
    static string LinksOf(Level level, ResourcePath path, SqlParameters parameters)
    {
        var (parent, via) = (level.Parent!, level.Via!);
        if (parent.Via is null) return $"SELECT {Model.Format(via.Link, "u")} FROM {parent.Set.Table} u WHERE {path.Condition("u", parameters)}";
        var row = "u" + parent.Depth.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return $"SELECT {Model.Format(via.Link, row)} FROM {parent.Set.Table} {row} WHERE {Model.Format(parent.Via.Condition, row, $"ANY(ARRAY({LinksOf(parent, path, parameters)}))")}";
    }

    async Task<bool> ParentExistsAsync(NpgsqlConnection connection, ResourcePath path, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        if (path.ParentExists(new SqlParameters(command.Parameters, access)) is not { } sql) return true;
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    async Task ReadDepthAsync(NpgsqlConnection connection, List<Level> depth, CancellationToken cancellation)
    {
        if (depth.Count == 0) return;
        await using var batch = new NpgsqlBatch(connection);
        foreach (var level in depth)
        {
            var links = level.Parent!.Rows.Select(row => row.Links[level.Index]).Where(link => link is not null).Select(link => link!.Value).Distinct().ToArray();
            AddChildren(batch, level, parameters => parameters.Add(links, NpgsqlDbType.Array | NpgsqlDbType.Bigint));
        }
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        foreach (var level in depth) await ReadChildrenAsync(level, reader, cancellation);
    }

    async Task ReadChildrenAsync(Level level, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        await level.ReadAsync(reader, root, cancellation);
        await reader.NextResultAsync(cancellation);
        if (!level.Options.Count) return;
        level.Counts = [];
        while (await reader.ReadAsync(cancellation)) level.Counts[reader.GetInt64(0)] = reader.GetInt64(1);
        await reader.NextResultAsync(cancellation);
    }

    Level Plan(EntitySet set, QueryOptions options, (Level Parent, Navigation Via, int Index)? at)
    {
        var level = new Level(set, options, at?.Parent, at?.Via, at?.Index ?? 0);
        levels.Add(level);
        if (levels.Count > 64) throw new SensorThingsException(400, "$expand asks for more than 64 collections");
        foreach (var expansion in options.Expand)
        {
            var navigation = set.Navigation(expansion.Name) ?? throw SensorThingsException.At(expansion.Position, $"{set.Name} have no navigation property '{expansion.Name}'");
            level.Children.Add(Plan(Model.TargetOf(navigation), expansion.Options, (level, navigation, level.Children.Count)));
        }
        return level;
    }

    void AddRoot(NpgsqlBatch batch, ResourcePath path, Level level)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        var condition = path.Condition("r", parameters);
        command.CommandText = path.IsSingle
            ? $"SELECT {level.SelectList("r", "0::bigint")} FROM {level.Set.Table} r WHERE {condition}"
            : IsNewestOfAll(path, level)
                ? NewestOfAll(level, parameters)
                : $"SELECT {level.SelectList("r", "0::bigint")} FROM {level.Set.Table} r WHERE {condition}{Filter(level, "r", parameters)} {OrderAndPage(level, "r", parameters)}";
        batch.BatchCommands.Add(command);
    }

    /// <summary>All Observations, newest first, without a filter: only the Datastreams with the newest values can have a part in it.</summary>
    static bool IsNewestOfAll(ResourcePath path, Level level) =>
        path.IsWholeSet && level.Set == Model.Observations && level.Options.Filter is null && IsNewestFirst(level.Options);

    static bool IsNewestFirst(QueryOptions options) =>
        options.OrderBy is [(PathNode { Segments: ["phenomenonTime"] }, true)];

    static string NewestOfAll(Level level, SqlParameters parameters)
    {
        var needed = parameters.Add(level.Options.Skip + level.Options.Page + 1);
        return $"""
            SELECT {level.SelectList("r", "0::bigint")} FROM (
              SELECT l.datastream FROM latest l JOIN datastream v ON v.key = l.datastream WHERE v.access = ANY($1) ORDER BY l.time DESC LIMIT {needed}) newest
            CROSS JOIN LATERAL (SELECT * FROM observation o WHERE o.datastream = newest.datastream ORDER BY o.time DESC LIMIT {needed}) r
            {OrderAndPage(level, "r", parameters)}
            """;
    }

    void AddCount(NpgsqlBatch batch, ResourcePath path, QueryOptions options)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        var fast = options.Filter is null && path.IsCountedByLatest;
        var condition = path.Condition("r", parameters);
        command.CommandText = fast
            ? $"SELECT coalesce(sum(r.n), 0)::bigint FROM latest r WHERE {condition}"
            : $"SELECT count(*) FROM {path.Set.Table} r WHERE {condition}{(options.Filter is { } filter ? " AND " + new SqlFilter(parameters).Condition(path.Set, "r", filter) : "")}";
        batch.BatchCommands.Add(command);
    }

    /// <param name="batch">Takes the statements.</param>
    /// <param name="level">What is read.</param>
    /// <param name="links">SQL of an array of the links that lead to it.</param>
    void AddChildren(NpgsqlBatch batch, Level level, Func<SqlParameters, string> links)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        var keys = links(parameters);
        var via = level.Via!;
        var visible = via.Inherits ? "" : " AND " + Model.Format(level.Set.Visible, "r");
        if (!via.Many)
            command.CommandText = $"SELECT {level.SelectList("r", "r.key")} FROM {level.Set.Table} r WHERE r.key = ANY({keys}){visible}";
        else if (level.IsLatest)
            command.CommandText = $"SELECT {level.SelectList("r", "r.datastream")}, r.n FROM latest r WHERE r.datastream = ANY({keys})";
        else
            command.CommandText = $"""
                SELECT {level.SelectList("r", "p.link")} FROM unnest({keys}) WITH ORDINALITY AS p(link, place)
                CROSS JOIN LATERAL (SELECT * FROM {level.Set.Table} r WHERE {Model.Format(via.Condition, "r", "p.link")}{visible}{Filter(level, "r", parameters)}
                  {OrderAndPage(level, "r", parameters)}) r
                ORDER BY p.place, {Order(level, "r", parameters)}
                """;
        batch.BatchCommands.Add(command);
        if (!level.Options.Count) return;
        var counting = new NpgsqlBatchCommand();
        parameters = new SqlParameters(counting.Parameters, access);
        keys = links(parameters);
        counting.CommandText = $"SELECT p.link, (SELECT count(*) FROM {level.Set.Table} r WHERE {Model.Format(via.Condition, "r", "p.link")}{visible}{Filter(level, "r", parameters)}) FROM unnest({keys}) AS p(link)";
        batch.BatchCommands.Add(counting);
    }

    static string Filter(Level level, string row, SqlParameters parameters) =>
        level.Options.Filter is { } filter ? " AND " + new SqlFilter(parameters).Condition(level.Set, row, filter) : "";

    static string OrderAndPage(Level level, string row, SqlParameters parameters) =>
        $"ORDER BY {Order(level, row, parameters)} LIMIT {parameters.Add((long)level.Options.Page + 1)} OFFSET {parameters.Add(level.Options.Skip)}";

    /// <summary>The client's order, made total by the set's own.</summary>
    static string Order(Level level, string row, SqlParameters parameters)
    {
        var filter = new SqlFilter(parameters);
        return string.Join(", ", level.Options.OrderBy.Select(order => filter.Order(level.Set, row, order.Node) + (!order.Descending ? "" : IsNeverNull(level.Set, order.Node) ? " DESC" : " DESC NULLS LAST"))
            .Concat(level.Set.Order.Select(order => Model.Format(order, row))));
    }

    /// <summary>Where nothing is null, the last place of nulls need not be asked for: an index read backwards has them first.</summary>
    static bool IsNeverNull(EntitySet set, Node node) =>
        node is PathNode { Segments: [var name] } && set.Property(name) is { Kind: PropertyKind.Interval or PropertyKind.Text };

    /// <summary>Writes a collection as the standard has it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="address">The collection's address without its query, for the link to the next page.</param>
    public void WriteCollection(PipeWriter output, string address)
    {
        var level = levels[0];
        using (var head = new JsonBuffer())
        {
            head.Raw("{"u8);
            if (count is { } known)
            {
                head.Raw("\"@iot.count\":"u8);
                head.Number(known);
                head.Raw(","u8);
            }
            if (level.More.Contains(0))
            {
                head.Raw("\"@iot.nextLink\":"u8);
                head.Text(address + "?" + level.Options.Next(level.Options.Skip + level.Options.Page));
                head.Raw(","u8);
            }
            head.Raw("\"value\":["u8);
            output.Write(head.Slice(0, head.Length));
        }
        for (var i = 0; i < level.Rows.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteRow(output, level, level.Rows[i]);
        }
        output.Write("]}"u8);
    }

    /// <summary>Writes the one entity.</summary>
    public void WriteEntity(PipeWriter output) => WriteRow(output, levels[0], levels[0].Rows[0]);

    /// <summary>The one entity's own properties as JSON.</summary>
    public byte[] EntityBytes() => [.. levels[0].Buffer.Slice(levels[0].Rows[0].Start, levels[0].Rows[0].Length), (byte)'}'];

    static void WriteRow(PipeWriter output, Level level, Row row)
    {
        output.Write(level.Buffer.Slice(row.Start, row.Length));
        foreach (var child in level.Children) WriteChild(output, child, row.Links[child.Index], level.SelfLink(row), needsComma: row.Length > 1 || child.Index > 0);
        output.Write("}"u8);
    }

    static void WriteChild(PipeWriter output, Level child, long? link, string parent, bool needsComma)
    {
        using var head = new JsonBuffer();
        if (needsComma) head.Raw(","u8);
        var name = child.Via!.Name;
        var rows = link is { } key && child.ByLink.TryGetValue(key, out var found) ? found : (First: 0, Count: 0);
        if (!child.Via.Many)
        {
            head.Raw($"\"{name}\":");
            if (rows.Count == 0) head.Raw("null"u8);
            output.Write(head.Slice(0, head.Length));
            if (rows.Count > 0) WriteRow(output, child, child.Rows[rows.First]);
            return;
        }
        if (child.Counts is not null)
        {
            head.Raw($"\"{name}@iot.count\":");
            head.Number(link is { } counted ? child.Counts.GetValueOrDefault(counted) : 0);
            head.Raw(","u8);
        }
        if (link is { } more && child.More.Contains(more))
        {
            head.Raw($"\"{name}@iot.nextLink\":");
            head.Text($"{parent}/{name}?{child.Options.Next(child.Options.Skip + child.Options.Page)}");
            head.Raw(","u8);
        }
        head.Raw($"\"{name}\":[");
        output.Write(head.Slice(0, head.Length));
        for (var i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteRow(output, child, child.Rows[rows.First + i]);
        }
        output.Write("]"u8);
    }

    public void Dispose()
    {
        foreach (var level in levels) level.Buffer.Dispose();
    }
}

static class PipeWriterExtensions
{
    public static void Write(this PipeWriter output, ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(output, bytes);
}
