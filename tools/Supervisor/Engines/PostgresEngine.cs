using System.Globalization;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor.Engines;

/// <summary>A private PostgreSQL 15 with all data in one directory, tuned for a small machine and never at the cost of durability.</summary>
public sealed class PostgresEngine : IAsyncDisposable
{
    /// <summary>Where Debian keeps the programs.</summary>
    public const string Programs = "/usr/lib/postgresql/15/bin";

    const string Superuser = "postgres";
    const int LongestSocketPath = 107;

    readonly string directory;
    readonly string password;

    PostgresEngine(string directory, int port, string password, string logs, Action<ManagedProcess, string>? tell)
    {
        this.directory = directory;
        this.password = password;
        Port = port;
        Process = new ManagedProcess(Spec(), logs, tell);
    }

    /// <summary>The supervised process.</summary>
    public ManagedProcess Process { get; }

    public int Port { get; }

    /// <summary>The superuser's way in.</summary>
    public PostgresServer Server => new("127.0.0.1", Port, Superuser, password);

    /// <summary>Starts the server; the first time it makes the cluster.</summary>
    /// <param name="directory">The data directory, made if missing.</param>
    /// <param name="port">The port on 127.0.0.1.</param>
    /// <param name="password">The superuser's password, of the first start.</param>
    /// <param name="logs">The directory of <c>postgres.log</c>.</param>
    /// <param name="tell">Is told of starts and deaths.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<PostgresEngine> StartAsync(
        string directory, int port, string password, string logs, Action<ManagedProcess, string>? tell = null, CancellationToken cancellation = default)
    {
        if (!File.Exists(Path.Combine(Programs, "postgres")))
            throw new InstallationException($"PostgreSQL 15 is not installed ({Programs}): apt-get install postgresql-15 postgresql-15-postgis-3");
        var engine = new PostgresEngine(Path.GetFullPath(directory), port, password, logs, tell);
        await engine.MakeClusterAsync(cancellation);
        await engine.Process.StartAsync(cancellation);
        return engine;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    async Task MakeClusterAsync(CancellationToken cancellation)
    {
        // global/pg_control is written last but one: without it, initdb was interrupted and starts over.
        if (File.Exists(Path.Combine(directory, "global", "pg_control")) && File.Exists(Path.Combine(directory, "PG_VERSION")))
            return;
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        await Account.MakeDirectoryAsync(directory, Superuser, cancellation);
        var secret = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            await File.WriteAllTextAsync(secret, password, cancellation);
            File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (Posix.IsRoot)
                await Command.RunAsync("chown", [Superuser, secret], cancellation: cancellation);
            await Command.RunAsync(
                Path.Combine(Programs, "initdb"),
                ["-D", directory, "-U", Superuser, "--auth=scram-sha-256", $"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"],
                Superuser, directory, cancellation);
        }
        finally
        {
            File.Delete(secret);
        }
    }

    ProcessSpec Spec() => new()
    {
        Name = "postgres",
        File = Path.Combine(Programs, "postgres"),
        Arguments = ["-D", directory, .. Settings().SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })],
        WorkingDirectory = directory,
        User = Superuser,
        // "Fast" shutdown: sessions are ended. SIGTERM would wait until the last one leaves by itself.
        StopSignal = Signal.Interrupt,
        IsReady = async cancellation =>
        {
            await Server.ExecuteAsync("postgres", "SELECT 1", cancellation);
            return true;
        },
    };

    Dictionary<string, string> Settings()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20;
        return new Dictionary<string, string>
        {
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["listen_addresses"] = "127.0.0.1",
            ["unix_socket_directories"] = Path.Combine(directory, ".s.PGSQL.65535.lock").Length <= LongestSocketPath ? directory : "",
            ["max_connections"] = "200",
            ["shared_buffers"] = $"{Math.Clamp(memory / 16, 64, 256)}MB",
            ["effective_cache_size"] = $"{memory / 2}MB",
            ["work_mem"] = "8MB",
            ["maintenance_work_mem"] = "64MB",
            ["fsync"] = "on",
            ["full_page_writes"] = "on",
            ["synchronous_commit"] = "on",
            ["wal_compression"] = "lz4",
            ["max_wal_size"] = "2GB",
            ["min_wal_size"] = "160MB",
            ["checkpoint_timeout"] = "15min",
            ["checkpoint_completion_target"] = "0.9",
            ["random_page_cost"] = "1.1",
            ["jit"] = "off",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            ["log_line_prefix"] = "%m %d %u ",
            // Statements may carry personal data.
            ["log_min_error_statement"] = "panic",
            ["log_checkpoints"] = "off",
        };
    }
}
