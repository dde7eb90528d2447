using Allmende.Simulator.Town;

namespace Allmende.Simulator.Mapping;

/// <summary>What a feature of the town's map shows.</summary>
enum Kind
{
    District,
    Park,
    Water,
    Building,
    Road,
}

/// <summary>One feature of the town's map.</summary>
/// <param name="Kind">What it shows.</param>
/// <param name="Spots">A road's line, or the outline of an area, which ends where it began.</param>
/// <param name="Name">Its name, if it has one.</param>
/// <param name="Main">Of roads: one that leads through the town or out of it.</param>
sealed record Shape(Kind Kind, IReadOnlyList<Spot> Spots, string? Name = null, bool Main = false);
