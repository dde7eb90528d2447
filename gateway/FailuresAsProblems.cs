using System.Globalization;
using Allmende.Platform;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Allmende.Gateway;

/// <summary>What goes wrong between here and a service is told as a problem (RFC 9457) with what to do, never as a bare 502.</summary>
sealed partial class FailuresAsProblems(RequestDelegate next, GatewayOptions options, ILogger<FailuresAsProblems> logger)
{
    static readonly ApiError TookTooLong = new("timeout", 504, "The service took too long");
    static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);

        var failure = context.Features.Get<IForwarderErrorFeature>();
        if (failure is null || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        var service = context.Features.Get<IReverseProxyFeature>()?.Route.Config.ClusterId ?? "";
        context.Response.Clear();
        await Problem(context, failure, service).ExecuteAsync(context);
    }

    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Problem(HttpContext context, IForwarderErrorFeature failure, string service)
    {
        if (Bad(failure.Exception) is { StatusCode: var status })
            return status == StatusCodes.Status413PayloadTooLarge
                ? PlatformErrors.TooLarge.Problem($"At most {options.MaxBodyBytes} bytes are taken.")
                : PlatformErrors.MalformedRequest.Problem();
        if (failure.Error == ForwarderError.RequestTimedOut)
        {
            LogTimeout(service);
            return TookTooLong.Problem($"{service} did not answer in time. Ask for less, or later.");
        }
        LogUnreachable(service, failure.Error, failure.Exception?.Message);
        context.Response.Headers.RetryAfter = TryAgainAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return PlatformErrors.Unavailable.Problem($"{service} cannot be reached right now.");
    }

    /// <summary>The client's own fault, where it is one.</summary>
    static BadHttpRequestException? Bad(Exception? fault) => fault switch
    {
        BadHttpRequestException bad => bad,
        AggregateException several => several.InnerExceptions.Select(Bad).FirstOrDefault(bad => bad is not null),
        { InnerException: { } inner } => Bad(inner),
        _ => null,
    };

    [LoggerMessage(1300, LogLevel.Warning, "{Service} cannot be reached: {Error}, {Reason}")]
    partial void LogUnreachable(string service, ForwarderError error, string? reason);

    [LoggerMessage(1301, LogLevel.Warning, "{Service} did not answer in time")]
    partial void LogTimeout(string service);
}
