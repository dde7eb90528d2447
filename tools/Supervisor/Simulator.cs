using System.Globalization;
using Allmende.Supervisor.Data;
using Allmende.Supervisor.Onboarding;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary>The city simulator (tools/Simulator), one per demo municipality.</summary>
static class Simulator
{
    public static ProcessSpec Spec(DemoTown town, InstallationOptions options, string data)
    {
        var directory = Path.Combine(options.Repository, "tools/Simulator");
        return new ProcessSpec
        {
            Name = $"simulator-{town.Municipality.Id}",
            File = "dotnet",
            Arguments =
            [
                Services.Program(Path.Combine(directory, "Simulator.csproj"), options),
                "--platform", Path.Combine(data, PlatformFile.FileName),
                "--town", town.Municipality.Id,
                "--devices", town.Devices.ToString(CultureInfo.InvariantCulture),
            ],
            WorkingDirectory = directory,
            // A client of the platform: nothing waits for it.
            IsReady = _ => Task.FromResult(true),
        };
    }
}
