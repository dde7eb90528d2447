namespace Allmende.Simulator;

/// <summary>What the command line says.</summary>
sealed class SimulatorOptions
{
    /// <summary>The file that says where the platform is.</summary>
    public required string Platform { get; init; }

    /// <summary>The municipality.</summary>
    public required string Town { get; init; }

    public required int Devices { get; init; }

    /// <summary>The same seed, town and number of devices make the same town.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Longitude and latitude of the town's centre.</summary>
    public required (double Longitude, double Latitude) Centre { get; init; }

    /// <summary>How far back a run starts where nothing was delivered yet.</summary>
    public required TimeSpan History { get; init; }

    /// <summary>How many seconds of the town pass in one.</summary>
    public required double Speed { get; init; }

    /// <summary>Messages a second, all of the present moment, instead of the town's own rhythm; 0 for that.</summary>
    public required double Rate { get; init; }

    /// <summary>How long to run; null: until told to stop.</summary>
    public required TimeSpan? For { get; init; }

    /// <summary>Stop when the past is delivered.</summary>
    public required bool PastOnly { get; init; }

    public required int Connections { get; init; }

    /// <summary>The file that remembers what was delivered.</summary>
    public required string State { get; init; }
}
