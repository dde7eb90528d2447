namespace Allmende.Simulator.Town;

/// <summary>Where on earth a town lies.</summary>
/// <param name="Town">The municipality's id.</param>
/// <param name="Longitude">Of its centre.</param>
/// <param name="Latitude">Of its centre.</param>
sealed record Place(string Town, double Longitude, double Latitude);
