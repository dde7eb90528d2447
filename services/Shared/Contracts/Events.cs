using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Allmende.Contracts;

/// <summary>A domain event as CloudEvents 1.0 in JSON, structured mode.</summary>
/// <param name="Id">Unique with <paramref name="Source"/>; a consumer that has seen it may pass over it.</param>
/// <param name="Source"><c>/{service}</c>.</param>
/// <param name="Type">One of <see cref="EventTypes"/>.</param>
/// <param name="Subject">Id of the aggregate.</param>
/// <param name="Time">When it happened.</param>
/// <param name="Municipality">Extension attribute: whose event it is.</param>
/// <param name="Traceparent">Extension attribute of distributed tracing.</param>
/// <param name="Data">The event's own record.</param>
public sealed record CloudEvent(
    string Id,
    string Source,
    string Type,
    string Subject,
    DateTimeOffset Time,
    string Municipality,
    JsonElement Data,
    string? Traceparent = null)
{
    [JsonPropertyName("specversion")] public string SpecVersion { get; init; } = "1.0";
    [JsonPropertyName("datacontenttype")] public string DataContentType { get; init; } = "application/json";

    /// <summary>Makes an event of <paramref name="data"/>, which is written with its source-generated <paramref name="type"/>.</summary>
    public static CloudEvent Of<T>(string municipality, string service, string eventType, string subject, T data, JsonTypeInfo<T> type) =>
        new(Guid.CreateVersion7().ToString("N"), "/" + service, eventType, subject, DateTimeOffset.UtcNow, municipality,
            JsonSerializer.SerializeToElement(data, type), System.Diagnostics.Activity.Current?.Id);

    /// <summary>The data as the record that belongs to the type.</summary>
    public T DataAs<T>(JsonTypeInfo<T> type) => Data.Deserialize(type)
        ?? throw new JsonException($"event {Type} {Id} has no data");
}

/// <summary>Names of domain events; past tense.</summary>
public static class EventTypes
{
    public const string MunicipalityOnboarded = "municipality.onboarded";
    public const string DeviceRegistered = "device.registered";
    public const string DeviceChanged = "device.changed";
    public const string DeviceRemoved = "device.removed";
    public const string DeviceSilent = "device.silent";
    public const string DeviceRecovered = "device.recovered";
    public const string DeviceWeak = "device.weak";
    public const string DeviceProfileChanged = "device-profile.changed";
    public const string DatasetChanged = "dataset.changed";
    public const string DatasetNeeded = "dataset.needed";
    public const string ApiKeyRevoked = "api-key.revoked";
    public const string TaskChanged = "task.changed";

    /// <summary>All of them; a golden file freezes the list.</summary>
    public static IReadOnlyList<string> All { get; } =
        [
            MunicipalityOnboarded, DeviceRegistered, DeviceChanged, DeviceRemoved, DeviceSilent, DeviceRecovered, DeviceWeak, DeviceProfileChanged, DatasetChanged, DatasetNeeded,
            ApiKeyRevoked, TaskChanged,
        ];
}

/// <summary>Data of <c>device.registered</c> and <c>device.changed</c>: all that others need to know of the device.</summary>
/// <param name="Id">The device's id, and its Thing's.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="DevEui">16 hexadecimal digits; null where it speaks no LoRaWAN.</param>
/// <param name="Profile">Device profile id.</param>
/// <param name="ProfileName">Its name.</param>
/// <param name="Dataset">The dataset that its data belongs to.</param>
/// <param name="DatasetName">Title for the dataset if it has to be made.</param>
/// <param name="Location">GeoJSON Point (longitude, latitude, optional height) or null.</param>
/// <param name="ExpectedInterval">Seconds between uplinks, where known.</param>
/// <param name="Datastreams">One per mapped field.</param>
/// <param name="Tasks">What its profile says that it can be told to do.</param>
public sealed record DeviceRegistered(
    string Id,
    string Name,
    string? Description,
    string? DevEui,
    string Profile,
    string ProfileName,
    string Dataset,
    string DatasetName,
    JsonElement? Location,
    int? ExpectedInterval,
    IReadOnlyList<DeviceDatastream> Datastreams,
    IReadOnlyList<ProfileTask>? Tasks = null);

