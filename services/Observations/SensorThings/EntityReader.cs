using System.Buffers;
using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.SensorThings;

/// <summary>
/// Reads what a path and its options ask for, level by level: the rows of a level are one statement, all expansions of a depth one round trip. Rows are
/// written as JSON when they are read; the answer is put together from those pieces.
/// </summary>
/// <param name="database">The municipality's.</param>
/// <param name="access">Access classes that the caller may read.</param>
/// <param name="root">Address of the service, with a slash at the end.</param>
/// <param name="longest">How long a round trip may take.</param>
sealed class EntityReader(NpgsqlDataSource database, string[] access, string root, TimeSpan longest) : IDisposable
{
    readonly List<Level> levels = [];
    readonly byte[] rootBytes = Encoding.UTF8.GetBytes(root);
    int budget = Level.MostBytes;

    /// <summary>Address of the service, with a slash at the end.</summary>
    public string Root => root;

    /// <summary>Ids of the Datastreams of a data array, and which of them are MultiDatastreams.</summary>
    public Dictionary<long, (string IdInPath, bool IsMulti)> Datastreams { get; } = [];

    int Seconds => Math.Max(1, (int)longest.TotalSeconds);

    /// <summary>The level that the path ends in.</summary>
    public Level Top => levels[0];

    /// <summary>Bytes of the rows that were read; an answer is little more.</summary>
    public int Bytes => levels.Sum(level => level.Buffer.Length);

    /// <summary>How many entities there are on all pages, if that was asked.</summary>
    public long? Count { get; private set; }

    /// <summary>Reads all that the answer needs.</summary>
    /// <exception cref="SensorThingsException">404 if the path leads nowhere.</exception>
    public async Task ReadAsync(ResourcePath path, QueryOptions options, CancellationToken cancellation)
    {
        var top = Plan(path.Set, options, path.Reached, null, 0);
        foreach (var level in levels) level.CheckSelect();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var atOnce = AtOnce(path, top);
        await using (var batch = new NpgsqlBatch(connection) { Timeout = Seconds })
        {
            AddRoot(batch, path, top);
            foreach (var level in atOnce)
            {
                var fromOne = level.Parent == top;
                AddChildren(batch, level, parameters => LinksOf(level, path, parameters) is var links && fromOne ? links : $"ARRAY({links})", fromOne);
            }
            var counts = options.Count && !path.IsSingle;
            if (counts) AddCount(batch, path, options);
            await using var reader = await batch.ExecuteReaderAsync(cancellation);
            budget = await top.ReadAsync(reader, rootBytes, budget, cancellation);
            await reader.NextResultAsync(cancellation);
            foreach (var level in atOnce) await ReadChildrenAsync(level, reader, cancellation);
            if (counts && await reader.ReadAsync(cancellation)) Count = reader.GetInt64(0);
        }
        if (top.Rows.Count == 0 && (path.IsSingle || !await ParentExistsAsync(connection, path, cancellation))) throw SensorThingsException.NotFound();
        if (options.Format == ResultFormat.DataArray) await ReadDatastreamsAsync(connection, cancellation);
        for (var depth = top.Children; depth.Count > 0; depth = depth.SelectMany(level => level.Children).ToList())
            await ReadDepthAsync(connection, depth.Where(level => !atOnce.Contains(level)).ToList(), cancellation);
    }

    /// <summary>
    /// Reads those of the <paramref name="given"/> entities that the path leads to and the filter takes, in the order given, at most a largest page; order and page
    /// of the options do not count.
    /// </summary>
    /// <exception cref="SensorThingsException">400 if the options do not fit the path.</exception>
    public async Task ReadGivenAsync(ResourcePath path, QueryOptions options, GivenEntities given, CancellationToken cancellation)
    {
        options.TakeLargestPage();
        var top = Plan(path.Set, options, path.Reached, null, 0);
        foreach (var level in levels) level.CheckSelect();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using (var batch = new NpgsqlBatch(connection) { Timeout = Seconds })
        {
            var command = new NpgsqlBatchCommand();
            var parameters = new SqlParameters(command.Parameters, access);
            var (source, matches) = given.Sql(path.Set, parameters);
            command.CommandText = $"""
                SELECT {top.SelectList("0::bigint")} FROM {source} CROSS JOIN LATERAL (
                  SELECT * FROM {top.Table} r WHERE {matches} AND {path.Condition("r", parameters)}{Filter(top, "r", parameters)}) r{top.Joins}
                ORDER BY g.place
                """;
            batch.BatchCommands.Add(command);
            await using var reader = await batch.ExecuteReaderAsync(cancellation);
            budget = await top.ReadAsync(reader, rootBytes, budget, cancellation);
        }
        for (var depth = top.Children; depth.Count > 0; depth = depth.SelectMany(level => level.Children).ToList())
            await ReadDepthAsync(connection, depth, cancellation);
    }

