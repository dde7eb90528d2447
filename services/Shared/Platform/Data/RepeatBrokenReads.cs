using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Allmende.Platform.Data;

/// <summary>
/// Does a reading request once more when the connection that it got from the pool turned out to be dead: PostgreSQL was restarted or failed over since
/// the connection was last used. The first such fault empties the pool, so the second attempt opens a new connection. Only GET and HEAD are repeated, only
/// before a byte of the answer is written, and only once; a database that is really away is told as ever.
/// </summary>
sealed partial class RepeatBrokenReads(RequestDelegate next, ILogger<RepeatBrokenReads> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception fault) when (MayRepeat(context) && IsDeadConnection(fault))
        {
            LogRepeated(fault.Message);
            context.Response.Clear();
            await next(context);
        }
    }

    static bool MayRepeat(HttpContext context) =>
        (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        && !context.RequestAborted.IsCancellationRequested
        && !context.Response.HasStarted
        && context.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: 0 };

    /// <summary>PostgreSQL closed it (57P01 as it shuts down, 57P02 as it crashes), or the stream ended.</summary>
    static bool IsDeadConnection(Exception fault) => fault is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown }
        or NpgsqlException { InnerException: IOException };

    [LoggerMessage(122, LogLevel.Information, "a connection to PostgreSQL was dead, the request is tried once more: {Reason}")]
    partial void LogRepeated(string reason);
}
