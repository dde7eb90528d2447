using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Simulator.Sensors;

namespace Allmende.Simulator.Sending;

/// <summary>Registers the town's devices with the platform, once.</summary>
sealed class Registry(HttpClient http, Func<PlatformFile> platform, Town.Place place, Action<string> tell)
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Registers what is missing and returns those that the platform knows now.</summary>
    public async Task<IReadOnlyList<Sensor>> RegisterAsync(IReadOnlyList<Sensor> sensors, CancellationToken stop)
    {
        var token = await Retry.UntilAsync(TokenAsync, Patience, tell, stop);
        var (made, refused) = (0, new List<(Sensor Sensor, string Why)>());
        await Parallel.ForEachAsync(sensors, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = stop }, async (sensor, cancel) =>
        {
            var (status, answer) = await Retry.UntilAsync(again => PostAsync(sensor, token, again), Patience, tell, cancel);
            if (status == HttpStatusCode.Created)
                Interlocked.Increment(ref made);
            else if (status != HttpStatusCode.Conflict)
                lock (refused)
                    refused.Add((sensor, $"{(int)status} {answer}"));
        });
        if (made > 0)
            tell($"{made} devices registered");
        foreach (var why in refused.GroupBy(one => (one.Sensor.Profile, one.Why)))
            tell($"{why.Count()} devices of profile {why.Key.Profile} were refused and stay silent: {why.Key.Why}");
        return [.. sensors.Except(refused.Select(one => one.Sensor))];
    }

    async Task<string> TokenAsync(CancellationToken stop)
    {
        var file = platform();
        using var request = new HttpRequestMessage(HttpMethod.Post, file.TokenEndpoint)
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials")]),
        };
        var credentials = Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(file.ClientId)}:{Uri.EscapeDataString(file.ClientSecret)}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(credentials));
        using var response = await http.SendAsync(request, stop);
        Retry.ThrowWhereItMayPass(response);
        if (!response.IsSuccessStatusCode)
            throw new SimulatorException($"No token for {file.ClientId}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(stop)}");
        using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(stop));
        return json.RootElement.GetProperty("access_token").GetString()!;
    }

    async Task<(HttpStatusCode Status, string Answer)> PostAsync(Sensor sensor, string token, CancellationToken stop)
    {
        var (longitude, latitude) = sensor.Spot.On(place.Longitude, place.Latitude);
        var device = new JsonObject
        {
            ["id"] = sensor.Id,
            ["name"] = sensor.Name,
            ["devEui"] = sensor.DevEui,
            ["profile"] = sensor.Profile,
            ["location"] = new JsonObject { ["type"] = "Point", ["coordinates"] = new JsonArray(longitude, latitude) },
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(platform().Gateway, $"{place.Town}/devices")) { Content = JsonContent.Create(device) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, stop);
        Retry.ThrowWhereItMayPass(response);
        return (response.StatusCode, response.IsSuccessStatusCode ? "" : Detail(await response.Content.ReadAsStringAsync(stop)));
    }

    static string Detail(string problem)
    {
        try
        {
            var json = JsonNode.Parse(problem);
            return (string?)json?["detail"] ?? (string?)json?["title"] ?? problem;
        }
        catch (JsonException)
        {
            return problem;
        }
    }
}
