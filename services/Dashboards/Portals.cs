using Allmende.Contracts;
using Allmende.Dashboards.Theming;
using Allmende.Platform;

namespace Allmende.Dashboards;

/// <summary>The portal of one municipality.</summary>
sealed record Portal(Municipality Municipality, PortalOptions Options, Theme Theme, BaseMap? BaseMap);

/// <summary>Finds a municipality's portal.</summary>
sealed class Portals(Municipalities municipalities, DashboardsOptions options, BaseMaps baseMaps)
{
    /// <summary>The portal, or null where there is no such municipality.</summary>
    public async ValueTask<Portal?> FindAsync(string id, CancellationToken cancellation) =>
        await municipalities.FindAsync(id, cancellation) is { } municipality ? Of(municipality) : null;

    /// <summary>All portals, by name.</summary>
    public IEnumerable<Portal> All => municipalities.All.OrderBy(municipality => municipality.Name, StringComparer.Ordinal).Select(Of);

    Portal Of(Municipality municipality)
    {
        var own = options.Of(municipality.Id);
        return new Portal(municipality, own, Theme.From(municipality.Colors?.GetValueOrDefault("primary")), baseMaps.Of(own));
    }
}
