using System.Globalization;

namespace Allmende.Supervisor.Processes;

/// <summary>Who listens on a port.</summary>
static class Listener
{
    const string Listening = "0A";

    /// <summary>The process, such as <c>nginx (process 4711)</c>; null when that cannot be seen.</summary>
    public static string? On(int port)
    {
        var sockets = Sockets("/proc/net/tcp", port).Concat(Sockets("/proc/net/tcp6", port)).Select(inode => $"socket:[{inode}]").ToHashSet();
        foreach (var process in Stat.All())
            if (Links($"/proc/{process.Pid}/fd").Any(sockets.Contains))
                return $"{File.ReadAllText($"/proc/{process.Pid}/comm").Trim()} (process {process.Pid})";
        return null;
    }

    static IEnumerable<string> Sockets(string table, int port) =>
        from line in File.Exists(table) ? File.ReadLines(table).Skip(1) : []
        let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where fields[3] == Listening && fields[1].EndsWith(":" + port.ToString("X4", CultureInfo.InvariantCulture), StringComparison.Ordinal)
        select fields[9];

    static List<string> Links(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFiles(directory).Select(file => new FileInfo(file).LinkTarget ?? "")];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
