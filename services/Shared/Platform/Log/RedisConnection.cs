using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>Connections to Redis: one for commands, and one more for each reader that blocks.</summary>
public sealed class RedisConnection(string address) : IDisposable
{
    readonly Lazy<ConnectionMultiplexer> commands = new(() => Connect(address));

    /// <summary>For commands that answer at once.</summary>
    public IDatabase Commands => commands.Value.GetDatabase();

    /// <summary>Publish and subscribe.</summary>
    public ISubscriber Subscriber => commands.Value.GetSubscriber();

    /// <summary>A connection of its own, for blocking reads. The caller disposes it.</summary>
    public ConnectionMultiplexer OpenBlocking() => Connect(address);

    static ConnectionMultiplexer Connect(string address)
    {
        var options = ConfigurationOptions.Parse(address);
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = 2000;
        options.SyncTimeout = 5000;
        options.KeepAlive = 10;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        return ConnectionMultiplexer.Connect(options);
    }

    public void Dispose()
    {
        // Closing politely waits for outstanding commands, which a dead server never answers.
        if (commands.IsValueCreated) _ = Task.Run(() => commands.Value.Close(allowCommandsToComplete: false));
    }
}
