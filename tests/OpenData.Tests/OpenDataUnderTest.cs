using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Allmende.OpenData.Tests;

/// <summary>The service between a client and a stand-in for Observations.</summary>
sealed class OpenDataUnderTest : IAsyncDisposable
{
    readonly IdentityStandIn identity;

    OpenDataUnderTest(IdentityStandIn identity, ObservationsStandIn observations, ServiceUnderTest<Program> service) =>
        (this.identity, Observations, Service) = (identity, observations, service);

    public ObservationsStandIn Observations { get; }
    public ServiceUnderTest<Program> Service { get; }

    public static async Task<OpenDataUnderTest> StartAsync(Dictionary<string, string>? settings = null)
    {
        var identity = await IdentityStandIn.StartAsync();
        var observations = await ObservationsStandIn.StartAsync();
        return new OpenDataUnderTest(identity, observations, await ServiceUnderTest.StartAsync<Program>("opendata", identity,
            new Dictionary<string, string>(settings ?? []) { ["Platform:Services:observations"] = observations.Url }));
    }

    /// <summary>A fresh municipality.</summary>
    public async Task<string> OnboardAsync() => (await Service.OnboardAsync()).Id;

    /// <summary>Announces a dataset as Catalog does, and waits until it is known to somebody who sees all.</summary>
    public async Task AnnounceAsync(string municipality, string dataset, string access, string title = "Pegel")
    {
        var domainEvent = CloudEvent.Of(municipality, "catalog", EventTypes.DatasetChanged, dataset, new DatasetChanged(dataset, title, access, null), ContractsJson.Default.DatasetChanged);
        await Service.Services.GetRequiredService<ILog>().AppendAsync(municipality, Topics.Events, dataset,
            JsonSerializer.SerializeToUtf8Bytes(domainEvent, ContractsJson.Default.CloudEvent), CancellationToken.None);
        var store = Service.Services.GetRequiredService<DatasetStore>();
        await Eventually.TrueAsync(async () => (await store.ListAsync(municipality, [access], CancellationToken.None)).Any(known => known.Id == dataset && known.Title == title), "dataset");
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string municipality = "", string? role = null)
    {
        using var client = role is null ? Service.Client(municipality) : Service.Client(municipality, role);
        return await client.GetAsync(new Uri(path, UriKind.Relative));
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await Observations.DisposeAsync();
        await identity.DisposeAsync();
    }
}