    /// <summary>True if the entity that a collection hangs on is there, or if it hangs on none.</summary>
    public async Task<bool> HasParentAsync(ResourcePath path, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await ParentExistsAsync(connection, path, cancellation);
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

    /// <summary>SQL of a query for the links that lead to <paramref name="level"/> from the one entity of <paramref name="path"/>.</summary>
    static string LinksOf(Level level, ResourcePath path, SqlParameters parameters)
    {
        var (parent, via) = (level.Parent!, level.Via!);
        if (parent.Via is null) return $"SELECT {Model.Format(via.Link, "u")} FROM {path.Table} u WHERE {path.Condition("u", parameters)} LIMIT 1";
        var row = "u" + parent.Depth.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var links = LinksOf(parent, path, parameters);
        return $"SELECT {Model.Format(via.Link, row)} FROM {parent.Table} {row} WHERE {Model.Format(parent.Via.Condition, row, parent.Parent!.Via is null ? $"({links})" : $"ANY(ARRAY({links}))")}";
    }

    async Task<bool> ParentExistsAsync(NpgsqlConnection connection, ResourcePath path, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand { Connection = connection, CommandTimeout = Seconds };
        if (path.ParentExists(new SqlParameters(command.Parameters, access)) is not { } sql) return true;
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>Those that the Observations of the page belong to; who sees an Observation sees its Datastream.</summary>
    async Task ReadDatastreamsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var keys = new HashSet<long>();
        foreach (var row in Top.Rows)
            if (Ids.TryObservation(row.ObservationId, out var key, out _)) keys.Add(key);
        if (keys.Count == 0) return;
        await using var command = new NpgsqlCommand("SELECT key, id, quoted, multi_types IS NOT NULL FROM datastream WHERE key = ANY($1)", connection) { CommandTimeout = Seconds };
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. keys] });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) Datastreams[reader.GetInt64(0)] = (Ids.InPath(reader.GetString(1), reader.GetBoolean(2)), reader.GetBoolean(3));
    }

    async Task ReadDepthAsync(NpgsqlConnection connection, List<Level> depth, CancellationToken cancellation)
    {
        if (depth.Count == 0) return;
        await using var batch = new NpgsqlBatch(connection) { Timeout = Seconds };
        foreach (var level in depth)
        {
            var links = level.Parent!.Rows.Select(row => row.Links[level.Index]).Where(link => link is not null).Select(link => link!.Value).Distinct().ToArray();
            AddChildren(batch, level, parameters => parameters.Add(links, NpgsqlDbType.Array | NpgsqlDbType.Bigint), fromOne: false);
        }
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        foreach (var level in depth) await ReadChildrenAsync(level, reader, cancellation);
    }

    async Task ReadChildrenAsync(Level level, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        budget = await level.ReadAsync(reader, rootBytes, budget, cancellation);
        await reader.NextResultAsync(cancellation);
        if (!level.Options.Count) return;
        level.Counts = [];
        while (await reader.ReadAsync(cancellation)) level.Counts[reader.GetInt64(0)] = reader.GetInt64(1);
        await reader.NextResultAsync(cancellation);
    }

    Level Plan(EntitySet set, QueryOptions options, (EntitySet? From, Navigation? Via) reached, Level? parent, int index)
    {
        var level = new Level(set, options, reached.From, reached.Via, parent, index, asArrays: options.Format == ResultFormat.DataArray);
        levels.Add(level);
        if (levels.Count > 64) throw new SensorThingsException(400, "$expand asks for more than 64 collections");
        foreach (var expansion in options.Expand)
        {
            var navigation = set.Navigation(expansion.Name) ?? throw SensorThingsException.At(expansion.Position, $"{set.Name} have no navigation property '{expansion.Name}'");
            level.Children.Add(Plan(Model.TargetOf(navigation), expansion.Options, (set, navigation), level, level.Children.Count));
        }
        return level;
    }

    void AddRoot(NpgsqlBatch batch, ResourcePath path, Level level)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        command.CommandText = path.IsSingle
            ? $"SELECT {level.SelectList("0::bigint")} FROM {level.Table} r{level.Joins} WHERE {path.Condition("r", parameters)} LIMIT 1"
            : IsAllByTime(path, level)
                ? AllByTime(level, parameters)
                : $"SELECT {level.SelectList("0::bigint")} FROM {From(level, row => path.Condition(row, parameters), path.IsOfOneDatastream, parameters, level.Joins)} {OrderAndPage(level, "r", parameters)}";
        batch.BatchCommands.Add(command);
    }

    /// <summary>All Observations by time, without a filter: only the Datastreams with the newest (oldest) values can have a part in it.</summary>
    static bool IsAllByTime(ResourcePath path, Level level) =>
        path.IsWholeSet && level.Set == Model.Observations && level.Options is { Filter: null, OrderBy.Count: 1, IsByTime: true };

    /// <summary>
    /// Of the Datastreams that come first each has an Observation at least as near as the farthest of those: where there are enough of them, nothing farther has a
    /// part in the page.
    /// </summary>
    static string AllByTime(Level level, SqlParameters parameters)
    {
        var options = level.Options;
        var descending = options.OrderBy[0].Descending;
        var direction = descending ? "DESC" : "ASC";
        var needed = Needed(level, parameters);
        var behind = Behind(level, parameters);
        // `latest` knows who comes first from the beginning; from the middle on it is asked of each Datastream, which is one look into the index.
        var first = options.After is null
            ? $"SELECT l.datastream, {(descending ? "l.time" : "l.first_time")} AS time FROM latest l"
            : $"SELECT l.datastream, o.time FROM latest l CROSS JOIN LATERAL (SELECT r.time FROM {new ObservationSource(row => $"{row}.datastream = l.datastream", null, parameters) { Behind = behind }.First(descending, oneDatastream: true, "1")} r ORDER BY r.time {direction} LIMIT 1) o";
        var source = new ObservationSource(row => $"{row}.datastream = near.datastream", null, parameters)
        {
            Behind = behind,
            NotBefore = descending ? "(SELECT time FROM bound)" : null,
            NotAfter = descending ? null : "(SELECT time FROM bound)",
        };
        return $"""
            WITH near AS MATERIALIZED (
              SELECT l.datastream, l.time FROM ({first}) l JOIN datastream v ON v.key = l.datastream WHERE v.access = ANY($1) ORDER BY l.time {direction}, l.datastream LIMIT {needed}),
            bound AS (SELECT CASE WHEN count(*) = {needed} THEN {(descending ? "min" : "max")}(time) ELSE '{(descending ? "-" : "")}infinity'::timestamptz END AS time FROM near)
            SELECT {level.SelectList("0::bigint")} FROM near CROSS JOIN LATERAL {source.First(descending, oneDatastream: true, needed)} r
            {OrderAndPage(level, "r", parameters)}
            """;
    }

    /// <summary>The last Observation of the page before, in the order of <see cref="QueryOptions.IsByTime"/>.</summary>
    static Place? Behind(Level level, SqlParameters parameters)
    {
        if (level.Options.After is not { } after) return null;
        if (level.Set != Model.Observations) throw new SensorThingsException(400, "$skiptoken is for Observations");
        return new Place(parameters.Add(after.Datastream), parameters.Add(after.Time, NpgsqlDbType.TimestampTz), level.Options.OrderBy is [] ? null : level.Options.OrderBy[0].Descending);
    }

    /// <summary>SQL of what stands behind FROM: the rows of the collection, named <c>r</c>; of Observations all that a page may need.</summary>
    /// <param name="level">What is read.</param>
    /// <param name="condition">SQL that a row, or a chunk of Observations, is in the collection.</param>
    /// <param name="oneDatastream">The Observations are those of one Datastream.</param>
    /// <param name="parameters">Of the statement.</param>
    /// <param name="joins">What is joined to the rows.</param>
    static string From(Level level, Func<string, string> condition, bool oneDatastream, SqlParameters parameters, string joins = "")
    {
        var behind = Behind(level, parameters);
        if (level.Set != Model.Observations) return $"{level.Table} r{joins} WHERE {condition("r")}{Filter(level, "r", parameters)}";
        var source = new ObservationSource(condition, level.Options.Filter, parameters) { Behind = behind };
        var order = level.Options.OrderBy;
        var inOrder = order is [] || (oneDatastream && order is [(PathNode { Segments: ["phenomenonTime"] }, _)]);
        return inOrder
            ? source.First(order is [(_, true)], oneDatastream, Needed(level, parameters)) + " r"
            : source.All() + " r";
    }

    void AddCount(NpgsqlBatch batch, ResourcePath path, QueryOptions options)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        command.CommandText = options.Filter is null && path.IsCountedByLatest
            ? $"SELECT coalesce(sum(r.n), 0)::bigint FROM latest r WHERE {path.Condition("r", parameters)}"
            : Counting(path.Set, path.Table, row => path.Condition(row, parameters), options.Filter, parameters);
        batch.BatchCommands.Add(command);
    }

    /// <summary>A statement that counts a collection.</summary>
    static string Counting(EntitySet set, string table, Func<string, string> condition, Node? filter, SqlParameters parameters) => set == Model.Observations
        ? new ObservationSource(condition, filter, parameters).Count()
        : $"SELECT count(*) FROM {table} r WHERE {condition("r")}{(filter is null ? "" : " AND " + new SqlFilter(parameters).Condition(set, "r", filter))}";

    /// <param name="batch">Takes the statements.</param>
    /// <param name="level">What is read.</param>
    /// <param name="links">SQL of an array of the links that lead to it, or of a query for the one.</param>
    /// <param name="fromOne">There is one at the most; what is read for it needs no order among several.</param>
    void AddChildren(NpgsqlBatch batch, Level level, Func<SqlParameters, string> links, bool fromOne)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new SqlParameters(command.Parameters, access);
        var keys = links(parameters);
        var via = level.Via!;
        string Linked(string row, string links) => Model.Format(via.Condition, row, links) + (via.Inherits ? "" : " AND " + Model.Format(level.Set.Visible, row));
        string Condition(string row) => Linked(row, "p.link");
        var any = fromOne ? $"({keys})" : $"ANY({keys})";
        if (!via.Many)
            command.CommandText = $"SELECT {level.SelectList("r.key")} FROM {level.Table} r{level.Joins} WHERE {Linked("r", any)}";
        else if (level.IsLatest)
            command.CommandText = $"SELECT {level.SelectList("r.datastream")}, r.n FROM latest r WHERE r.datastream = {any}";
        else
            command.CommandText = $"""
                SELECT {level.SelectList("p.link")} FROM {(fromOne ? $"({keys}) AS p(link)" : $"unnest({keys}) WITH ORDINALITY AS p(link, place)")}
                CROSS JOIN LATERAL (SELECT r.* FROM {From(level, Condition, via.IsObservationsOfDatastream, parameters)} {OrderAndPage(level, "r", parameters)}) r{level.Joins}
                ORDER BY {(fromOne ? "" : "p.place, ")}{Order(level, "r", parameters)}
                """;
        batch.BatchCommands.Add(command);
        if (!level.Options.Count) return;
        var counting = new NpgsqlBatchCommand();
        parameters = new SqlParameters(counting.Parameters, access);
        keys = links(parameters);
        var count = via.IsObservationsOfDatastream && level.Options.Filter is null
            ? "SELECT coalesce((SELECT l.n FROM latest l WHERE l.datastream = p.link), 0)"
            : Counting(level.Set, level.Table, Condition, level.Options.Filter, parameters);
        counting.CommandText = $"SELECT p.link, ({count}) FROM {(fromOne ? $"({keys})" : $"unnest({keys})")} AS p(link)";
        batch.BatchCommands.Add(counting);
    }

    static string Filter(Level level, string row, SqlParameters parameters) =>
        level.Options.Filter is { } filter ? " AND " + new SqlFilter(parameters).Condition(level.Set, row, filter) : "";

    static string OrderAndPage(Level level, string row, SqlParameters parameters)
    {
        var skip = Skip(level);
        return string.Create(CultureInfo.InvariantCulture, $"ORDER BY {Order(level, row, parameters)} LIMIT {level.Options.Page + 1}{(skip == 0 ? "" : $" OFFSET {parameters.Add(skip)}")}");
    }

    /// <summary>
    /// SQL of how many rows a page may need. A number, not a parameter, where it is the same for many clients: PostgreSQL takes an unknown limit for a tenth of all
    /// there is, and would plan a statement on a large history anew each time it is asked. Places far back are asked for once each, and would fill the statements kept.
    /// </summary>
    static string Needed(Level level, SqlParameters parameters)
    {
        var skip = Skip(level);
        return skip == 0 ? (level.Options.Page + 1).ToString(CultureInfo.InvariantCulture) : parameters.Add(skip + level.Options.Page + 1);
    }

    static long Skip(Level level) => level.Options.After is null ? level.Options.Skip : 0;

    /// <summary>The client's order, made total by the set's own.</summary>
    static string Order(Level level, string row, SqlParameters parameters)
    {
        var filter = new SqlFilter(parameters);
        return string.Join(", ", level.Options.OrderBy.SelectMany(order => filter.Order(level.Set, row, order.Node)
                .Select(sql => sql + (!order.Descending ? "" : IsNeverNull(level.Set, order.Node) ? " DESC" : " DESC NULLS LAST")))
            .Concat(level.Order.Select(order => Model.Format(order, row))));
    }

    /// <summary>Where nothing is null, the last place of nulls need not be asked for: an index read backwards has them first.</summary>
    static bool IsNeverNull(EntitySet set, Node node) =>
        node is PathNode { Segments: [var name] } && set.Property(name) is { Kind: PropertyKind.Interval or PropertyKind.Text };

    /// <summary>The query of the next page; null if this is the last one.</summary>
    public string? NextPage() => Next(Top, 0, Top.Rows.Count > 0 ? Top.Rows[^1] : null);

    /// <summary>A page of no entities says nothing about what follows.</summary>
    static string? Next(Level level, long link, Row? last) => level.Options.Page > 0 && last is { } row && level.More.Contains(link)
        ? level.Options.Next(level.Options.Skip + level.Options.Page, level.Set == Model.Observations && level.Options.IsByTime ? row.ObservationId : null)
        : null;

    /// <summary>Writes a collection as the standard has it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="address">The collection's address without its query, for the link to the next page.</param>
    public void WriteCollection(IBufferWriter<byte> output, string address)
    {
        using (var head = new JsonBuffer())
        {
            head.Raw("{"u8);
            WriteHead(head, address);
            head.Raw("\"value\":["u8);
            output.Write(head.Slice(0, head.Length));
        }
        for (var i = 0; i < Top.Rows.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteEntity(output, i);
        }
        output.Write("]}"u8);
    }

    /// <summary>Writes <c>@iot.count</c> and <c>@iot.nextLink</c>, where there are any, each with a comma behind it.</summary>
    public void WriteHead(JsonBuffer head, string address)
    {
        if (Count is { } known)
        {
            head.Raw("\"@iot.count\":"u8);
            head.Number(known);
            head.Raw(","u8);
        }
        if (NextPage() is { } next)
        {
            head.Raw("\"@iot.nextLink\":"u8);
            head.Text(address + "?" + next);
            head.Raw(","u8);
        }
    }

    /// <summary>Writes one of the entities with its expansions.</summary>
    public void WriteEntity(IBufferWriter<byte> output, int index) => WriteRow(output, Top, Top.Rows[index]);

    /// <summary>The one entity's own properties as JSON.</summary>
    public byte[] EntityBytes() => EntityBytes(0);

    /// <summary>The own properties of one of the entities as JSON.</summary>
    public byte[] EntityBytes(int index) => [.. Top.Buffer.Slice(Top.Rows[index].Start, Top.Rows[index].Length), (byte)'}'];

    static void WriteRow(IBufferWriter<byte> output, Level level, Row row)
    {
        output.Write(level.Buffer.Slice(row.Start, row.Length));
        foreach (var child in level.Children)
        {
            if (row.Length > 1 || child.Index > 0) output.Write(","u8);
            WriteChild(output, child, level, row);
        }
        output.Write("}"u8);
    }

    static void WriteChild(IBufferWriter<byte> output, Level child, Level parent, Row of)
    {
        var link = of.Links[child.Index];
        var rows = link is { } key && child.ByLink.TryGetValue(key, out var found) ? found : (First: 0, Count: 0);
        if (!child.Via!.Many)
        {
            output.Write(child.Via!.JsonName);
            if (rows.Count == 0) output.Write("null"u8);
            else WriteRow(output, child, child.Rows[rows.First]);
            return;
        }
        if (child.Counts is not null || (link is { } more && child.More.Contains(more))) WriteChildHead(output, child, parent, of, rows);
        output.Write(child.Via!.JsonName);
        output.Write("["u8);
        for (var i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteRow(output, child, child.Rows[rows.First + i]);
        }
        output.Write("]"u8);
    }

    /// <summary>Writes count and link to the next page of an expansion, where there are any.</summary>
    static void WriteChildHead(IBufferWriter<byte> output, Level child, Level parent, Row of, (int First, int Count) rows)
    {
        using var head = new JsonBuffer();
        var name = child.Via!.Name;
        var link = of.Links[child.Index];
        if (child.Counts is not null)
        {
            head.Raw($"\"{name}@iot.count\":");
            head.Number(link is { } counted ? child.Counts.GetValueOrDefault(counted) : 0);
            head.Raw(","u8);
        }
        if (link is { } more && rows.Count > 0 && Next(child, more, child.Rows[rows.First + rows.Count - 1]) is { } next)
        {
            head.Raw($"\"{name}@iot.nextLink\":");
            head.Text($"{parent.SelfLink(of)}/{name}?{next}");
            head.Raw(","u8);
        }
        output.Write(head.Slice(0, head.Length));
    }

    public void Dispose()
    {
        foreach (var level in levels) level.Buffer.Dispose();
    }
}
