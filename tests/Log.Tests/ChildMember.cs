using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Allmende.Log.Tests.Engines;
using Allmende.Platform.Log;

namespace Allmende.Log.Tests;

/// <summary>A member of a group in a process of its own, to be killed or paused. What it has done it writes into a file, line by line.</summary>
sealed partial class ChildMember : IAsyncDisposable
{
    const int SigKill = 9, SigContinue = 18, SigStop = 19;

    readonly Process process;
    readonly string file;

    ChildMember(Process process, string file) => (this.process, this.file) = (process, file);

    /// <summary>Starts it.</summary>
    /// <param name="engine">Where the log is.</param>
    /// <param name="topic">What it reads.</param>
    /// <param name="group">In which group.</param>
    /// <param name="directory">Where its file goes.</param>
    /// <param name="pause">How long it takes for a record.</param>
    public static ChildMember Start(LogEngine engine, string topic, string group, string directory, TimeSpan pause)
    {
        var file = Path.Combine(directory, Guid.NewGuid().ToString("N") + ".txt");
        File.WriteAllText(file, "");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet");
        foreach (var argument in new[] { typeof(ChildMember).Assembly.Location, engine.Kind, engine.Address, topic, group, file,
            pause.TotalMilliseconds.ToString(CultureInfo.InvariantCulture) })
            start.ArgumentList.Add(argument);
        return new ChildMember(Process.Start(start)!, file);
    }

    /// <summary>What it has done, as far as it could write it down.</summary>
    public IReadOnlyList<string> Values => File.ReadAllText(file).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public void Kill()
    {
        _ = kill(process.Id, SigKill);
        process.WaitForExit();
    }

    public void Pause() => _ = kill(process.Id, SigStop);

    public void Continue() => _ = kill(process.Id, SigContinue);

    public ValueTask DisposeAsync()
    {
        if (!process.HasExited) Kill();
        process.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The child's side.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is not [var kind, var address, var topic, var group, var file, var pause]) return 2;
        var milliseconds = double.Parse(pause, CultureInfo.InvariantCulture);
        await using var open = OpenLog.At(kind, address, options => options.BatchSize = 20);
        await open.Log.ConsumeAsync(topic, group, HandleAsync, CancellationToken.None);
        return 0;

        async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
        {
            var lines = new StringBuilder();
            foreach (var record in batch.Records)
            {
                if (milliseconds > 0) await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), cancellation);
                lines.Append(Encoding.UTF8.GetString(record.Payload.Span)).Append('\n');
            }
            lock (typeof(ChildMember)) File.AppendAllText(file, lines.ToString());
        }
    }

    [LibraryImport("libc")] private static partial int kill(int process, int signal);
}
