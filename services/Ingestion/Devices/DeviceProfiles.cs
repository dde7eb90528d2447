using System.Net;
using Allmende.Contracts;

namespace Allmende.Ingestion.Devices;

/// <summary>Device profiles, which Streams keeps.</summary>
sealed class DeviceProfiles(IHttpClientFactory http)
{
    /// <summary>The profile, or null if there is none of that id.</summary>
    /// <exception cref="HttpRequestException">Streams cannot be asked.</exception>
    public async Task<DeviceProfile?> FindAsync(string municipality, string id, CancellationToken cancellation)
    {
        using var streams = http.CreateClient("streams");
        using var answer = await streams.GetAsync(new Uri($"internal/{municipality}/device-profiles/{id}", UriKind.Relative), cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync(ContractsJson.Default.DeviceProfile, cancellation);
    }
}

/// <summary>What others are told of a device.</summary>
static class DeviceEvents
{
    /// <summary>The device with what its profile says of it; without the profile, which should not be, there are no Datastreams.</summary>
    public static DeviceRegistered Describe(Device device, DeviceProfile? profile) => new(
        device.Id,
        device.Name,
        device.Description,
        device.DevEui,
        device.Profile,
        profile?.Name ?? device.Profile,
        device.Dataset ?? profile?.Dataset ?? device.Profile,
        // The profile's title is for the profile's dataset; one that the device names gets its own name until somebody gives it a title.
        (device.Dataset is null || device.Dataset == profile?.Dataset ? profile?.DatasetName ?? profile?.Name : null) ?? device.Dataset ?? device.Profile,
        device.Location,
        device.ExpectedInterval ?? profile?.ExpectedInterval,
        [.. profile?.Fields.Select(field => new DeviceDatastream(DatastreamOf(device.Id, field), field.Field, field.Name, field.ObservedProperty, field.Unit, field.Range, field.NameEn)) ?? []],
        profile?.Tasks);

    /// <summary>The id of a device's Datastream.</summary>
    public static string DatastreamOf(string device, ProfileField field) => $"{device}.{field.Field}";
}
