namespace Allmende.Supervisor;

/// <summary>What <c>tools/up</c> is told, and tests tell.</summary>
public sealed record InstallationOptions
{
    public const int DefaultPort = 8080;

    /// <summary>The directory that holds everything the installation keeps.</summary>
    public required string Data { get; init; }

    /// <summary>The gateway's port; the others count from it (docs/architecture.md). 0 takes a free block.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Whether the city simulator feeds the demo municipalities.</summary>
    public bool Simulator { get; init; } = true;

    /// <summary>Whether the demo municipalities are onboarded.</summary>
    public bool DemoTowns { get; init; } = true;

    /// <summary>Bootstrap servers of a Kafka that becomes the log; null keeps the log in Redis.</summary>
    public string? Kafka { get; init; }

    /// <summary><c>host:port</c> of a Redis that runs already.</summary>
    public string? Redis { get; init; }

    /// <summary>The superuser's URL of a PostgreSQL that runs already.</summary>
    public string? Postgres { get; init; }

    /// <summary>The issuer of an OpenID provider that runs already.</summary>
    public string? Issuer { get; init; }

    /// <summary>The operator's client at <see cref="Issuer"/>; the provider that we start gets one of its own.</summary>
    public ClientCredentials? Operator { get; init; }

    /// <summary>The processes to start besides the engines; all by default. Tests may start fewer.</summary>
    public IReadOnlyList<string> Services { get; init; } = Supervisor.Services.Names;

    /// <summary>Environment variables that are added for every service, such as <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The root of the repository, which has the built services.</summary>
    public string Repository { get; init; } = FindRepository();

    /// <summary>The build to run: <c>Release</c> or <c>Debug</c>; by default as the supervisor itself was built.</summary>
    public string Configuration { get; init; } = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";

    internal static string FindRepository()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Platform.sln")))
                return directory.FullName;
        throw new InstallationException("The repository (Platform.sln) is not above the program.");
    }
}

/// <summary>An OAuth 2 client.</summary>
public sealed record ClientCredentials(string ClientId, string ClientSecret);
