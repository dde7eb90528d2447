namespace Allmende.Simulator.World;

/// <summary>What all sensors of a town share: one sky, one river, one light switch.</summary>
sealed class Surroundings
{
    public Surroundings(ulong seed, double longitude, double latitude)
    {
        Noise = new Noise(seed);
        Weather = new Weather(Noise.Of("weather"), longitude, latitude);
        Hydrology = new Hydrology(Noise.Of("hydrology"), Weather);
        Lighting = new Lighting(Weather);
    }

    public Noise Noise { get; }

    public Weather Weather { get; }

    public Hydrology Hydrology { get; }

    public Lighting Lighting { get; }
}
