using Allmende.Platform;
using Npgsql;

namespace Allmende.Observations.SensorThings;

/// <summary>Faults in the standard's format: <c>{"code":400,"type":"error","message":"…"}</c>.</summary>
static class FaultJson
{
    const string TooLong = "the query takes too long, or too many others run; ask for less, or later";

    public static byte[] Of(int status, string message)
    {
        using var json = new JsonBuffer();
        json.Raw("{\"code\":"u8);
        json.Number((long)status);
        json.Raw(",\"type\":\"error\",\"message\":"u8);
        json.Text(message);
        json.Raw("}"u8);
        return json.Slice(0, json.Length).ToArray();
    }

    /// <summary>What a client is told of a fault that is theirs, or that passes; null for what is ours.</summary>
    /// <param name="fault">What was thrown.</param>
    /// <param name="isGone">The client is gone; what was cancelled then is nobody's fault.</param>
    public static (int Status, string Message)? Told(Exception fault, bool isGone) => fault switch
    {
        SensorThingsException known => (known.Status, known.Message),
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => (409, "somebody else has made the same meanwhile"),
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } => (409, "an entity that it is linked with is still needed, or has been deleted meanwhile"),
        // The query's values or types do not fit, it is too complex, or holds no geometry: PostGIS tells that as an internal error.
        PostgresException postgres when postgres.SqlState.StartsWith("22", StringComparison.Ordinal)
            || postgres.SqlState is "XX000" or "42883" or "42804" or "42846" or "42P18" or "42725" or "42601" or "54000" or "54001" =>
            (400, "the request cannot be evaluated: " + postgres.MessageText),
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } when !isGone => (503, TooLong),
        NpgsqlException { InnerException: TimeoutException } when !isGone => (503, TooLong),
        _ => null,
    };

    /// <summary>As <see cref="Told"/>, for one request among others: the rest of a batch goes on.</summary>
    public static (int Status, string Message) ToldInBatch(Exception fault) => Told(fault, isGone: false)
        ?? (Infrastructure.IsAtFault(fault) ? (503, "the service cannot do this right now; try again") : (500, "something is wrong on our side"));
}
