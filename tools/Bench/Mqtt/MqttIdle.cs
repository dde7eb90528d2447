using System.Net;
using Allmende.Supervisor;

namespace Allmende.Bench.Mqtt;

/// <summary>What connections cost that do nothing.</summary>
/// <param name="Connections">How many were open at once.</param>
/// <param name="Before">Bytes of ingestion without them (proportional set size).</param>
/// <param name="After">Bytes with them.</param>
/// <param name="Seconds">How long it took to open them.</param>
sealed record IdleResult(int Connections, long Before, long After, double Seconds);

/// <summary>Opens many connections and leaves them alone.</summary>
static class MqttIdle
{
    public const int Goal = 50_000;
    public const double GoalMegabytes = 1024;

    const int PortsOfAddress = 20_000;
    const int OtherFiles = 1_000;

    /// <summary>Opens as many as the goal says, or as this machine lets a process have open.</summary>
    public static async Task<IdleResult> RunAsync(Installation installation, Town town)
    {
        var count = Math.Min(Goal, MostOpenFiles() - OtherFiles);
        var port = int.Parse(installation.Access.Mqtt.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        var clients = new Client?[count];
        var before = Memory(installation);
        var since = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (number, _) =>
                clients[number] = await Client.ConnectAsync(port, new IPAddress([127, 0, 1, (byte)(1 + number / PortsOfAddress)]), town.Id, town.DeviceKey, $"idle-{number}", 1800));
            var seconds = since.Elapsed.TotalSeconds;
            await Task.Delay(TimeSpan.FromSeconds(5));
            return new IdleResult(count, before, Memory(installation), seconds);
        }
        finally
        {
            foreach (var client in clients)
                client?.Dispose();
        }
    }

    static long Memory(Installation installation) => installation.Usage().Single(process => process.Name == "ingestion").PssBytes;

    static int MostOpenFiles()
    {
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var columns = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return int.TryParse(columns[1], out var hard) ? hard : int.MaxValue;
    }
}
