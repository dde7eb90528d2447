namespace Allmende.Supervisor.Processes;

/// <summary>Running engines as their own user when the supervisor is root: PostgreSQL refuses to run as root, and Redis need not.</summary>
static class Account
{
    /// <summary>The arguments of <c>setpriv</c> that switch to <paramref name="user"/>; none when not root.</summary>
    /// <param name="user">The account, or null to stay what we are.</param>
    /// <param name="directory">A directory that the process must reach.</param>
    public static IReadOnlyList<string> Switch(string? user, string? directory)
    {
        if (user is null || !Posix.IsRoot)
            return [];
        string[] change = [$"--reuid={user}", $"--regid={user}", "--init-groups"];
        // A clone below /root (0700) is closed to other users: then the one right to pass through directories goes along.
        return directory is null || IsOpenToAll(directory)
            ? change
            : [.. change, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
    }

    /// <summary>Makes a directory that only the process's user may enter.</summary>
    public static async Task MakeDirectoryAsync(string directory, string user, CancellationToken cancellation) =>
        await Command.RunAsync("install", Posix.IsRoot ? ["-d", "-m", "0700", "-o", user, "-g", user, directory] : ["-d", "-m", "0700", directory], cancellation: cancellation);

    static bool IsOpenToAll(string directory)
    {
        for (var parent = Path.GetDirectoryName(Path.GetFullPath(directory)); parent is not null; parent = Path.GetDirectoryName(parent))
            if (Directory.Exists(parent) && !File.GetUnixFileMode(parent).HasFlag(UnixFileMode.OtherExecute))
                return false;
        return true;
    }
}
