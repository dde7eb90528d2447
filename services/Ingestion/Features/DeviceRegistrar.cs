using System.Text.Json;
using Allmende.Ingestion.Devices;
using Allmende.Ingestion.Outbox;
using Allmende.Platform.Security;

namespace Allmende.Ingestion.Features;

/// <summary>Takes a device in, whoever asks for it: somebody who describes it, or who adopts an unknown sender.</summary>
sealed class DeviceRegistrar(DeviceStore store, DeviceProfiles profiles, DeviceDirectory directory, OutboxPublisher publisher, SensorThings things)
{
    /// <summary>The device with its key, which is known from now on; or the problem.</summary>
    /// <param name="municipality">Whose.</param>
    /// <param name="body">The device.</param>
    /// <param name="adopts">The name in the inbox that it is.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<(DeviceRegistration? Registration, IResult? Problem)> RegisterAsync(
        string municipality, JsonElement body, string? adopts, CancellationToken cancellation)
    {
        var form = new DeviceForm(body);
        var device = form.Read();
        if (adopts is not null) device = form.Adopt(device, adopts);
        var profile = await form.FindProfileAsync(municipality, device, profiles, cancellation);
        if (form.Faults.Count > 0 || profile is null) return (null, IngestionErrors.InvalidDevice.Problem(form.Faults));

        var key = ApiKey.Create(ApiKey.DevicePrefix);
        var stored = await store.AddAsync(municipality, device, profile, ApiKey.Hash(key), adopts, cancellation);
        if (stored != Stored.Yes) return (null, stored.Problem(device));

        directory.Forget(municipality, device.Id);
        publisher.Wake(municipality);
        return (DeviceRegistration.Of(device, things, municipality, profile, key), null);
    }

    /// <summary>Waits until the device's Thing can be read, then answers 201.</summary>
    public async Task<IResult> AnswerAsync(string municipality, DeviceRegistration registration, CancellationToken cancellation)
    {
        await things.WaitAsync(municipality, registration.Id, cancellation);
        return TypedResults.Created($"/{municipality}/devices/{registration.Id}", registration);
    }
}
