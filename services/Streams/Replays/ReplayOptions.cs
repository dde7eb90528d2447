namespace Allmende.Streams.Replays;

/// <summary>Bound from <c>Replays</c>.</summary>
sealed class ReplayOptions
{
    /// <summary>For how many days uplinks are kept as they came.</summary>
    public int KeepDays { get; set; } = 14;

    /// <summary>Uplinks of a step; between steps the live ones have their turn.</summary>
    public int Step { get; set; } = 250;

    /// <summary>While so many records of topic <c>uplinks</c> or <c>observations</c> wait, no step is made.</summary>
    public int LargestLag { get; set; } = 1000;

    /// <summary>How long after a replay was accepted it begins: a changed profile's new Datastreams are there by then.</summary>
    public TimeSpan Settle { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How soon it is looked again where a replay waits for its turn.</summary>
    public TimeSpan LookEvery { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often it is looked for replays that another instance took or left: seldom, so that it costs no connection to the municipality's database.</summary>
    public TimeSpan LookedForEvery { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Replays of a municipality that may wait.</summary>
    public int MostWaiting { get; set; } = 20;

    /// <summary>What is wrong with it.</summary>
    public IEnumerable<string> Faults()
    {
        if (KeepDays is < 1 or > 366) yield return "Replays:KeepDays must be 1 to 366";
        if (Step is < 1 or > 1000) yield return "Replays:Step must be 1 to 1000";
        if (LargestLag < 1) yield return "Replays:LargestLag must be 1 or more";
        if (Settle < TimeSpan.Zero || Settle > TimeSpan.FromHours(1)) yield return "Replays:Settle must be 0 to an hour";
        if (LookEvery < TimeSpan.FromMilliseconds(10) || LookEvery > TimeSpan.FromHours(1)) yield return "Replays:LookEvery must be 10 ms to an hour";
        if (LookedForEvery < LookEvery) yield return "Replays:LookedForEvery must not be shorter than LookEvery";
        if (MostWaiting < 1) yield return "Replays:MostWaiting must be 1 or more";
    }
}
