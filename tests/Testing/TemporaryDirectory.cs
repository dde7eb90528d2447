using System.Globalization;
using Allmende.Supervisor.Processes;

namespace Allmende.Testing;

/// <summary>A directory for one test process. What a crashed one left is removed by the next.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    const string Prefix = "allmende-test-";

    static int count;

    TemporaryDirectory(string path) => Path = path;

    public string Path { get; }

    public static TemporaryDirectory Create()
    {
        RemoveLeftOvers();
        var self = ProcessIdentity.Of(Environment.ProcessId)!;
        var path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Prefix}{self.Pid}-{self.StartTime}-{Interlocked.Increment(ref count)}");
        Directory.CreateDirectory(path);
        return new TemporaryDirectory(path);
    }

    public void Dispose()
    {
        try
        {
            if (Directory.Exists(Path))
                Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An engine is still writing its last; the next test process removes the rest.
        }
    }

    static void RemoveLeftOvers()
    {
        foreach (var path in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
        {
            if (System.IO.Path.GetFileName(path)[Prefix.Length..].Split('-') is not [var pid, var start, _])
                continue;
            var owner = new ProcessIdentity(int.Parse(pid, CultureInfo.InvariantCulture), long.Parse(start, CultureInfo.InvariantCulture));
            if (!owner.IsAlive)
                new TemporaryDirectory(path).Dispose();
        }
    }
}
