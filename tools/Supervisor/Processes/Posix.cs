using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Allmende.Supervisor.Processes;

/// <summary>Signals by their Linux numbers.</summary>
public enum Signal
{
    None = 0,
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
}

/// <summary>The few system calls that .NET does not offer.</summary>
static partial class Posix
{
    const int NoSuchProcess = 3;

    /// <summary>Whether this process runs as root.</summary>
    public static bool IsRoot { get; } = geteuid() == 0;

    /// <summary>Sends a signal; a negative <paramref name="pid"/> means a process group. False when nobody is there any more.</summary>
    public static bool Send(int pid, Signal signal)
    {
        if (kill(pid, (int)signal) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
