using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Data;
using Allmende.Platform.Events;

namespace Allmende.Observations;

/// <summary>
/// Publishes <c>dataset.needed</c> for datasets that clients brought into being, until Catalog has answered with <c>dataset.changed</c>. So neither a crash after the
/// commit nor a lost event leaves data in a dataset that the catalogue does not know.
/// </summary>
sealed class TellNeededDatasets(MunicipalDatabases databases, Municipalities municipalities, IEventBus events, ILogger<TellNeededDatasets> logger)
    : Outbox(municipalities, RemindEvery, logger)
{
    static readonly TimeSpan RemindEvery = TimeSpan.FromMinutes(5);

    protected override async Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation)
    {
        var needed = new List<DatasetNeeded>();
        await using (var command = databases.Of(municipality).CreateCommand("SELECT id, title FROM dataset WHERE needed ORDER BY id LIMIT 1000"))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) needed.Add(new(reader.GetString(0), reader.GetString(1)));
        foreach (var dataset in needed)
            await events.PublishAsync(municipality, "observations", EventTypes.DatasetNeeded, dataset.Id, dataset, ContractsJson.Default.DatasetNeeded, cancellation);
        // They stay until they are answered.
        return false;
    }
}
