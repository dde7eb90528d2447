using System.Globalization;

namespace Allmende.Bench.Report;

/// <summary>What it was measured on.</summary>
static class Machine
{
    public static string Description()
    {
        var processor = Value("/proc/cpuinfo", "model name");
        var kilobytes = Value("/proc/meminfo", "MemTotal").Split(' ')[0];
        var gigabytes = double.TryParse(kilobytes, CultureInfo.InvariantCulture, out var memory) ? $"{memory / 1048576:0} GB" : "?";
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors ({processor}), {gigabytes} of memory, .NET {Environment.Version}.");
    }

    static string Value(string file, string name) =>
        File.ReadLines(file).Where(line => line.StartsWith(name, StringComparison.Ordinal)).Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()).FirstOrDefault("?");
}
