using System.Net.Sockets;
using Allmende.Platform.Log;
using Npgsql;
using StackExchange.Redis;

namespace Allmende.Platform;

/// <summary>Tells a broken engine from a broken record: the first is waited for, the second is set aside.</summary>
public static class Infrastructure
{
    /// <summary>True if <paramref name="fault"/> says that an engine or another service cannot be reached, is starting, or is overloaded.</summary>
    public static bool IsAtFault(Exception fault) => fault switch
    {
        // Class 08 connection, 53 resources, 57 operator intervention, 58 system error; 40001 and 40P01: try again; 25006: a standby that takes
        // no writes yet; 28 and 3D: the role may not connect or the database is not there (being restored, or not onboarded here yet).
        PostgresException { SqlState: var state } =>
            state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal) || state.StartsWith("57", StringComparison.Ordinal)
            || state.StartsWith("58", StringComparison.Ordinal) || state.StartsWith("28", StringComparison.Ordinal) || state is "40001" or "40P01" or "25006" or "3D000",
        NpgsqlException or RedisException or LogUnavailableException or MunicipalityNotReadyException or TimeoutException or SocketException or IOException => true,
        HttpRequestException { StatusCode: null or >= System.Net.HttpStatusCode.InternalServerError } => true,
        // HttpClient's own time-out.
        TaskCanceledException { InnerException: TimeoutException } => true,
        AggregateException aggregate => aggregate.InnerExceptions.Any(IsAtFault),
        { InnerException: { } inner } => IsAtFault(inner),
        _ => false,
    };
}
