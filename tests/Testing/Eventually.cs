using System.Diagnostics;
using NUnit.Framework;

namespace Allmende.Testing;

/// <summary>Waiting for what will be so, instead of sleeping.</summary>
public static class Eventually
{
    /// <summary>Asks again until the answer is not null, and returns it; fails the test after <paramref name="timeout"/> (30 s).</summary>
    public static async Task<T> GetAsync<T>(Func<Task<T?>> ask, string what, TimeSpan? timeout = null)
    {
        var limit = timeout ?? TimeSpan.FromSeconds(30);
        var since = Stopwatch.StartNew();
        while (true)
        {
            var answer = await ask();
            if (answer is not null)
                return answer;
            if (since.Elapsed > limit)
                throw new AssertionException($"After {limit.TotalSeconds:0} s there is still no {what}.");
            await Task.Delay(20);
        }
    }

    /// <summary>Asks again until it is true; fails the test after <paramref name="timeout"/> (30 s).</summary>
    public static async Task TrueAsync(Func<Task<bool>> ask, string what, TimeSpan? timeout = null) =>
        await GetAsync(async () => await ask() ? "yes" : null, what, timeout);
}
