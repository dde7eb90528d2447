using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Allmende.Platform.Security;

/// <summary>
/// Bearer tokens (RFC 6750) and API keys (<c>X-Api-Key</c>; as <see cref="BasicCredentials"/> where a route takes those). What is no credential of ours leaves the caller anonymous;
/// what is one and does not hold is refused, see <see cref="RefusedCredentials"/>.
/// </summary>
sealed partial class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    Credentials credentials) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public new const string Scheme = "Token";
    public const string ApiKeyHeader = "X-Api-Key";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var bearer = Bearer();
        var keys = Request.Headers[ApiKeyHeader];
        var password = BasicCredentials.Of(Context)?.Password;
        if (bearer is null && keys.Count == 0 && password is null) return AuthenticateResult.NoResult();
        if (keys.Count > 1 || (keys.Count == 1 && (bearer ?? password) is not null)) return AuthenticateResult.Fail("Send one credential.");
        var verdict = bearer is null
            ? await credentials.VerifyKeyAsync(Context.GetRouteValue("municipality") as string, password ?? keys.ToString(), Context.RequestAborted)
            : await credentials.VerifyTokenAsync(bearer, Context.RequestAborted);
        if (verdict.Principal is { } principal) return Success(principal);
        if (verdict.Unreachable is not { } fault) return Refuse(verdict.Reason!);
        LogUnreachable(Logger, fault);
        return AuthenticateResult.Fail(fault);
    }

    /// <summary>RFC 6750, section 3; and 503 where nobody can say whether the credential holds.</summary>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var failure = (await HandleAuthenticateOnceSafeAsync()).Failure;
        if (failure is ProviderUnreachable)
        {
            Response.Headers.RetryAfter = "2";
            await PlatformErrors.Unavailable.Problem("The identity provider does not answer, so the credential cannot be checked.").ExecuteAsync(Context);
            return;
        }
        Response.Headers.WWWAuthenticate = failure is null
            ? "Bearer realm=\"allmende\""
            : $"Bearer realm=\"allmende\", error=\"invalid_token\", error_description=\"{failure.Message}\"";
        if (BasicCredentials.AreAccepted(Context))
            Response.Headers.WWWAuthenticate = StringValues.Concat(Response.Headers.WWWAuthenticate, "Basic realm=\"allmende\", charset=\"UTF-8\"");
        await PlatformErrors.Unauthorized.Problem(failure?.Message ?? "Send 'Authorization: Bearer …' or 'X-Api-Key: …'.").ExecuteAsync(Context);
    }

    string? Bearer() =>
        AuthenticationHeaderValue.TryParse(Request.Headers[HeaderNames.Authorization], out var header)
        && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && header.Parameter is { Length: > 0 } token ? token : null;

    static AuthenticateResult Success(ClaimsPrincipal principal) => AuthenticateResult.Success(new AuthenticationTicket(principal, Scheme));

    AuthenticateResult Refuse(string reason)
    {
        LogRefused(Logger, reason);
        return AuthenticateResult.Fail(reason);
    }

    [LoggerMessage(150, LogLevel.Information, "a credential is refused: {Reason}")]
    static partial void LogRefused(ILogger logger, string reason);

    [LoggerMessage(151, LogLevel.Warning, "credentials cannot be checked")]
    static partial void LogUnreachable(ILogger logger, Exception fault);
}
