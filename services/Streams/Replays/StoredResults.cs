using Allmende.Contracts;

namespace Allmende.Streams.Replays;

/// <summary>Asks Observations, in the caller's name and with his rights, what is stored.</summary>
sealed class StoredResults(IHttpClientFactory http)
{
    static readonly string[] Forwarded = ["Authorization", "X-Api-Key", "traceparent"];

    /// <summary>What is stored under each key, in their order; null for a Datastream that is not there, or that the caller may not see.</summary>
    /// <exception cref="HttpRequestException">Observations does not answer.</exception>
    public async Task<IReadOnlyList<StoredResult?>> FindAsync(string municipality, ObservationKey[] keys, HttpRequest caller, CancellationToken cancellation)
    {
        if (keys.Length == 0) return [];
        using var observations = http.CreateClient("observations");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"internal/{municipality}/observations/stored", UriKind.Relative))
        {
            Content = JsonContent.Create(keys, ContractsJson.Default.ObservationKeyArray),
        };
        foreach (var header in Forwarded)
            if (caller.Headers.TryGetValue(header, out var values)) request.Headers.TryAddWithoutValidation(header, (IEnumerable<string?>)values);
        using var answer = await observations.SendAsync(request, cancellation);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(ContractsJson.Default.StoredResultArray, cancellation))!;
    }
}
