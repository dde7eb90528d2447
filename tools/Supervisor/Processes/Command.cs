using System.Diagnostics;

namespace Allmende.Supervisor.Processes;

/// <summary>A short command that is run to its end.</summary>
static class Command
{
    /// <summary>Runs it and returns what it printed.</summary>
    /// <exception cref="InstallationException">It is missing or failed; the message has what it said.</exception>
    public static async Task<string> RunAsync(
        string file, IReadOnlyList<string> arguments, string? user = null, string? directory = null, CancellationToken cancellation = default)
    {
        var change = Account.Switch(user, directory);
        var start = new ProcessStartInfo(change.Count > 0 ? "setpriv" : file) { RedirectStandardOutput = true, RedirectStandardError = true };
        IEnumerable<string> all = change.Count > 0 ? [.. change, "--", file, .. arguments] : arguments;
        foreach (var argument in all)
            start.ArgumentList.Add(argument);
        // The current directory may be closed to the other user; initdb warns about that.
        if (change.Count > 0)
            start.WorkingDirectory = "/";
        using var process = await Spawner.StartAsync(start);
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0
            ? await output
            : throw new InstallationException($"{file} {string.Join(' ', arguments)} failed ({process.ExitCode}): {(await errors + await output).Trim()}");
    }
}
