using System.Security.Claims;

namespace Allmende.Contracts;

/// <summary>Access classes of data and who may read which. Stores take the classes as a parameter of their query.</summary>
public static class Access
{
    /// <summary>For everybody.</summary>
    public const string Open = "open";
    /// <summary>For the municipality's own people.</summary>
    public const string Internal = "internal";
    /// <summary>For those who answer for the data.</summary>
    public const string Restricted = "restricted";
    /// <summary>Of persons: never leaves as single values.</summary>
    public const string Personal = "personal";

    /// <summary>No class of data: stands among the classes of whoever may send something to devices, and so sees what devices were told (Tasks of SensorThings).</summary>
    public const string Tells = "#tells";

    static readonly string[] Public = [Open];
    static readonly string[] Inside = [Open, Internal];
    static readonly string[] Responsible = [Open, Internal, Restricted];

    /// <summary>All classes, the most open first.</summary>
    public static IReadOnlyList<string> All { get; } = [Open, Internal, Restricted, Personal];

    /// <summary>
    /// The access classes whose single values <paramref name="principal"/> may read in <paramref name="municipality"/>.
    /// Somebody of another municipality, a partner and the public see open data; personal data is in nobody's list.
    /// </summary>
    public static string[] VisibleTo(ClaimsPrincipal principal, string municipality)
    {
        var roles = Roles.Of(principal, municipality);
        if (roles.Overlaps(Roles.AnswerForData)) return Responsible;
        return roles.Overlaps(Roles.Staff) ? Inside : Public;
    }

    /// <summary>
    /// What SensorThings shows <paramref name="principal"/>: the classes of <see cref="VisibleTo"/>, and <see cref="Tells"/> for <see cref="Roles.OfActuators"/>. Whoever has the same
    /// sees the same.
    /// </summary>
    public static string[] OfSensorThings(ClaimsPrincipal principal, string municipality)
    {
        var visible = VisibleTo(principal, municipality);
        return Roles.Of(principal, municipality).Overlaps(Roles.OfActuators) ? [.. visible, Tells] : visible;
    }
}

/// <summary>Roles of members and clients.</summary>
public static class Roles
{
    public const string Operator = "operator";
    public const string Admin = "admin";
    public const string DataOwner = "data-owner";
    public const string DataSteward = "data-steward";
    public const string Analyst = "analyst";
    public const string Developer = "developer";
    public const string Partner = "partner";
    /// <summary>Connects and looks after devices. No client's: whoever holds an API key with <see cref="ManageDevices"/> has it.</summary>
    public const string DeviceManager = "device-manager";

    /// <summary>Claim that carries the municipality of a token or key.</summary>
    public const string MunicipalityClaim = "municipality";
    /// <summary>Claim that carries one role of the municipality.</summary>
    public const string RoleClaim = "role";
    /// <summary>Claim that carries one scope of an API key.</summary>
    public const string ScopeClaim = "scope";
    /// <summary>Scope of an API key that may write uplinks.</summary>
    public const string WriteUplinks = "uplinks:write";
    /// <summary>Scope of an API key that may write by the standards' doors (SensorThings).</summary>
    public const string WriteObservations = "observations:write";

    /// <summary>Scope of an API key of the people who connect devices: they manage devices, see internal data, and make keys that write uplinks.</summary>
    public const string ManageDevices = "devices:manage";

    /// <summary>The roles that a municipality's clients are made for.</summary>
    public static IReadOnlyList<string> OfMunicipality { get; } = [Admin, DataOwner, DataSteward, Analyst, Developer, Partner];
    internal static string[] AnswerForData { get; } = [Admin, DataOwner, DataSteward];
    internal static string[] Staff { get; } = [Admin, DataOwner, DataSteward, Analyst, Developer, DeviceManager];
    /// <summary>The roles that may register and change devices.</summary>
    public static string[] OfDevices { get; } = [Admin, Developer, DeviceManager];
    /// <summary>The roles that may send something to devices, and say how it gets there: what moves valves and lights. Not whoever connects sensors.</summary>
    public static string[] OfActuators { get; } = [Admin, Developer];

    /// <summary>The roles that <paramref name="principal"/> has in <paramref name="municipality"/>; none for another municipality's.</summary>
    public static HashSet<string> Of(ClaimsPrincipal principal, string municipality) =>
        principal.Identity?.IsAuthenticated == true && principal.HasClaim(MunicipalityClaim, municipality)
            ? principal.FindAll(RoleClaim).Select(claim => claim.Value).ToHashSet(StringComparer.Ordinal)
            : [];
}
