using Allmende.Platform;

namespace Allmende.OpenData;

/// <summary>Errors that OpenData answers with, besides the platform's.</summary>
static class OpenDataErrors
{
    public static readonly ApiError InvalidParameter = new("invalid_parameter", 400, "A query parameter is not valid");
    public static readonly ApiError TooManyExports = new("too_many_exports", 429, "Too many downloads at the same time");
}
