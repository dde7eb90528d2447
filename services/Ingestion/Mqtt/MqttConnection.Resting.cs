using Allmende.Ingestion.Mqtt.Protocol;

namespace Allmende.Ingestion.Mqtt;

/// <summary>Who sends too much is read slowly: nothing is taken from the connection for a while, and TCP holds back the rest.</summary>
sealed partial class MqttConnection
{
    /// <summary>How far ahead a client may live that cannot be told that it sends too much: nothing is read from it until that is made up for.</summary>
    static readonly TimeSpan Credit = TimeSpan.FromSeconds(1);

    /// <summary>Milliseconds. A shorter rest is not worth a timer; it adds to the next.</summary>
    const int ShortestRest = 10;

    long restsUntil;
    TaskCompletionSource? resting;

    /// <summary>
    /// What is refused costs its sender time: nothing more is read from it for a while. A client of 3.1.1 that is to be hung up on is kept waiting as well, since it
    /// comes back at once.
    /// </summary>
    /// <returns>The outcome, when it is to be told; null for at once.</returns>
    Task<PublishOutcome>? RestFor(PublishOutcome outcome)
    {
        if (outcome.IsTaken) return null;
        var hold = server.Limits.HoldOf(client.Municipality ?? "");
        Rest(hold);
        return hold > TimeSpan.Zero && level == ProtocolLevel.V311 && outcome.Retry == Retry.Later ? LaterAsync(outcome, hold) : null;
    }

    /// <summary>Nothing is read for so long.</summary>
    void Rest(TimeSpan time)
    {
        var until = Environment.TickCount64 + (long)time.TotalMilliseconds;
        if (until > Volatile.Read(ref restsUntil)) Volatile.Write(ref restsUntil, until);
    }

    static async Task<PublishOutcome> LaterAsync(PublishOutcome outcome, TimeSpan rest)
    {
        await Task.Delay(rest);
        return outcome;
    }

    async Task RestAsync(long milliseconds)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref resting, over);
        if (!IsStopped) await Task.WhenAny(over.Task, Task.Delay((int)milliseconds));
        Volatile.Write(ref resting, null);
        // It is not the client that was silent.
        Volatile.Write(ref packetAt, Environment.TickCount64);
    }
}
