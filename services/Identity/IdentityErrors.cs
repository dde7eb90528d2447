using Allmende.Platform;

namespace Allmende.Identity;

/// <summary>The errors of Identity; their names are API.</summary>
static class IdentityErrors
{
    public static readonly ApiError InvalidMunicipality = new("invalid_municipality", 422, "The municipality cannot be onboarded as described");
    public static readonly ApiError MunicipalityExists = new("municipality_exists", 409, "There is a municipality of this id already");
    public static readonly ApiError DatabaseExists = new("municipality_database_exists", 409, "There is a database of this name that no municipality is registered for");
    public static readonly ApiError OnboardingRuns = new("onboarding_runs", 503, "This municipality is being onboarded by another call");
    public static readonly ApiError OnboardingIncomplete = new("onboarding_incomplete", 503, "Not every service has taken the municipality in yet");
    public static readonly ApiError ProviderFailed = new("identity_provider_failed", 503, "The identity provider did not do as asked");
    public static readonly ApiError NoSuchMunicipality = PlatformErrors.NotFound;
    public static readonly ApiError NoSuchClient = new("client_not_found", 404, "There is no such client");
    public static readonly ApiError NoSuchApiKey = new("api_key_not_found", 404, "There is no such API key");
    public static readonly ApiError InvalidApiKey = new("invalid_api_key_request", 422, "The API key cannot be made as described");
}
