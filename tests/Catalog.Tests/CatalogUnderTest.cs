using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Allmende.Catalog.Tests;

/// <summary>The service with its events, as Ingestion sends and others receive them.</summary>
sealed class CatalogUnderTest : IAsyncDisposable
{
    readonly IdentityStandIn identity;

    CatalogUnderTest(IdentityStandIn identity, ServiceUnderTest<Program> service) => (this.identity, Service) = (identity, service);

    public ServiceUnderTest<Program> Service { get; }

    public static async Task<CatalogUnderTest> StartAsync(Dictionary<string, string>? settings = null, Action<IServiceCollection>? replace = null)
    {
        var identity = await IdentityStandIn.StartAsync();
        return new CatalogUnderTest(identity, await ServiceUnderTest.StartAsync<Program>("catalog", identity, settings, replace));
    }

    /// <summary>A device as Ingestion announces it.</summary>
    public static DeviceRegistered Device(string id, string dataset = "pegel", string? title = null, double? longitude = 8.38, params DeviceDatastream[] datastreams) => new(
        id, "Pegel " + id, null, null, "ld500", "Ultraschallpegel", dataset, title ?? "Pegelstände",
        longitude is { } x ? JsonSerializer.SerializeToElement(new { type = "Point", coordinates = new[] { x, 51.9 } }) : null, null,
        datastreams.Length > 0 ? datastreams : [new(id + ".distance", "distance", "Abstand", "water_level", "mm", null)]);

    public Task RegisterAsync(string municipality, DeviceRegistered device, DateTimeOffset? at = null, string type = EventTypes.DeviceRegistered) =>
        SendAsync(CloudEvent.Of(municipality, "ingestion", type, device.Id, device, ContractsJson.Default.DeviceRegistered), at);

    public Task RemoveAsync(string municipality, string device, DateTimeOffset? at = null) =>
        SendAsync(CloudEvent.Of(municipality, "ingestion", EventTypes.DeviceRemoved, device, new Removed(device), ContractsJson.Default.Removed), at);

    /// <summary>Something that is no device was put into a dataset, as Observations announces it.</summary>
    public Task NeedAsync(string municipality, DatasetNeeded dataset) =>
        SendAsync(CloudEvent.Of(municipality, "observations", EventTypes.DatasetNeeded, dataset.Id, dataset, ContractsJson.Default.DatasetNeeded), null);

    /// <summary>Past the service's own bus, which a test may have replaced.</summary>
    async Task SendAsync(CloudEvent domainEvent, DateTimeOffset? at) =>
        await Service.Services.GetRequiredService<ILog>().AppendAsync(domainEvent.Municipality, Topics.Events, domainEvent.Subject,
            JsonSerializer.SerializeToUtf8Bytes(domainEvent with { Time = at ?? domainEvent.Time }, ContractsJson.Default.CloudEvent), CancellationToken.None);

    /// <summary>The dataset as a data steward sees it, once <paramref name="until"/> holds.</summary>
    public async Task<JsonNode> DatasetAsync(string municipality, string id, Func<JsonNode, bool>? until = null)
    {
        using var client = Service.Client(municipality, Roles.DataSteward);
        return await Eventually.GetAsync(async () =>
        {
            using var answer = await client.GetAsync(new Uri($"/{municipality}/catalog/datasets/{id}", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return null;
            var dataset = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
            return until is null || until(dataset) ? dataset : null;
        }, $"dataset {id}");
    }

    /// <summary>The last state of the dataset that was announced, once <paramref name="until"/> holds.</summary>
    public async Task<DatasetChanged> AnnouncedAsync(string municipality, string id, Func<DatasetChanged, bool> until)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        LogPosition[] beginning = [new(0, 1, 0), new(1, 1, 0)];
        await foreach (var batch in Service.Services.GetRequiredService<ILog>().TailAsync(municipality, Topics.Events, beginning, limit.Token))
            foreach (var record in batch.Records)
            {
                var domainEvent = JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.CloudEvent)!;
                if (domainEvent.Type != EventTypes.DatasetChanged || domainEvent.Subject != id) continue;
                var terms = domainEvent.DataAs(ContractsJson.Default.DatasetChanged);
                if (until(terms)) return terms;
            }
        throw new NUnit.Framework.AssertionException($"{id} was not announced so");
    }

    public async Task<HttpResponseMessage> PatchAsync(string municipality, string id, string body, string role = Roles.DataOwner, string? ifMatch = null)
    {
        using var client = Service.Client(municipality, role);
        using var request = new HttpRequestMessage(HttpMethod.Patch, new Uri($"/{municipality}/catalog/datasets/{id}", UriKind.Relative)) { Content = new StringContent(body, null, "application/json") };
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return await client.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await identity.DisposeAsync();
    }
}
