using System.Globalization;
using Allmende.Supervisor.Onboarding;
using Allmende.Supervisor.Processes;

namespace Allmende.Supervisor;

/// <summary>The map of a demo town, drawn by the simulator that knows its streets, shown by Dashboards.</summary>
static class Basemap
{
    public static string PathOf(Municipality town, InstallationOptions options) =>
        Path.GetFullPath(Path.Combine(options.Data, "basemaps", $"{town.Id}.geojson"));

    /// <summary>Writes it if it is not there: a town's streets stay where they are.</summary>
    public static async Task WriteAsync(DemoTown town, InstallationOptions options, CancellationToken cancellation)
    {
        var file = PathOf(town.Municipality, options);
        if (File.Exists(file))
            return;
        await Command.RunAsync("dotnet",
        [
            Services.Program(Path.Combine(options.Repository, "tools/Simulator/Simulator.csproj"), options),
            "--town", town.Municipality.Id,
            "--devices", town.Devices.ToString(CultureInfo.InvariantCulture),
            "--write-basemap", file,
        ], cancellation: cancellation);
    }
}
