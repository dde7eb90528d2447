using System.Diagnostics;

namespace Allmende.Supervisor;

/// <summary><c>up --detach</c>: another supervisor in the background, followed until it is ready.</summary>
static class Detached
{
    /// <summary>Starts it with the same arguments, prints what it prints, and returns when it is ready or has ended.</summary>
    public static async Task<int> RunAsync(CommandLine line)
    {
        var log = Path.Combine(Path.GetFullPath(line.Options.Data), "logs", "supervisor.log");
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        await using var printed = new FileStream(log, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        printed.Seek(0, SeekOrigin.End);
        // A session of its own, and no terminal: closing this one does not end it.
        var start = new ProcessStartInfo("setsid");
        foreach (var argument in (string[])["sh", "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, System.Environment.ProcessPath!, .. Self(), .. line.Undetached])
            start.ArgumentList.Add(argument);
        using var supervisor = Process.Start(start)!;
        using var reader = new StreamReader(printed);
        while (true)
        {
            var ended = supervisor.HasExited;
            while (await reader.ReadLineAsync() is { } text)
            {
                Console.WriteLine(text);
                if (text == Up.ReadyLine)
                    return 0;
            }
            if (ended)
                return supervisor.ExitCode;
            await Task.Delay(50);
        }
    }

    /// <summary>The program itself, when it is run by <c>dotnet</c>.</summary>
    static IEnumerable<string> Self() => Path.GetFileName(System.Environment.ProcessPath) == "dotnet" ? [typeof(Detached).Assembly.Location] : [];
}
