using Allmende.Platform;

namespace Allmende.Ingestion;

/// <summary>Errors of this service's API.</summary>
static class IngestionErrors
{
    public static readonly ApiError InvalidDevice = new("invalid_device", 422, "The device's description has faults");
    public static readonly ApiError DeviceExists = new("device_exists", 409, "There is such a device already");
    public static readonly ApiError DevEuiTaken = new("dev_eui_taken", 409, "Another device has this DevEUI");
    public static readonly ApiError UnknownDevice = new("unknown_device", 404, "There is no such device");
    public static readonly ApiError InvalidUplink = new("invalid_uplink", 422, "The uplink cannot be understood");
    public static readonly ApiError TooManyUplinks = new("too_many_uplinks", 429, "Too many uplinks");
    public static readonly ApiError NotDurable = new("not_durable", 503, "The uplink could not be stored; send it again");
    public static readonly ApiError Overloaded = new("overloaded", 503, "Uplinks come faster than they are processed; send it again later");
    public static readonly ApiError StateNotAllowed = new("state_not_allowed", 409, "A device in this state cannot get into that one");
    public static readonly ApiError FieldsMissing = new("fields_missing", 409, "The profile lacks fields that the device has Datastreams of");
    public static readonly ApiError InvalidImport = new("invalid_import", 422, "The table cannot be taken");
    public static readonly ApiError ChangedMeanwhile = new("changed_meanwhile", 409, "Others keep changing the device; try again");
    public static readonly ApiError InvalidPhoto = new("invalid_photo", 422, "This is no photo that can be shown");
    public static readonly ApiError NoPhoto = new("no_photo", 404, "The device has no photo");
    public static readonly ApiError InvalidMaintenance = new("invalid_maintenance", 422, "The entry has faults");
    public static readonly ApiError NotInInbox = new("not_in_inbox", 404, "Nobody of this name has sent");
    public static readonly ApiError InvalidMapping = new("invalid_mapping", 422, "The mapping has faults");
    public static readonly ApiError UnknownMapping = new("unknown_mapping", 404, "There is no such mapping");
    public static readonly ApiError TooManyMappings = new("too_many_mappings", 409, "There are as many mappings as there may be");
    public static readonly ApiError InvalidSource = new("invalid_mqtt_source", 422, "The MQTT source has faults");
    public static readonly ApiError UnknownSource = new("unknown_mqtt_source", 404, "There is no such MQTT source");
    public static readonly ApiError TooManySources = new("too_many_mqtt_sources", 409, "There are as many MQTT sources as there may be");
    public static readonly ApiError InvalidDownlink = new("invalid_downlink", 422, "This cannot be sent");
    public static readonly ApiError UnknownDownlink = new("unknown_downlink", 404, "There is no such downlink");
    public static readonly ApiError TooManyDownlinks = new("too_many_downlinks", 409, "As many downlinks wait for the device as may");
    public static readonly ApiError NoDownlinkNow = new("no_downlink_now", 409, "The state of the device or the downlink does not allow this");
    public static readonly ApiError InvalidWay = new("invalid_downlink_way", 422, "The way of downlinks has faults");
    public static readonly ApiError UnknownWay = new("unknown_downlink_way", 404, "There is no such way of downlinks");
    public static readonly ApiError TooManyWays = new("too_many_downlink_ways", 409, "There are as many ways of downlinks as there may be");
    public static readonly ApiError InvalidCertificate = new("invalid_certificate", 422, "The certificate cannot be used");
    public static readonly ApiError CertificateTaken = new("certificate_taken", 409, "Another device is known by this certificate");
    public static readonly ApiError NoCertificate = new("no_certificate", 404, "There is no such device with a certificate of its own");
    public static readonly ApiError UnknownAuthority = new("unknown_certificate_authority", 404, "There is no such certificate authority");
    public static readonly ApiError TooManyAuthorities = new("too_many_certificate_authorities", 409, "There are as many certificate authorities as there may be");
    public static readonly ApiError InvalidPage = new("invalid_page", 422, "There is no such page");
}
