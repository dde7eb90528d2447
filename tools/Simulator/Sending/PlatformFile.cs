using System.Text.Json;

namespace Allmende.Simulator.Sending;

/// <summary>What the simulator needs of <c>platform.json</c>, which <c>tools/up</c> writes.</summary>
/// <param name="Gateway">Address of the one door.</param>
/// <param name="TokenEndpoint">Where tokens come from.</param>
/// <param name="ClientId">The municipality's admin client.</param>
/// <param name="ClientSecret">Its secret.</param>
/// <param name="DeviceKey">The municipality's key for uplinks.</param>
sealed record PlatformFile(Uri Gateway, Uri TokenEndpoint, string ClientId, string ClientSecret, string DeviceKey)
{
    /// <exception cref="SimulatorException">The file is not there, or has not (yet) what is needed.</exception>
    public static PlatformFile Read(string file, string town)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = json.RootElement;
            var municipality = root.GetProperty("municipalities").GetProperty(town);
            var admin = municipality.GetProperty("admin");
            return new PlatformFile(
                new Uri(Text(root, "gateway").TrimEnd('/') + "/"), new Uri(Text(root, "tokenEndpoint")),
                Text(admin, "clientId"), Text(admin, "clientSecret"), Text(municipality, "deviceKey"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SimulatorException($"{file} cannot be read ({e.Message}). tools/up writes it; --platform names another one.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or UriFormatException)
        {
            throw new SimulatorException($"{file} does not say how to reach {town} ({e.Message}).");
        }
    }

    static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString() ?? throw new JsonException($"{name} is null");
}

/// <summary>Something that the caller can put right; its message says what.</summary>
sealed class SimulatorException(string message) : Exception(message);
