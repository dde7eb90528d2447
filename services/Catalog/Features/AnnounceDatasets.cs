using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Events;

namespace Allmende.Catalog.Features;

/// <summary>Publishes <c>dataset.changed</c> for every change of terms. The event tells the state, not the change; telling it twice does no harm.</summary>
sealed class AnnounceDatasets(DatasetStore datasets, Municipalities municipalities, IEventBus events, CatalogOptions options, ILogger<AnnounceDatasets> logger)
    : Outbox(municipalities, options.AnnounceEvery, logger)
{
    const int ToldAtOnce = 100;

    protected override async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            var told = await datasets.AnnounceAsync(municipality, ToldAtOnce, terms =>
                events.PublishAsync(municipality, "catalog", EventTypes.DatasetChanged, terms.Id, terms, ContractsJson.Default.DatasetChanged, cancellation), cancellation);
            Telemetry.Announced.Add(told);
            return told == ToldAtOnce;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            Telemetry.NotAnnounced.Add(1);
            throw;
        }
    }
}
