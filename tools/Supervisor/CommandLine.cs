using System.Globalization;

namespace Allmende.Supervisor;

/// <summary>What the program was asked to do.</summary>
sealed record CommandLine(string Command, InstallationOptions Options)
{
    /// <summary>Whether <c>down</c> removes the data.</summary>
    public bool Wipe { get; init; }

    /// <summary>Whether <c>up</c> returns when everything is ready.</summary>
    public bool Detach { get; init; }

    /// <summary>The arguments without <c>--detach</c>.</summary>
    public IReadOnlyList<string> Undetached { get; init; } = [];

    public const string Usage = """
        tools/up [options]           starts the platform and supervises it; Ctrl-C stops all
          --detach                   returns when everything is ready; tools/down stops it
          --no-simulator             without the city simulator
          --data DIR                 where all data is kept (default .run/)
          --port N                   the gateway's port; the others follow it (default 8080)
          --kafka HOST:PORT          uses this Kafka as the log
          --redis HOST:PORT          uses this Redis instead of starting one
          --postgres URL             uses this PostgreSQL: postgresql://superuser:password@host:port
          --issuer URL               uses this OpenID provider; OPERATOR_CLIENT_ID and OPERATOR_CLIENT_SECRET
                                     name the operator's client there, Identity__Provider__* identity's
        tools/down [--wipe] [--data DIR]
          --wipe                     also removes the data
        """;

    /// <summary>Reads the arguments; a value follows its option or an equals sign.</summary>
    /// <exception cref="InstallationException">They are not understood; the message says which.</exception>
    public static CommandLine Parse(IEnumerable<string> arguments)
    {
        var words = arguments.SelectMany(word => word.StartsWith("--", StringComparison.Ordinal) ? word.Split('=', 2) : [word]).ToList();
        var line = new CommandLine(words.FirstOrDefault() ?? "", new InstallationOptions { Data = DefaultData, Operator = OperatorOf(System.Environment.GetEnvironmentVariable) })
        {
            Undetached = words.Where(word => word != "--detach").ToList(),
        };
        for (var rest = new Queue<string>(words.Skip(1)); rest.TryDequeue(out var option);)
            line = line.With(option, () => rest.TryDequeue(out var value) ? value : throw new InstallationException($"{option} wants a value.\n\n{Usage}"));
        return line;
    }

    /// <summary>Beside the sources, wherever the command is given.</summary>
    static string DefaultData => Path.Combine(InstallationOptions.FindRepository(), ".run");

    CommandLine With(string option, Func<string> value) => (Command, option) switch
    {
        (_, "--data") => this with { Options = Options with { Data = Path.GetFullPath(value()) } },
        ("down", "--wipe") => this with { Wipe = true },
        ("up", "--detach") => this with { Detach = true },
        ("up", "--no-simulator") => this with { Options = Options with { Simulator = false } },
        ("up", "--port") => this with { Options = Options with { Port = PortOf(value()) } },
        ("up", "--kafka") => this with { Options = Options with { Kafka = value() } },
        ("up", "--redis") => this with { Options = Options with { Redis = value() } },
        ("up", "--postgres") => this with { Options = Options with { Postgres = value() } },
        ("up", "--issuer") => this with { Options = Options with { Issuer = value() } },
        _ => throw new InstallationException($"{option} is not understood.\n\n{Usage}"),
    };

    static int PortOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 - Ports.Count
            ? port
            : throw new InstallationException($"--port wants a number from 1 to {65535 - Ports.Count}, not {text}.");

    static ClientCredentials? OperatorOf(Func<string, string?> variable) =>
        variable("OPERATOR_CLIENT_ID") is { } id && variable("OPERATOR_CLIENT_SECRET") is { } secret ? new ClientCredentials(id, secret) : null;
}
