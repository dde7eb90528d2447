using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Allmende.Platform.Security;

/// <summary>
/// Bearer tokens (RFC 6750) and API keys (<c>X-Api-Key</c>). What is no credential of ours leaves the caller anonymous;
/// what is one and does not hold is refused, see <see cref="RefusedCredentials"/>.
/// </summary>
sealed partial class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    AccessTokens tokens,
    IEnumerable<IApiKeyVerifier> keys) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public new const string Scheme = "Token";
    public const string ApiKeyHeader = "X-Api-Key";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var bearer = Bearer();
        var key = Request.Headers[ApiKeyHeader];
        if (bearer is null && key.Count == 0) return AuthenticateResult.NoResult();
        if (key.Count > 1 || (bearer is not null && key.Count == 1)) return AuthenticateResult.Fail("Send one credential.");
        try
        {
            return bearer is null ? await ByKeyAsync(key.ToString()) : await ByTokenAsync(bearer);
        }
        catch (ProviderUnreachable fault)
        {
            LogUnreachable(Logger, fault);
            return AuthenticateResult.Fail(fault);
        }
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
        await PlatformErrors.Unauthorized.Problem(failure?.Message ?? "Send 'Authorization: Bearer …' or 'X-Api-Key: …'.").ExecuteAsync(Context);
    }

    async Task<AuthenticateResult> ByTokenAsync(string token)
    {
        var verdict = await tokens.ValidateAsync(token, Context.RequestAborted);
        return verdict.Principal is { } principal ? Success(principal) : Refuse(verdict.Reason!);
    }

    async Task<AuthenticateResult> ByKeyAsync(string key)
    {
        foreach (var verifier in keys)
            if (await verifier.VerifyAsync(key, Context.RequestAborted) is { } holder) return Success(Caller.Of(holder));
        return Refuse("The API key is unknown or revoked.");
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
