using System.Runtime.InteropServices;
using System.Text;
using Allmende.Supervisor.Data;

namespace Allmende.Supervisor;

/// <summary><c>up</c>: start, say where everything is, supervise until a signal.</summary>
static class Up
{
    /// <summary>The last line of a start.</summary>
    public const string ReadyLine = "Ready. Ctrl-C or tools/down stops everything.";

    public static async Task<int> RunAsync(CommandLine line)
    {
        var options = line.Options;
        if (SayIfRunning(options.Data))
            return 0;
        return line.Detach ? await Detached.RunAsync(line) : await SuperviseAsync(options);
    }

    static async Task<int> SuperviseAsync(InstallationOptions options)
    {
        using var ending = new CancellationTokenSource();
        var ended = new TaskCompletionSource();
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            ending.Cancel();
            ended.TrySetResult();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, End);
        try
        {
            await using var installation = await Installation.StartAsync(options, new Printed(), ending.Token);
            Console.WriteLine($"\n{installation.Timeline.Table()}\n\n{Addresses(installation.Access, options.Data)}\n\n{ReadyLine}");
            await ended.Task;
            Console.WriteLine("Stopping …");
            await installation.StopAsync();
            Console.WriteLine("Stopped; the data is kept.");
            return 0;
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            Console.WriteLine("Stopped before it was ready.");
            return 130;
        }
    }

    /// <summary>Says where an installation that runs in this directory is found; false when none does.</summary>
    static bool SayIfRunning(string data)
    {
        if (RunningState.Of(data) is not { Supervisor.IsAlive: true } running)
            return false;
        Console.WriteLine(running.Ready
            ? $"The platform runs already (supervisor: process {running.Supervisor}).\n\n{Addresses(PlatformFile.Of(data)!, data)}"
            : $"The platform is being started already (supervisor: process {running.Supervisor}); it will answer at {running.Gateway}");
        return true;
    }

    static string Addresses(PlatformFile access, string data)
    {
        var lines = new StringBuilder();
        foreach (var (municipality, _) in access.Municipalities)
            lines.Append($"  portal of {municipality,-24} {access.Gateway}/{municipality}/\n");
        if (access.Municipalities.FirstOrDefault().Key is { } town)
            lines.Append($"  connect a device                   {access.Gateway}/{town}/#view=connect (the access key is the connectKey below)\n");
        lines.Append($"""
              municipalities                     {access.Gateway}/
              SensorThings API                   {access.Gateway}/{access.Municipalities.FirstOrDefault().Key ?? "{municipality}"}/sta/v1.1
              MQTT 3.1.1 and 5.0                 {access.Mqtt} (user name: the municipality, password: a device's key)
              OpenAPI of all services            {access.Gateway}/openapi
              tokens                             {access.TokenEndpoint}
              clients and their secrets          {Path.GetFullPath(Path.Combine(data, PlatformFile.FileName))}
              logs                               {Path.GetFullPath(Path.Combine(data, "logs"))}
            """);
        return lines.ToString();
    }

    sealed class Printed : IProgress<string>
    {
        public void Report(string value) => Console.WriteLine(value);
    }
}
