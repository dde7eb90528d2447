using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary>Who listens where: ports count from the gateway's (docs/architecture.md).</summary>
/// <param name="Gateway">The gateway's port.</param>
public sealed record Ports(int Gateway)
{
    /// <summary>How many an installation may use, with some for tests.</summary>
    public const int Count = 16;

    public int Provider => Gateway + 8;

    public int Redis => Gateway + 9;

    public int Postgres => Gateway + 10;

    /// <summary>The MQTT door: MQTT's own port on a default installation, elsewhere one that is not taken by another installation.</summary>
    public int Mqtt => Gateway == InstallationOptions.DefaultPort ? 1883 : Gateway + 12;

    /// <summary>A service's port, in the order of <see cref="Services.Names"/>.</summary>
    public int this[string service] => Gateway + Services.Names.ToList().IndexOf(service);

    /// <summary>Says which of the ports that are needed is taken, and by whom.</summary>
    /// <exception cref="InstallationException">One is taken.</exception>
    public static void MustBeFree(IEnumerable<(string Name, int Port)> needed)
    {
        var taken = needed.Where(n => !FreePorts.IsFree(n.Port)).ToList();
        if (taken.Count == 0)
            return;
        var lines = taken.Select(t => $"  port {t.Port}, wanted by {t.Name}, is taken{(Listener.On(t.Port) is { } owner ? $" by {owner}" : "")}");
        throw new InstallationException($"{string.Join('\n', lines)}\nEnd that program, or choose other ports: tools/up --port N uses N to N+{Count - 1}.");
    }
}
