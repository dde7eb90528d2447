using System.Net;
using Allmende.Platform;

namespace Allmende.Identity;

/// <summary>Waits until every service has taken a municipality in: <c>GET /internal/municipalities/{m}</c> answers 204.</summary>
sealed class ServicesReady(IHttpClientFactory http, PlatformOptions platform, OnboardingOptions options)
{
    static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>Those that keep nothing of a municipality.</summary>
    static readonly string[] Unconcerned = ["identity", "gateway", "provider"];

    /// <summary>Those that are not ready when patience ends; none as soon as all are.</summary>
    public async Task<IReadOnlyList<string>> MissingAsync(string municipality, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(options.ServicesPatience);
        var asked = platform.Services.Keys.Except(Unconcerned, StringComparer.OrdinalIgnoreCase).ToList();
        var answers = await Task.WhenAll(asked.Select(service => IsReadyAsync(service, municipality, limit.Token)));
        cancel.ThrowIfCancellationRequested();
        return [.. asked.Zip(answers).Where(pair => !pair.Second).Select(pair => pair.First).Order(StringComparer.Ordinal)];
    }

    async Task<bool> IsReadyAsync(string service, string municipality, CancellationToken limit)
    {
        // Named clients carry the service's address and the internal key.
        using var client = http.CreateClient(service.ToLowerInvariant());
        while (!limit.IsCancellationRequested)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri($"internal/municipalities/{municipality}", UriKind.Relative), limit);
                if (answer.StatusCode == HttpStatusCode.NoContent) return true;
                await Task.Delay(AskAgainAfter, limit);
            }
            catch (HttpRequestException)
            {
                // Starting, or being restarted.
                await Task.Delay(AskAgainAfter, CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                // The limit, or the client's own time-out for one answer; the loop tells which.
            }
        }
        return false;
    }
}

/// <summary>Section <c>Identity:Onboarding</c>.</summary>
public sealed class OnboardingOptions
{
    /// <summary>How long a new municipality waits for the services to take it in, before the call is to be repeated.</summary>
    public TimeSpan ServicesPatience { get; set; } = TimeSpan.FromSeconds(60);
}
