using Allmende.Platform.Log;
using Microsoft.Extensions.Logging;

namespace Allmende.Log.Tests.Engines;

/// <summary>An engine of the log, over the wire, that can be taken down and brought back.</summary>
abstract class LogEngine : IAsyncDisposable
{
    public abstract string Kind { get; }

    /// <summary>As it stands in the configuration.</summary>
    public abstract string Address { get; }

    /// <summary>Ends it as a crash would.</summary>
    public abstract Task TakeDownAsync();

    /// <summary>Starts it again, with what it had.</summary>
    public abstract Task BringBackAsync();

    public abstract ValueTask DisposeAsync();

    public static async Task<LogEngine> StartAsync(string kind) => kind == "redis" ? await RedisUnderTest.StartAsync() : new KafkaUnderTest();

    /// <summary>A log as a service has it.</summary>
    public OpenLog Open(Action<LogOptions>? configure = null) => OpenLog.At(Kind, Address, configure);
}

/// <summary>A log with its connections.</summary>
sealed class OpenLog(ILog log, LogOptions options, IDisposable? connection) : IAsyncDisposable
{
    public ILog Log => log;

    public LogOptions Options => options;

    public static OpenLog At(string kind, string address, Action<LogOptions>? configure)
    {
        var options = new LogOptions { Kind = kind, Kafka = address, MemberTimeout = TimeSpan.FromSeconds(2), AppendTimeout = TimeSpan.FromSeconds(4) };
        configure?.Invoke(options);
        using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning));
        if (kind == "kafka") return new OpenLog(new KafkaLog(options, loggers.CreateLogger<KafkaLog>()), options, null);
        var connection = new RedisConnection(address);
        return new OpenLog(new RedisLog(connection, options, loggers.CreateLogger<RedisLog>()), options, connection);
    }

    public async ValueTask DisposeAsync()
    {
        await log.DisposeAsync();
        connection?.Dispose();
    }
}
