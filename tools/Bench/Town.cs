using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Supervisor;
using Allmende.Supervisor.Onboarding;

namespace Allmende.Bench;

/// <summary>A municipality with some devices of the shipped profile Elsys ERS CO2: six Datastreams each.</summary>
sealed class Town : IDisposable
{
    public const string Profile = "elsys-ers-co2";
    public const int DatastreamsPerDevice = 6;

    readonly FreshMunicipality municipality;
    readonly long[] seconds;

    Town(FreshMunicipality municipality, int devices)
    {
        this.municipality = municipality;
        seconds = new long[devices];
        // Whole seconds: what comes back is compared with what was sent. Lately, as sensors send.
        Begin = DateTime.UtcNow.Date.AddDays(-4);
    }

    public string Id => municipality.Id;

    public string Database => municipality.Database;

    public string DeviceKey => municipality.DeviceKey;

    public int Devices => seconds.Length;

    /// <summary>The time of the first observation.</summary>
    public DateTime Begin { get; }

    public static async Task<Town> BuildAsync(Installation installation, int devices)
    {
        var municipality = await FreshMunicipality.OnboardAsync(installation, "bench");
        using var admin = await municipality.AsAsync("admin");
        await Parallel.ForAsync(0, devices, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (number, cancellation) =>
        {
            var device = new JsonObject
            {
                ["id"] = DeviceOf(number),
                ["name"] = $"Raum {number}",
                ["devEui"] = $"70B3D57ED1{number:X6}",
                ["profile"] = Profile,
                ["location"] = new JsonObject { ["type"] = "Point", ["coordinates"] = new JsonArray(8.38 + number * 0.0001, 51.9) },
            };
            using var answer = await admin.PostAsJsonAsync("devices", device, cancellation);
            if (!answer.IsSuccessStatusCode)
                throw new InstallationException($"{DeviceOf(number)} cannot be registered: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}");
        });
        return new Town(municipality, devices);
    }

    public static string DeviceOf(int number) => $"raum-{number:000}";

    public static string DatastreamOf(int number) => $"{DeviceOf(number)}.co2";

    /// <summary>The header of somebody who may write observations.</summary>
    public async Task<string> WriterAsync() => $"Authorization: Bearer {await municipality.TokenAsync("data-steward")}";

    public HttpClient Public() => municipality.Anonymous();

    /// <summary>The next <paramref name="count"/> whole seconds of a device that no observation has yet; returns the first.</summary>
    public DateTime Next(int device, int count = 1) => Begin.AddSeconds(Interlocked.Add(ref seconds[device], count) - count);

    /// <summary>All observations that the platform has of this municipality, as its API counts them.</summary>
    public async Task<long> CountAsync()
    {
        using var http = Public();
        var answer = await http.GetFromJsonAsync<JsonObject>("sta/v1.1/Observations?$count=true&$top=1");
        return answer!["@iot.count"]!.GetValue<long>();
    }

    public void Dispose() => municipality.Dispose();
}
