using System.Net;
using Allmende.Contracts;
using Allmende.Platform;

namespace Allmende.Ingestion.Devices;

/// <summary>A device's Thing: its links, and waiting until it is there.</summary>
sealed class SensorThings(IHttpClientFactory http, PlatformOptions platform, IngestionOptions options)
{
    /// <summary>The link of the device's Thing.</summary>
    public string ThingLink(string municipality, string device) => Link(municipality, "Things", device);

    /// <summary>The links of the device's Datastreams, in the order of the profile's fields.</summary>
    public string[] DatastreamLinks(string municipality, string device, DeviceProfile profile) =>
        [.. profile.Fields.Select(field => Link(municipality, "Datastreams", DeviceEvents.DatastreamOf(device, field)))];

    /// <summary>The link of the device's photo.</summary>
    public string PhotoLink(string municipality, string device) => $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/devices/{device}/photo";

    string Link(string municipality, string set, string id) =>
        $"{platform.PublicUrl.TrimEnd('/')}/{municipality}/sta/v1.1/{set}('{Uri.EscapeDataString(id.Replace("'", "''", StringComparison.Ordinal))}')";

    /// <summary>
    /// Waits until Observations serves the Thing, so that the links work when the client gets them. If that takes too long, or Observations is away,
    /// the device is registered all the same, and its Thing follows when the event is delivered.
    /// </summary>
    public async Task WaitAsync(string municipality, string device, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.ThingAwaited);
        using var observations = http.CreateClient("observations");
        var address = new Uri($"internal/{municipality}/things/{device}", UriKind.Relative);
        try
        {
            for (var pause = 5; ; pause = Math.Min(100, pause * 3 / 2 + 1))
            {
                try
                {
                    using var answer = await observations.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                    if (answer.StatusCode == HttpStatusCode.NoContent) return;
                }
                catch (HttpRequestException)
                {
                    pause = 100; // it is starting, perhaps
                }
                await Task.Delay(pause, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Long enough.
        }
    }
}
