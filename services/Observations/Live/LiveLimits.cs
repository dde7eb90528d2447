using System.Collections.Concurrent;
using Allmende.Platform.Security;

namespace Allmende.Observations.Live;

/// <summary>How many streams are open, per municipality and per caller; more are turned away.</summary>
sealed class LiveLimits
{
    readonly ConcurrentDictionary<(string Kind, string Municipality, string Caller), int> open = new();

    /// <summary>A place, given back with its disposal; null and whose limit is reached if there is none.</summary>
    public (IDisposable? Place, string? Fault) Enter(string kind, string municipality, string caller, int most, int mostOfCaller)
    {
        if (!Count((kind, municipality, ""), most)) return (null, $"this municipality has {most} open");
        if (Count((kind, municipality, caller), mostOfCaller)) return (new Place(this, kind, municipality, caller), null);
        Uncount((kind, municipality, ""));
        return (null, $"you have {mostOfCaller} open");
    }

    /// <summary>Who is counted as one: a client, a key, or an address of the public, as the gateway tells it.</summary>
    public static string CallerOf(HttpContext context)
    {
        if (context.User.Identity?.IsAuthenticated == true) return "client " + context.User.Name();
        var forwarded = context.Request.Headers["X-Forwarded-For"].ToString();
        return "address " + (forwarded.Length is > 0 and < 64 ? forwarded : context.Connection.RemoteIpAddress?.ToString());
    }

    bool Count((string, string, string) key, int most)
    {
        if (open.AddOrUpdate(key, 1, static (_, count) => count + 1) <= most) return true;
        Uncount(key);
        return false;
    }

    void Uncount((string, string, string) key)
    {
        if (open.AddOrUpdate(key, 0, static (_, count) => count - 1) <= 0) open.TryRemove(new(key, 0));
    }

    sealed class Place(LiveLimits limits, string kind, string municipality, string caller) : IDisposable
    {
        public void Dispose()
        {
            limits.Uncount((kind, municipality, caller));
            limits.Uncount((kind, municipality, ""));
        }
    }
}
