using System.Text.Json;
using Allmende.Contracts;
using Allmende.Ingestion.Devices;

namespace Allmende.Ingestion.Features;

/// <summary>A device as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Profile">Its profile.</param>
/// <param name="DevEui">16 hexadecimal digits.</param>
/// <param name="Location">GeoJSON Point.</param>
/// <param name="Description">For people.</param>
/// <param name="Dataset">Where it is not the profile's.</param>
/// <param name="ExpectedInterval">Seconds, where they are not the profile's.</param>
/// <param name="RegisteredAt">When it was registered.</param>
/// <param name="ChangedAt">When its description or key changed.</param>
/// <param name="LastSeen">Its last uplink; some seconds behind.</param>
/// <param name="Thing">Its Thing in the SensorThings API.</param>
/// <param name="Tags">By which it is found.</param>
/// <param name="Group">The group that it belongs to.</param>
/// <param name="Department">Who answers for it.</param>
/// <param name="Notes">For those who look after it.</param>
/// <param name="InstalledAt">When it was put up.</param>
/// <param name="ExternalIds">What other systems call it.</param>
/// <param name="State">planned, installed, active, silent, faulty or retired.</param>
/// <param name="StateSince">Since when.</param>
/// <param name="Photo">Link of its photo, if it has one.</param>
/// <param name="Health">ok, weak, silent or faulty; missing where it is not expected to send.</param>
/// <param name="Conditions">What is wrong with it now.</param>
/// <param name="PreviousDevEuis">Of devices that it has replaced, the last one first.</param>
public sealed record DeviceAnswer(
    string Id, string Name, string Profile, string? DevEui, JsonElement? Location, string? Description, string? Dataset, int? ExpectedInterval,
    DateTime RegisteredAt, DateTime ChangedAt, LastSeen? LastSeen, string Thing,
    IReadOnlyList<string>? Tags, string? Group, string? Department, string? Notes, DateTimeOffset? InstalledAt, IReadOnlyDictionary<string, string>? ExternalIds,
    string State, DateTime StateSince, string? Photo, string? Health, IReadOnlyList<OpenCondition> Conditions, IReadOnlyList<string>? PreviousDevEuis)
{
    internal static DeviceAnswer Of(RegisteredDevice registered, SensorThings things, string municipality)
    {
        var device = registered.Device;
        return new(device.Id, device.Name, device.Profile, device.DevEui, device.Location, device.Description, device.Dataset, device.ExpectedInterval,
            registered.RegisteredAt, registered.ChangedAt, registered.LastSeen, things.ThingLink(municipality, device.Id),
            device.Tags, device.Group, device.Department, device.Notes, device.InstalledAt, device.ExternalIds,
            registered.State, registered.StateSince, registered.HasPhoto ? things.PhotoLink(municipality, device.Id) : null,
            HealthOf(registered), registered.Conditions, registered.PreviousDevEuis is { Length: > 0 } previous ? previous : null);
    }

    static string? HealthOf(RegisteredDevice device) => device.State switch
    {
        DeviceState.Faulty or DeviceState.Silent => device.State,
        DeviceState.Active => device.Conditions.Count > 0 ? "weak" : "ok",
        _ => null,
    };
}

/// <summary>A device that was just registered.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Profile">Its profile.</param>
/// <param name="DevEui">16 hexadecimal digits.</param>
/// <param name="Location">GeoJSON Point.</param>
/// <param name="Description">For people.</param>
/// <param name="Dataset">Where it is not the profile's.</param>
/// <param name="ExpectedInterval">Seconds, where they are not the profile's.</param>
/// <param name="Thing">Its Thing in the SensorThings API.</param>
/// <param name="Datastreams">Its Datastreams there, in the order of the profile's fields.</param>
/// <param name="Key">Its API key; it is shown this once and cannot be read again.</param>
/// <param name="Tags">By which it is found.</param>
/// <param name="Group">The group that it belongs to.</param>
/// <param name="Department">Who answers for it.</param>
/// <param name="Notes">For those who look after it.</param>
/// <param name="InstalledAt">When it was put up.</param>
/// <param name="ExternalIds">What other systems call it.</param>
public sealed record DeviceRegistration(
    string Id, string Name, string Profile, string? DevEui, JsonElement? Location, string? Description, string? Dataset, int? ExpectedInterval,
    string Thing, string[] Datastreams, string Key,
    IReadOnlyList<string>? Tags, string? Group, string? Department, string? Notes, DateTimeOffset? InstalledAt, IReadOnlyDictionary<string, string>? ExternalIds)
{
    internal static DeviceRegistration Of(Device device, SensorThings things, string municipality, DeviceProfile profile, string key) => new(
        device.Id, device.Name, device.Profile, device.DevEui, device.Location, device.Description, device.Dataset, device.ExpectedInterval,
        things.ThingLink(municipality, device.Id), things.DatastreamLinks(municipality, device.Id, profile), key,
        device.Tags, device.Group, device.Department, device.Notes, device.InstalledAt, device.ExternalIds);
}

/// <summary>A page of devices.</summary>
/// <param name="Items">In the order asked for.</param>
/// <param name="Next">Link of the next page; missing on the last.</param>
public sealed record DevicePage(IReadOnlyList<DeviceAnswer> Items, string? Next);

/// <summary>A new key.</summary>
/// <param name="Id">The device.</param>
/// <param name="Key">Its API key; it is shown this once and cannot be read again.</param>
public sealed record DeviceKey(string Id, string Key);
