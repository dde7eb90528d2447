using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;

namespace Allmende.Platform;

/// <summary>A named error of an API; the name is part of the API. Each service lists its own in <c>{Service}Errors.cs</c>.</summary>
/// <param name="Name">snake_case; becomes <c>urn:allmende:error:{Name}</c>.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Title">What went wrong, in general.</param>
public sealed record ApiError(string Name, int Status, string Title)
{
    /// <summary>The error as a problem of RFC 9457.</summary>
    /// <param name="detail">What went wrong here and what to do.</param>
    /// <param name="field">Path of the field at fault.</param>
    public ProblemHttpResult Problem(string? detail = null, string? field = null) => TypedResults.Problem(Details(detail, field));

    /// <summary>Several faults at once.</summary>
    /// <param name="faults">What is wrong, by field.</param>
    public ProblemHttpResult Problem(IEnumerable<(string Field, string Fault)> faults)
    {
        var details = Details(null, null);
        details.Extensions["errors"] = faults.GroupBy(fault => fault.Field).ToDictionary(group => group.Key, group => group.Select(fault => fault.Fault).ToArray());
        return TypedResults.Problem(details);
    }

    /// <summary>The error as an exception, for places that cannot return a result.</summary>
    public ApiException Exception(string? detail = null, string? field = null) => new(this, detail, field);

    internal ProblemDetails Details(string? detail, string? field)
    {
        var details = new ProblemDetails { Type = "urn:allmende:error:" + Name, Status = Status, Title = Title, Detail = detail };
        if (field is not null) details.Extensions["field"] = field;
        return details;
    }
}

/// <summary>An <see cref="ApiError"/> on its way to the client.</summary>
public sealed class ApiException(ApiError error, string? detail, string? field) : Exception(detail ?? error.Title)
{
    public ApiError Error { get; } = error;
    public string? Detail { get; } = detail;
    public string? Field { get; } = field;
}

/// <summary>Errors that every service has.</summary>
public static class PlatformErrors
{
    public static readonly ApiError NotFound = new("not_found", 404, "There is nothing here");
    public static readonly ApiError Unauthorized = new("unauthorized", 401, "Authentication is needed");
    public static readonly ApiError Forbidden = new("forbidden", 403, "This is not allowed with the rights you have");
    public static readonly ApiError MalformedRequest = new("malformed_request", 400, "The request cannot be read");
    public static readonly ApiError TooLarge = new("too_large", 413, "The body is too large");
    public static readonly ApiError Unavailable = new("unavailable", 503, "The service cannot do this right now; try again");
    public static readonly ApiError Internal = new("internal", 500, "Something is wrong on our side");
}

/// <summary>The last resort: turns exceptions into problems.</summary>
sealed partial class ProblemExceptionHandler(ILogger<ProblemExceptionHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = 499;
            return true;
        }
        var details = exception switch
        {
            ApiException api => api.Error.Details(api.Detail, api.Field),
            BadHttpRequestException { StatusCode: 413 } => PlatformErrors.TooLarge.Details(null, null),
            BadHttpRequestException bad => PlatformErrors.MalformedRequest.Details(Explain(bad), (bad.InnerException as System.Text.Json.JsonException)?.Path),
            _ when Infrastructure.IsAtFault(exception) => PlatformErrors.Unavailable.Details(null, null),
            _ => PlatformErrors.Internal.Details($"Tell the operator this trace: {Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier}", null),
        };
        if (details.Status >= 500) LogFault(context.Request.Method, context.GetEndpoint()?.DisplayName ?? "", exception);
        context.Response.StatusCode = details.Status!.Value;
        if (details.Status == 503) context.Response.Headers.RetryAfter = "2";
        await TypedResults.Problem(details).ExecuteAsync(context);
        return true;
    }

    static string Explain(BadHttpRequestException bad) => bad.InnerException is System.Text.Json.JsonException json
        ? $"no valid JSON at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}"
        : bad.Message;

    [LoggerMessage(120, LogLevel.Error, "{Method} {Endpoint} failed")]
    partial void LogFault(string method, string endpoint, Exception fault);
}
