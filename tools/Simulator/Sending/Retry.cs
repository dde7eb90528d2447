using System.Net;

namespace Allmende.Simulator.Sending;

/// <summary>Trying again what failed for a reason that passes.</summary>
static class Retry
{
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    /// <summary>How long to wait before the next attempt: what the platform asked for, else longer each time, up to 15 s.</summary>
    /// <param name="attempt">0 for the first.</param>
    /// <param name="asked">The answer's Retry-After.</param>
    public static TimeSpan Wait(int attempt, TimeSpan? asked)
    {
        var own = TimeSpan.FromMilliseconds(200 * Math.Pow(2, Math.Min(attempt, 7)) * (0.75 + 0.5 * Random.Shared.NextDouble()));
        var wait = asked ?? own;
        return wait > Longest ? Longest : wait;
    }

    /// <summary>The Retry-After of an answer.</summary>
    public static TimeSpan? After(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow is { Ticks: > 0 } left ? left : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>Whether the same request may succeed later.</summary>
    public static bool MayPass(HttpStatusCode status) => (int)status >= 500 || status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;

    /// <summary>Whether the connection, not the request, was at fault.</summary>
    public static bool MayPass(Exception fault) => fault is HttpRequestException or IOException or TimeoutException or TaskCanceledException;

    /// <exception cref="HttpRequestException">The same request may succeed later.</exception>
    public static void ThrowWhereItMayPass(HttpResponseMessage response)
    {
        if (MayPass(response.StatusCode))
            throw new HttpRequestException($"{(int)response.StatusCode} {response.ReasonPhrase}", null, response.StatusCode);
    }

    /// <summary>Tries until it works, or until <paramref name="patience"/> is over and the last fault stands.</summary>
    public static async Task<T> UntilAsync<T>(Func<CancellationToken, Task<T>> action, TimeSpan patience, Action<string> tell, CancellationToken stop)
    {
        var until = DateTime.UtcNow + patience;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await action(stop);
            }
            catch (Exception fault) when (MayPass(fault) && !stop.IsCancellationRequested && DateTime.UtcNow < until)
            {
                if (attempt == 3)
                    tell($"the platform does not answer yet ({fault.Message}); trying on");
                await Task.Delay(Wait(attempt, null), stop);
            }
        }
    }
}
