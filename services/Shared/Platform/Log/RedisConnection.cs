using StackExchange.Redis;

namespace Allmende.Platform.Log;

/// <summary>Connections to Redis: one for commands, and one more for each reader that blocks.</summary>
public sealed class RedisConnection(string address) : IDisposable
{
    readonly Lazy<ConnectionMultiplexer> commands = new(() => Connect(address, subscribes: true));

    /// <summary>For commands that answer at once.</summary>
    public IDatabase Commands => commands.Value.GetDatabase();

    /// <summary>Publish and subscribe.</summary>
    public ISubscriber Subscriber => commands.Value.GetSubscriber();

    /// <summary>A connection of its own, for blocking reads. The caller closes it.</summary>
    public ConnectionMultiplexer OpenBlocking() => Connect(address, subscribes: false);

    static ConnectionMultiplexer Connect(string address, bool subscribes)
    {
        var options = ConfigurationOptions.Parse(address);
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = 2000;
        options.SyncTimeout = 5000;
        options.KeepAlive = 10;
        // What was refused because Redis was away must not be written when it comes back.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        // INFO counts as a command of administrators.
        options.AllowAdmin = true;
        // Answers are read as arrays of arrays; the newer protocol makes maps of some.
        options.Protocol = RedisProtocol.Resp2;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        // Without this command the client opens no second socket for subscriptions.
        if (!subscribes) options.CommandMap = CommandMap.Create(["SUBSCRIBE"], available: false);
        return ConnectionMultiplexer.Connect(options);
    }

    /// <summary>Closes in the background: politeness waits for outstanding commands, which a dead server never answers.</summary>
    internal static void CloseSoon(ConnectionMultiplexer connection) => _ = Task.Run(() => connection.Close(allowCommandsToComplete: false));

    public void Dispose()
    {
        if (commands.IsValueCreated) CloseSoon(commands.Value);
    }
}
