using Allmende.Platform.Data;
using Npgsql;
using NpgsqlTypes;

namespace Allmende.Observations.Store;

/// <summary>What an observation was before it was corrected or deleted.</summary>
/// <param name="Datastream">The Datastream's id.</param>
/// <param name="Time">phenomenonTime, its start where it was an interval.</param>
/// <param name="End">Its end.</param>
/// <param name="Value">The number.</param>
/// <param name="Json">The result as JSON if it was no number.</param>
/// <param name="ResultTime">When that result came to be.</param>
/// <param name="Quality">What the checks had said.</param>
/// <param name="ReplacedAt">When something took its place.</param>
/// <param name="ReplacedBy"><c>correction</c>, <c>deletion</c> or <c>replay</c>.</param>
/// <param name="Replay">The replay's id, where it was one.</param>
readonly record struct Replaced(
    string Datastream, DateTime Time, DateTime? End, double? Value, string? Json, DateTime? ResultTime, short Quality, DateTime ReplacedAt, string ReplacedBy, string? Replay);

/// <summary>Reads the audit of observations; the caller's access classes are part of the query.</summary>
sealed class CorrectionStore(MunicipalDatabases databases)
{
    /// <summary>What was replaced, in order of Datastream, phenomenonTime and time of replacement.</summary>
    public async Task<List<Replaced>> ReadAsync(string municipality, string[] access, string? datastream, string? replay, DateTime? from, DateTime? to, int limit, int skip, CancellationToken cancellation)
    {
        await using var command = databases.Of(municipality).CreateCommand("""
            SELECT d.id, a.time, a.end_time, a.value, a.json::text, a.result_time, a.quality, a.replaced_at, a.replaced_by, a.replay
            FROM observation_audit a JOIN datastream d ON d.key = a.datastream
            WHERE d.access = ANY($1) AND ($2::text IS NULL OR d.id = $2) AND a.time >= coalesce($3, '-infinity'::timestamptz) AND a.time < coalesce($4, 'infinity'::timestamptz) AND ($7::text IS NULL OR a.replay = $7)
            ORDER BY a.datastream, a.time, a.replaced_at LIMIT $5 OFFSET $6
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = access });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)datastream ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)from ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)to ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = skip });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)replay ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        var replaced = new List<Replaced>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            replaced.Add(new Replaced(reader.GetString(0), reader.GetDateTime(1), reader.IsDBNull(2) ? null : reader.GetDateTime(2), reader.IsDBNull(3) ? null : reader.GetDouble(3),
                reader.IsDBNull(4) ? null : reader.GetString(4), reader.IsDBNull(5) ? null : reader.GetDateTime(5), reader.GetInt16(6), reader.GetDateTime(7), reader.GetString(8),
                reader.IsDBNull(9) ? null : reader.GetString(9)));
        }
        return replaced;
    }
}
