using System.Globalization;

namespace Allmende.Supervisor;

/// <summary>What the program was asked to do.</summary>
sealed record CommandLine(string Command, InstallationOptions Options, bool Wipe)
{
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

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="InstallationException">They are not understood; the message says which.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var options = new InstallationOptions { Data = ".run", Operator = OperatorOf(System.Environment.GetEnvironmentVariable) };
        var (command, wipe) = (arguments.Count > 0 ? arguments[0] : "", false);
        for (var i = 1; i < arguments.Count; i++)
        {
            var name = arguments[i];
            string Value() => ++i < arguments.Count ? arguments[i] : throw new InstallationException($"{name} wants a value.\n\n{Usage}");
            switch (command, name)
            {
                case (_, "--data"): options = options with { Data = Value() }; break;
                case ("down", "--wipe"): wipe = true; break;
                case ("up", "--no-simulator"): options = options with { Simulator = false }; break;
                case ("up", "--port"): options = options with { Port = PortOf(Value()) }; break;
                case ("up", "--kafka"): options = options with { Kafka = Value() }; break;
                case ("up", "--redis"): options = options with { Redis = Value() }; break;
                case ("up", "--postgres"): options = options with { Postgres = Value() }; break;
                case ("up", "--issuer"): options = options with { Issuer = Value() }; break;
                default: throw new InstallationException($"{name} is not understood.\n\n{Usage}");
            }
        }
        return new CommandLine(command, options, wipe);
    }

    static int PortOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 - Ports.Count
            ? port
            : throw new InstallationException($"--port wants a number from 1 to {65535 - Ports.Count}, not {text}.");

    static ClientCredentials? OperatorOf(Func<string, string?> variable) =>
        variable("OPERATOR_CLIENT_ID") is { } id && variable("OPERATOR_CLIENT_SECRET") is { } secret ? new ClientCredentials(id, secret) : null;
}
