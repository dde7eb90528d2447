using System.Net;
using Allmende.Platform;

namespace Allmende.OpenData.Upstream;

/// <summary>
/// Asks Observations in the caller's name: their credentials go along, so it decides by the same rights as for any other door. Its answers are NDJSON
/// that is read as it comes.
/// </summary>
sealed class ObservationsClient(IHttpClientFactory http, OpenDataOptions options)
{
    /// <summary>Name under <c>Platform:Services</c>.</summary>
    public const string Service = "observations";

    static readonly string[] Forwarded = ["Authorization", "X-Api-Key", "If-None-Match", "traceparent"];

    /// <summary>Observations of a dataset by Datastream and time: <c>["2026-11-21T10:00:00Z","pegel-1","Pegel Altstadt","pegel-1.distance","Abstand","water_level","mm",4507,"good",8.38,51.9]</c>.</summary>
    public Task<Answer> ObservationsAsync(string municipality, string dataset, Selection selection, HttpRequest caller, CancellationToken cancellation) =>
        AskAsync($"{Of(municipality, dataset)}/observations{selection.ToQuery()}", caller, cancellation);

    /// <summary>Things of a dataset with their latest values: <see cref="Formats.Thing"/>.</summary>
    public Task<Answer> ThingsAsync(string municipality, string dataset, HttpRequest caller, CancellationToken cancellation) =>
        AskAsync($"{Of(municipality, dataset)}/things", caller, cancellation);

    static string Of(string municipality, string dataset) => $"internal/{municipality}/datasets/{Uri.EscapeDataString(dataset)}";

    async Task<Answer> AskAsync(string path, HttpRequest caller, CancellationToken cancellation)
    {
        var client = http.CreateClient(Service);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        foreach (var header in Forwarded)
            if (caller.Headers.TryGetValue(header, out var values)) request.Headers.TryAddWithoutValidation(header, (IEnumerable<string?>)values);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotModified) return new Answer(new Lines(response, options.UpstreamSilence), null);
        using (response)
            return new Answer(null, response.StatusCode switch
            {
                HttpStatusCode.NotFound => PlatformErrors.NotFound,
                HttpStatusCode.Unauthorized => PlatformErrors.Unauthorized,
                HttpStatusCode.Forbidden => PlatformErrors.Forbidden,
                _ => PlatformErrors.Unavailable,
            });
    }
}

/// <summary>What Observations answered: lines to read, or why there are none.</summary>
sealed record Answer(Lines? Lines, ApiError? Error);
