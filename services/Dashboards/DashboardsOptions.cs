namespace Allmende.Dashboards;

/// <summary>Section <c>Dashboards</c>: what holds for all portals, and per municipality what differs.</summary>
public sealed class DashboardsOptions : PortalOptions
{
    /// <summary>What a municipality has otherwise, by its id.</summary>
    public Dictionary<string, PortalOptions> Municipalities { get; set; } = new(StringComparer.Ordinal);

    /// <summary>What holds for one municipality: its own where it is set, else what holds for all.</summary>
    public PortalOptions Of(string municipality)
    {
        var own = Municipalities.GetValueOrDefault(municipality);
        return own is null
            ? this
            : new PortalOptions
            {
                MapStyle = own.MapStyle ?? MapStyle,
                Basemap = own.Basemap ?? Basemap,
                MapOrigins = own.MapOrigins.Length > 0 ? own.MapOrigins : MapOrigins,
                Imprint = own.Imprint ?? Imprint,
                Privacy = own.Privacy ?? Privacy,
                Accessibility = own.Accessibility ?? Accessibility,
            };
    }

    /// <summary>Everything wrong with the configuration.</summary>
    internal IEnumerable<string> Faults() =>
        Municipalities.SelectMany(own => own.Value.Faults($"Dashboards:Municipalities:{own.Key}")).Concat(Faults("Dashboards"));
}

/// <summary>What a portal takes from configuration.</summary>
public class PortalOptions
{
    /// <summary>Address of a MapLibre style to draw instead of the plain map: absolute, or a path of this installation.</summary>
    public string? MapStyle { get; set; }

    /// <summary>Path of a GeoJSON file to draw as the ground, served as <c>/{municipality}/basemap.geojson</c>; a <see cref="MapStyle"/> goes before it.</summary>
    public string? Basemap { get; set; }

    /// <summary>Origins besides the style's own that its tiles, glyphs and sprites come from (<c>https://tiles.example.org</c>).</summary>
    public string[] MapOrigins { get; set; } = [];

    /// <summary>Address of the legal notice (Impressum).</summary>
    public string? Imprint { get; set; }

    /// <summary>Address of the privacy statement.</summary>
    public string? Privacy { get; set; }

    /// <summary>Address of the accessibility statement.</summary>
    public string? Accessibility { get; set; }

    /// <summary>The foreign origins that a page with this map asks; none unless configured.</summary>
    internal IEnumerable<string> ForeignOrigins()
    {
        if (Uri.TryCreate(MapStyle, UriKind.Absolute, out var style) && (style.Scheme is "http" or "https")) yield return style.GetLeftPart(UriPartial.Authority);
        foreach (var origin in MapOrigins) yield return origin.TrimEnd('/');
    }

    internal IEnumerable<string> Faults(string section)
    {
        foreach (var (name, address) in new[] { (nameof(MapStyle), MapStyle), (nameof(Imprint), Imprint), (nameof(Privacy), Privacy), (nameof(Accessibility), Accessibility) })
            if (address is not null && !IsPath(address) && !IsWeb(address)) yield return $"{section}:{name} '{address}' is neither a path nor an http(s) address";
        if (Basemap is not null && BaseMap.FaultOf(Basemap) is { } fault) yield return $"{section}:Basemap '{Basemap}' {fault}";
        foreach (var origin in MapOrigins)
            if (!IsWeb(origin) || new Uri(origin).PathAndQuery != "/") yield return $"{section}:MapOrigins '{origin}' is no origin (https://host)";
    }

    static bool IsPath(string address) => address.StartsWith('/') && !address.StartsWith("//", StringComparison.Ordinal);

    static bool IsWeb(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme is "http" or "https");
}
