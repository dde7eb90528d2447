namespace Allmende.Observations.SensorThings;

/// <summary>
/// SQL that reads Observations from where they are, rows and chunks. The view <c>observation</c> would do, but PostgreSQL takes no LIMIT and no join into the parts
/// of a view: a page of the newest would unpack years. So the conditions go to rows and chunks each, what decides about whole chunks first, and an ordered page
/// takes chunk after chunk until it is full.
/// </summary>
/// <param name="condition">SQL that an Observation, or a chunk of them, given by its alias is one of the collection; it knows the columns <c>datastream</c> and <c>feature</c> only.</param>
/// <param name="filter">The $filter.</param>
/// <param name="parameters">Of the statement.</param>
sealed class ObservationSource(Func<string, string> condition, Node? filter, SqlParameters parameters)
{
    const string Columns = "datastream, time, value, end_time, result_time, json, extra, feature, quality";

    readonly List<Node> all = SqlFilter.Conjuncts(filter);

    /// <summary>SQL of a time that none is older than, or younger; null for all.</summary>
    public string? NotBefore { get; init; }

    public string? NotAfter { get; init; }

    /// <summary>Place in the order after which the page begins.</summary>
    public Place? Behind { get; init; }

    /// <summary>A subquery with every Observation.</summary>
    public string All() => $"""
        (SELECT {Columns} FROM observation_row o WHERE {Rows()}
         UNION ALL SELECT u.* FROM (SELECT c AS chunk, c.datastream, c.feature FROM observation_pack c WHERE {Chunks()}) c
           CROSS JOIN LATERAL ({Unpacked()}) u)
        """;

    /// <summary>
    /// A subquery with the first <paramref name="needed"/> by Datastream and time, or by time alone where there is one Datastream: those of the rows and those of the chunks,
    /// in no order.
    /// </summary>
    /// <param name="newestFirst">The latest first; for one Datastream only.</param>
    /// <param name="oneDatastream">The condition leads to no more than one.</param>
    /// <param name="needed">SQL of how many at the most.</param>
    public string First(bool newestFirst, bool oneDatastream, string needed)
    {
        var (order, chunkOrder) = newestFirst ? ("time DESC", "chunk_from DESC") : ("time", "chunk_from");
        var by = oneDatastream ? "" : "datastream, ";
        // The rows may be enough; then only chunks that reach before the last of them matter. A nested loop keeps the order of the chunks.
        var reach = (oneDatastream, newestFirst) switch
        {
            (false, _) => "c.datastream <= coalesce((SELECT max(datastream) FROM enough), 9223372036854775807)",
            (true, true) => "c.chunk_to >= coalesce((SELECT min(time) FROM enough), '-infinity'::timestamptz)",
            _ => "c.chunk_from <= coalesce((SELECT max(time) FROM enough), 'infinity'::timestamptz)",
        };
        return $"""
            (WITH found AS MATERIALIZED (SELECT {Columns} FROM observation_row o WHERE {Rows()} ORDER BY {by}{order} LIMIT {needed}),
             enough AS (SELECT datastream, time FROM found WHERE (SELECT count(*) FROM found) = {needed})
             SELECT {Columns} FROM found
             UNION ALL SELECT {Columns} FROM (
               SELECT u.* FROM (SELECT c AS chunk, c.datastream, c.feature FROM observation_pack c WHERE {Chunks()} AND {reach} ORDER BY {by}{chunkOrder}) c
               CROSS JOIN LATERAL ({Unpacked()} ORDER BY {order}) u LIMIT {needed}) packed)
            """;
    }

    /// <summary>A statement that counts them.</summary>
    public string Count() => filter is null
        ? $"SELECT (SELECT count(*) FROM observation_row o WHERE {Rows()}) + (SELECT coalesce(sum(c.n), 0)::bigint FROM observation_pack c WHERE {Chunks()})"
        : $"SELECT count(*) FROM {All()} r";

    string Rows() => And(condition("o"), Bounds("o"), Filter("o", all));

    string Chunks()
    {
        var sql = new SqlFilter(parameters);
        return And(condition("c"), NotBefore is null ? null : $"c.chunk_to >= {NotBefore}", NotAfter is null ? null : $"c.chunk_from <= {NotAfter}", Behind?.OfChunk("c"),
            And([.. all.Select(node => sql.OfChunk("c", node))]));
    }

    string Unpacked() => $"""
        SELECT * FROM (SELECT c.datastream, x.time, x.value, NULL::timestamptz AS end_time, x.result_time, x.json, NULL::jsonb AS extra, c.feature, x.quality
          FROM observation_unpack(c.chunk) x) u WHERE {And(Bounds("u"), Filter("u", all.FindAll(node => !SqlFilter.IsDecidedByChunk(node))))}
        """;

    string Bounds(string row) => And(NotBefore is null ? null : $"{row}.time >= {NotBefore}", NotAfter is null ? null : $"{row}.time <= {NotAfter}", Behind?.OfRow(row));

    string? Filter(string row, List<Node> nodes)
    {
        var sql = new SqlFilter(parameters);
        return nodes.Count == 0 ? null : And([.. nodes.Select(node => sql.Condition(Model.Observations, row, node))]);
    }

    static string And(params string?[] conditions)
    {
        var some = conditions.Where(condition => condition is { Length: > 0 } and not "true").ToList();
        return some.Count == 0 ? "true" : string.Join(" AND ", some);
    }
}

/// <summary>
/// A place in an order of Observations: by Datastream and time, or by time and Datastream.
/// </summary>
/// <param name="Datastream">SQL of the Datastream's key.</param>
/// <param name="Time">SQL of the time.</param>
/// <param name="Descending">The newest first; null for the order by Datastream and time.</param>
sealed record Place(string Datastream, string Time, bool? Descending)
{
    /// <summary>SQL that a row comes after it. The bound on the time alone is what prunes partitions and bounds the index.</summary>
    public string OfRow(string row) => Descending switch
    {
        null => $"({row}.datastream, {row}.time) > ({Datastream}, {Time})",
        true => $"{row}.time <= {Time} AND ({row}.time < {Time} OR {row}.datastream > {Datastream})",
        _ => $"{row}.time >= {Time} AND ({row}.time > {Time} OR {row}.datastream > {Datastream})",
    };

    /// <summary>SQL that a chunk has one that may come after it.</summary>
    public string OfChunk(string chunk) => Descending switch
    {
        null => $"({chunk}.datastream, {chunk}.chunk_to) > ({Datastream}, {Time})",
        true => $"{chunk}.chunk_from <= {Time}",
        _ => $"{chunk}.chunk_to >= {Time}",
    };
}
