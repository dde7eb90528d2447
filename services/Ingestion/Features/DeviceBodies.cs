using Allmende.Contracts;
using Allmende.Ingestion.Devices;
using Microsoft.AspNetCore.Mvc;

namespace Allmende.Ingestion.Features;

/// <summary>What registering and replacing a device have in common.</summary>
static class DeviceBodies
{
    const int LargestBody = 64 * 1024;

    public static RouteHandlerBuilder WithDeviceBody(this RouteHandlerBuilder route, params string[] contentTypes) =>
        route.Accepts<Device>("application/json", contentTypes).WithMetadata(new RequestSizeLimitAttribute(LargestBody));

    /// <summary>Adds a fault to the form if there is no such profile.</summary>
    public static async Task<DeviceProfile?> FindProfileAsync(
        this DeviceForm form, string municipality, Device device, DeviceProfiles profiles, CancellationToken cancellation)
    {
        if (device.Profile.Length == 0) return null; // has a fault already
        var profile = await profiles.FindAsync(municipality, device.Profile, cancellation);
        if (profile is null) form.Add("profile", $"there is no device profile '{device.Profile}'; PUT /{municipality}/device-profiles/{device.Profile} makes it");
        return profile;
    }

    public static IResult Problem(this Stored stored, Device device) => stored switch
    {
        Stored.IdTaken => IngestionErrors.DeviceExists.Problem($"choose another id than '{device.Id}', or PUT it to change it", "id"),
        Stored.DevEuiTaken => IngestionErrors.DevEuiTaken.Problem($"the DevEUI {device.DevEui} belongs to another device", "devEui"),
        _ => stored.Problem(device.Id),
    };

    public static IResult Problem(this Stored stored, string id) => stored == Stored.NoSuchDevice
        ? IngestionErrors.UnknownDevice.Problem($"there is no device '{id}'")
        : throw new ArgumentOutOfRangeException(nameof(stored), stored, null);
}
