using System.Security.Claims;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Devices;

/// <summary>
/// Devices' own keys. A key says nothing of its municipality, the path (or MQTT's user name) does: in another municipality's it is an unknown key.
/// Its holder may write uplinks of that one device.
/// </summary>
sealed class DeviceKeys(DeviceDirectory directory, Municipalities municipalities) : IApiKeyVerifier
{
    const string OwnUplinks = "uplinks:write:";

    public async ValueTask<ApiKeyHolder?> VerifyAsync(string? municipality, string key, CancellationToken cancel)
    {
        if (!ApiKey.Fits(key, ApiKey.DevicePrefix)) return null;
        if (municipality is null || municipalities.Find(municipality) is null) return null;
        return await directory.FindAsync(municipality, new(DeviceNameKind.KeyHash, ApiKey.Hash(key)), cancel) is { } device
            ? HolderOf(municipality, device.Id)
            : null;
    }

    /// <summary>A device that has shown its key, or a certificate.</summary>
    public static ApiKeyHolder HolderOf(string municipality, string device) => new(device, municipality, [OwnUplinks + device]);

    /// <summary>Whether <paramref name="caller"/> may write uplinks of some device of the municipality, or of all.</summary>
    public static bool MayWriteUplinks(ClaimsPrincipal caller, string municipality) =>
        caller.HasClaim(Roles.MunicipalityClaim, municipality) && (MayWriteAll(caller) || caller.HasClaim(IsOwn));

    /// <summary>Whether <paramref name="caller"/>, who may write uplinks, may write this device's.</summary>
    public static bool MayWriteUplinksOf(ClaimsPrincipal caller, string device) =>
        MayWriteAll(caller) || (caller.FindFirst(IsOwn) is { } own && own.Value.AsSpan(OwnUplinks.Length).SequenceEqual(device));

    /// <summary>The device whose own key <paramref name="caller"/> holds; null for everybody else.</summary>
    public static string? OwnDevice(ClaimsPrincipal caller) => caller.FindFirst(IsOwn)?.Value[OwnUplinks.Length..];

    /// <summary>Whether <paramref name="caller"/>, who may write uplinks, may write those of every device, also of one that is not known yet.</summary>
    public static bool MayWriteAll(ClaimsPrincipal caller) =>
        caller.HasClaim(Roles.ScopeClaim, Roles.WriteUplinks) || Array.Exists(Roles.OfDevices, role => caller.HasClaim(Roles.RoleClaim, role));

    static bool IsOwn(Claim claim) => claim.Type == Roles.ScopeClaim && claim.Value.StartsWith(OwnUplinks, StringComparison.Ordinal);
}
