namespace Allmende.Simulator.Tests;

/// <summary>Towns as the command line would make them.</summary>
static class Towns
{
    public static SimulatorOptions Options(int devices = 300, ulong seed = 1, string town = "musterstadt", string platform = "platform.json", string state = "state.json") => new()
    {
        Platform = platform,
        Town = town,
        Devices = devices,
        Seed = seed,
        Centre = (8.38, 51.90),
        History = TimeSpan.FromHours(2),
        Speed = 1,
        Rate = 0,
        For = null,
        PastOnly = true,
        Connections = 4,
        State = state,
    };
}
