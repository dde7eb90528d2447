using Allmende.Platform;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Gateway;

/// <summary><c>/health/ready</c>: the installation is ready when every service behind the door is. The answer is kept for a second.</summary>
sealed class Readiness(IHttpClientFactory http, TimeProvider clock) : IDisposable
{
    static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    readonly SemaphoreSlim asking = new(1, 1);
    (DateTimeOffset At, IReadOnlyList<string> Missing)? last;

    public async Task<Results<ContentHttpResult, ProblemHttpResult>> AnswerAsync(CancellationToken cancel)
    {
        var missing = await MissingAsync(cancel);
        return missing.Count == 0
            ? TypedResults.Text("""{"status":"ready"}""", "application/json")
            : PlatformErrors.Unavailable.Problem("not ready: " + string.Join(", ", missing));
    }

    public void Dispose() => asking.Dispose();

    async Task<IReadOnlyList<string>> MissingAsync(CancellationToken cancel)
    {
        await asking.WaitAsync(cancel);
        try
        {
            if (last is { } kept && clock.GetUtcNow() - kept.At < KeptFor) return kept.Missing;
            var answers = await Task.WhenAll(RouteTable.Services.Select(service => IsReadyAsync(service, cancel)));
            last = (clock.GetUtcNow(), [.. RouteTable.Services.Zip(answers).Where(pair => !pair.Second).Select(pair => pair.First)]);
            return last.Value.Missing;
        }
        finally
        {
            asking.Release();
        }
    }

    async Task<bool> IsReadyAsync(string service, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            using var client = http.CreateClient(service);
            using var answer = await client.GetAsync(new Uri("health/ready", UriKind.Relative), limit.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested && fault is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
