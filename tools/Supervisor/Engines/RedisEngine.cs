using System.Globalization;
using System.Net.Sockets;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor.Engines;

/// <summary>A private Redis that is a log, not a cache: every write is on disk before it is acknowledged, and nothing is evicted.</summary>
public sealed class RedisEngine : IAsyncDisposable
{
    const string Program = "/usr/bin/redis-server";
    const string User = "redis";

    RedisEngine(string directory, int port, string logs, Action<ManagedProcess, string>? tell)
    {
        Port = port;
        Process = new ManagedProcess(Spec(directory, port), logs, tell);
    }

    /// <summary>The supervised process.</summary>
    public ManagedProcess Process { get; }

    public int Port { get; }

    /// <summary><c>host:port</c>, as services take it in <c>Platform__Redis</c>.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Starts the server on 127.0.0.1 and waits until it has read its data.</summary>
    public static async Task<RedisEngine> StartAsync(
        string directory, int port, string logs, Action<ManagedProcess, string>? tell = null, CancellationToken cancellation = default)
    {
        if (!File.Exists(Program))
            throw new InstallationException($"Redis is not installed ({Program}): apt-get install redis-server");
        directory = Path.GetFullPath(directory);
        await Account.MakeDirectoryAsync(directory, User, cancellation);
        var engine = new RedisEngine(directory, port, logs, tell);
        await engine.Process.StartAsync(cancellation);
        return engine;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    /// <summary>Whether a Redis answers at <paramref name="address"/> and has its data in memory.</summary>
    public static async Task<bool> AnswersAsync(string address, CancellationToken cancellation)
    {
        var colon = address.LastIndexOf(':');
        using var client = new TcpClient();
        await client.ConnectAsync(address[..colon], int.Parse(address[(colon + 1)..], CultureInfo.InvariantCulture), cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync("PING\r\n"u8.ToArray(), cancellation);
        var answer = new byte[5];
        await stream.ReadExactlyAsync(answer, cancellation);
        return answer.AsSpan().SequenceEqual("+PONG"u8);
    }

    static ProcessSpec Spec(string directory, int port) => new()
    {
        Name = "redis",
        File = Program,
        Arguments =
        [
            "--port", port.ToString(CultureInfo.InvariantCulture),
            "--bind", "127.0.0.1",
            "--protected-mode", "yes",
            "--dir", directory,
            "--daemonize", "no",
            "--appendonly", "yes",
            "--appendfsync", "always",
            "--aof-use-rdb-preamble", "yes",
            // Also while the file is rewritten, a write is acknowledged only when it is on disk.
            "--no-appendfsync-on-rewrite", "no",
            "--auto-aof-rewrite-percentage", "100",
            "--auto-aof-rewrite-min-size", "256mb",
            // A record cut off by a crash was never acknowledged; Redis drops it and starts.
            "--aof-load-truncated", "yes",
            "--maxmemory-policy", "noeviction",
            "--save", "",
        ],
        WorkingDirectory = directory,
        User = User,
        IsReady = cancellation => AnswersAsync($"127.0.0.1:{port}", cancellation),
        ReadyTimeout = TimeSpan.FromMinutes(5),
    };
}
