using System.Diagnostics;

namespace Allmende.Testing;

/// <summary>Tools from npm that a test project uses, pinned in its <c>package-lock.json</c>.</summary>
/// <param name="directory">Where <c>package.json</c> is.</param>
public sealed class NodePackages(string directory)
{
    /// <summary>Installs them if they are not there.</summary>
    public async Task InstallAsync()
    {
        if (!Directory.Exists(System.IO.Path.Combine(directory, "node_modules"))) await RunAsync("npm", "", "ci", "--no-audit", "--no-fund");
    }

    /// <summary>Runs a program in the directory, with <paramref name="input"/> on its standard input.</summary>
    /// <returns>Its exit code and what it wrote.</returns>
    public async Task<(int Code, string Output, string Errors)> TryAsync(string program, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a program that must succeed, and returns what it wrote.</summary>
    public async Task<string> RunAsync(string program, string input, params string[] arguments)
    {
        var (code, output, errors) = await TryAsync(program, input, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {code}:\n{errors}\n{output}");
    }
}
