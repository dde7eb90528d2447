namespace Allmende.Supervisor.Data;

/// <summary>The directory that holds everything an installation keeps; one supervisor at a time.</summary>
sealed class DataDirectory : IDisposable
{
    const string LockFile = "supervisor.lock";
    const long LeastFree = 1L << 30;

    /// <summary>All that is ever written there; <c>down --wipe</c> removes these and nothing else, whatever <c>--data</c> says.</summary>
    static readonly string[] Entries =
        ["postgres", "redis", "identity", "simulator", "logs", Secrets.FileName, PlatformFile.FileName, "supervisor.json", LockFile];

    readonly FileStream held;

    DataDirectory(string path, FileStream held)
    {
        Path = path;
        this.held = held;
    }

    public string Path { get; }

    public string Logs => System.IO.Path.Combine(Path, "logs");

    /// <summary>Takes it; null while another supervisor has it. The kernel gives the lock back however that one ends.</summary>
    public static DataDirectory? Take(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
            var free = new DriveInfo(path).AvailableFreeSpace;
            if (free < LeastFree)
                throw new InstallationException($"The disk of {path} is full: {free >> 20} MB are free, at least {LeastFree >> 20} MB are needed.");
            return new DataDirectory(path, new FileStream(System.IO.Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException)
        {
            throw new InstallationException($"{path} cannot be written; choose another directory with --data DIR, or run as the user who owns it.");
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    /// <summary>Removes all data; the directory, too, when nothing else is in it.</summary>
    public void Wipe()
    {
        foreach (var entry in Entries.Select(entry => System.IO.Path.Combine(Path, entry)))
        {
            if (Directory.Exists(entry))
                Directory.Delete(entry, recursive: true);
            else
                File.Delete(entry);
        }
        if (!Directory.EnumerateFileSystemEntries(Path).Any())
            Directory.Delete(Path);
    }

    public void Dispose() => held.Dispose();

    /// <summary>EWOULDBLOCK, as .NET reports a lock that is held.</summary>
    const int WouldBlock = 11;
}
