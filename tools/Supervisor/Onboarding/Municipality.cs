namespace Allmende.Supervisor.Onboarding;

/// <summary>What the operator says about a municipality when it joins (<c>POST /operator/municipalities</c>).</summary>
/// <param name="Id">Its slug.</param>
/// <param name="Name">Its name.</param>
/// <param name="Ars">Its Regionalschlüssel.</param>
/// <param name="Inhabitants">How many live there.</param>
/// <param name="Center">Longitude and latitude.</param>
/// <param name="DefaultAccess">The access class of new datasets.</param>
public sealed record Municipality(string Id, string Name, string Ars, int Inhabitants, double[] Center, string DefaultAccess)
{
    /// <summary>The town and the village of the demonstration; both are invented (ARS 05999…), their data is open.</summary>
    public static IReadOnlyList<DemoTown> Demo { get; } =
    [
        new(new Municipality("musterstadt", "Musterstadt", "059990001001", 101_000, [8.38, 51.90], "open"), Devices: 300),
        new(new Municipality("nachbardorf", "Nachbardorf", "059990002007", 4_800, [8.47, 51.94], "open"), Devices: 40),
    ];
}

/// <summary>A demo municipality and how many devices the simulator gives it.</summary>
public sealed record DemoTown(Municipality Municipality, int Devices);
