using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Allmende.Contracts;
using Allmende.Platform.Events;
using Microsoft.Extensions.Caching.Memory;

namespace Allmende.Platform.Security;

/// <summary>
/// Municipalities' API keys, as Identity knows them. Identity is shown the hash, never the key. An answer is remembered for
/// <see cref="RememberedFor"/>, also a no, and forgotten at once when the key is revoked.
/// </summary>
sealed class IdentityApiKeys(IHttpClientFactory http) : IApiKeyVerifier, IEventHandler, IDisposable
{
    static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(30);

    readonly MemoryCache answers = new(new MemoryCacheOptions { SizeLimit = 10_000 });

    public IReadOnlyList<string> Types { get; } = [EventTypes.ApiKeyRevoked];

    public async ValueTask<ApiKeyHolder?> VerifyAsync(string? municipality, string key, CancellationToken cancel)
    {
        if (!ApiKey.Fits(key, ApiKey.MunicipalityPrefix)) return null;
        var hash = ApiKey.Hash(key);
        if (answers.TryGetValue(hash, out ApiKeyHolder? known)) return known;
        var holder = await AskAsync(hash, cancel);
        answers.Set(hash, holder, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = RememberedFor });
        return holder;
    }

    public Task HandleAsync(CloudEvent domainEvent, CancellationToken cancellation)
    {
        answers.Remove(domainEvent.DataAs(ContractsJson.Default.ApiKeyRevoked).Hash);
        return Task.CompletedTask;
    }

    public void Dispose() => answers.Dispose();

    async Task<ApiKeyHolder?> AskAsync(string hash, CancellationToken cancel)
    {
        try
        {
            using var identity = http.CreateClient("identity");
            using var answer = await identity.GetAsync(new Uri("internal/api-keys/" + hash, UriKind.Relative), cancel);
            if (answer.StatusCode == HttpStatusCode.NotFound) return null;
            answer.EnsureSuccessStatusCode();
            return await answer.Content.ReadFromJsonAsync(SecurityJson.Default.ApiKeyHolder, cancel);
        }
        catch (Exception fault) when (fault is HttpRequestException || (fault is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            throw new ProviderUnreachable(fault);
        }
    }
}

/// <summary>JSON of Identity's answer to <c>GET /internal/api-keys/{hash}</c> (SHA-256 of the key, lower-case hexadecimal); 404 where there is no such key.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ApiKeyHolder))]
public sealed partial class SecurityJson : JsonSerializerContext;
