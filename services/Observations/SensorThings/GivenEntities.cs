using NpgsqlTypes;

namespace Allmende.Observations.SensorThings;

/// <summary>Entities of one set that somebody names: Observations by Datastream and time, others by their ids.</summary>
sealed class GivenEntities
{
    readonly string[] ids;
    readonly (long Datastream, DateTime Time)[] observations;

    GivenEntities(string[] ids, (long, DateTime)[] observations) => (this.ids, this.observations) = (ids, observations);

    /// <summary>Entities of a set other than Observations.</summary>
    public static GivenEntities Of(IEnumerable<string> ids) => new([.. ids], []);

    /// <summary>Observations by the key of their Datastream and phenomenonTime.</summary>
    public static GivenEntities Of(IEnumerable<(long Datastream, DateTime Time)> observations) => new([], [.. observations]);

    /// <summary>SQL of the given keys as <c>g</c> with their <c>place</c>, and of the condition that row <c>r</c> is one of them.</summary>
    public (string Source, string Matches) Sql(EntitySet set, SqlParameters parameters)
    {
        if (set != Model.Observations) return ($"unnest({parameters.Add(ids)}) WITH ORDINALITY AS g(id, place)", Model.Format(set.Id, "r") + " = g.id");
        var keys = parameters.Add(Array.ConvertAll(observations, one => one.Datastream), NpgsqlDbType.Array | NpgsqlDbType.Bigint);
        var times = parameters.Add(Array.ConvertAll(observations, one => one.Time), NpgsqlDbType.Array | NpgsqlDbType.TimestampTz);
        return ($"unnest({keys}, {times}) WITH ORDINALITY AS g(datastream, time, place)", "r.datastream = g.datastream AND r.time = g.time AND r.chunk_from <= g.time AND r.chunk_to >= g.time");
    }
}