/// <summary>A Datastream of a device.</summary>
/// <param name="Id"><c>{device}.{field}</c>.</param>
/// <param name="Field">The profile's field.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="ObservedProperty">Id of the ObservedProperty.</param>
/// <param name="Unit">UCUM code; null where the result has none (truth values, texts).</param>
/// <param name="Range">Lowest and highest plausible value.</param>
/// <param name="NameEn">The name in English, where the profile has one.</param>
public sealed record DeviceDatastream(string Id, string Field, string Name, string ObservedProperty, string? Unit, double[]? Range, string? NameEn = null);

/// <summary>Data of <c>device.removed</c> and <c>device-profile.changed</c>.</summary>
public sealed record Removed(string Id);

/// <summary>Data of <c>device.silent</c>, <c>device.weak</c> and <c>device.recovered</c>: a device's condition that has come or is over.</summary>
/// <param name="Id">The device.</param>
/// <param name="Kind"><c>silent</c>, <c>battery-low</c>, <c>signal-weak</c>, <c>frames-lost</c>, <c>restarted</c>, <c>replayed</c>, <c>clock-off</c>.</param>
/// <param name="Since">When it was noticed.</param>
/// <param name="Until">When it was over; with <c>device.recovered</c> alone.</param>
/// <param name="Detail">By which numbers it was noticed.</param>
public sealed record DeviceCondition(string Id, string Kind, DateTimeOffset Since, DateTimeOffset? Until, JsonElement Detail);

/// <summary>Data of <c>dataset.changed</c>: the terms that whoever serves the data enforces.</summary>
/// <param name="Id">Slug.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Access">Access class.</param>
/// <param name="Licence">IRI of the licence.</param>
/// <param name="Retention">How long its data is kept; null for ever.</param>
public sealed record DatasetChanged(string Id, string Title, string Access, string? Licence, Retention? Retention = null);

/// <summary>How long a dataset's data is kept.</summary>
/// <param name="RawDays">Days that single values are kept; null for ever.</param>
/// <param name="AggregateDays">Days that hourly and daily aggregates are kept; null for ever. Never fewer than <paramref name="RawDays"/>.</param>
public sealed record Retention(int? RawDays, int? AggregateDays);

/// <summary>Data of <c>dataset.needed</c>: something was put into a dataset that nobody has described yet.</summary>
/// <param name="Id">Slug.</param>
/// <param name="Title">What it may be called until somebody finds a better name.</param>
public sealed record DatasetNeeded(string Id, string Title);

/// <summary>Data of <c>api-key.revoked</c>.</summary>
/// <param name="Hash">SHA-256 of the key, hexadecimal.</param>
public sealed record ApiKeyRevoked(string Hash);

/// <summary>A kind of device: which codec reads it and which fields become Datastreams. Also the body of <c>PUT /device-profiles/{id}</c>.</summary>
/// <param name="Id">Slug.</param>
/// <param name="Name">Name as people write it.</param>
/// <param name="Codec">Id of the codec; null where uplinks come decoded.</param>
/// <param name="Fields">What of the decoded data is kept.</param>
/// <param name="Vendor">Maker.</param>
/// <param name="Model">The maker's name for it.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="Dataset">The dataset that data of such devices belongs to; the profile's id where absent.</param>
/// <param name="DatasetName">Title of that dataset.</param>
/// <param name="ExpectedInterval">Seconds between uplinks.</param>
/// <param name="Tasks">What such devices can be told to do.</param>
public sealed record DeviceProfile(
    string Id,
    string Name,
    string? Codec,
    IReadOnlyList<ProfileField> Fields,
    string? Vendor = null,
    string? Model = null,
    string? Description = null,
    string? Dataset = null,
    string? DatasetName = null,
    int? ExpectedInterval = null,
    IReadOnlyList<ProfileTask>? Tasks = null);

/// <summary>One field of a profile.</summary>
/// <param name="Field">Path into the decoded data, <c>a.b</c>; also the last part of the Datastream's id.</param>
/// <param name="Name">German name.</param>
/// <param name="ObservedProperty">snake_case id, e.g. <c>air_temperature</c>.</param>
/// <param name="Unit">UCUM code.</param>
/// <param name="Range">Lowest and highest plausible value.</param>
/// <param name="NameEn">English name.</param>
public sealed record ProfileField(string Field, string Name, string ObservedProperty, string? Unit = null, double[]? Range = null, string? NameEn = null);
