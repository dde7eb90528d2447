using System.Text.Json;
using Allmende.Testing;

namespace Allmende.Ingestion.Tests.Surroundings;

/// <summary>A service whose network servers may be beside it, and that is as impatient as tests are.</summary>
static class DownlinkSurroundings
{
    public static Task<Service> ServiceAsync(params (string Key, string Value)[] settings) => ServiceAsync(null, settings);

    /// <summary>The same with engines of its own, where no other service takes what stands in the log.</summary>
    public static Task<Service> ServiceAsync(TestEngines? engines, params (string Key, string Value)[] settings) => Service.StartAsync(engines, settings:
    [
        .. new[]
        {
            ("Ingestion:Downlinks:AllowPrivateAddresses", "true"), ("Ingestion:Downlinks:Timeout", "00:00:02"), ("Ingestion:Downlinks:Lease", "00:00:04"),
            ("Ingestion:Downlinks:FirstPause", "00:00:00.100"), ("Ingestion:Downlinks:LongestPause", "00:00:00.400"), ("Ingestion:Downlinks:SweptEvery", "00:00:00.200"),
            ("Ingestion:Downlinks:LookedForEvery", "00:00:00.200"),
        }.Where(usual => settings.All(setting => setting.Key != usual.Item1)),
        .. settings,
    ]);

    public static Task<Answer> SendAsync(this Town town, string body = """{"fPort":1,"bytes":"01ff"}""", string device = "pegel-1", string query = "", string? credential = null) =>
        town.PostAsync($"devices/{device}/downlinks{query}", body, credential ?? town.Admin);

    /// <summary>Queues one and returns its path below the municipality.</summary>
    public static async Task<string> QueueAsync(this Town town, string body = """{"fPort":1,"bytes":"01ff"}""", string device = "pegel-1")
    {
        var answer = await town.SendAsync(body, device);
        if (answer.Status != 201) throw new InvalidOperationException($"{answer.Status} {answer.Body}");
        return $"devices/{device}/downlinks/{answer.Text("id")}";
    }

    /// <summary>The downlink, once it is in a state.</summary>
    public static async Task<JsonElement> InStateAsync(this Town town, string path, params string[] states)
    {
        Answer last = null!;
        await Eventually.TrueAsync(async () =>
        {
            last = await town.GetAsync(path, town.Admin);
            return states.Contains(last.Text("state"));
        }, $"state {string.Join(" or ", states)}");
        return last.Json;
    }

    /// <summary>Its history, as states from the first to the last.</summary>
    public static string[] States(this JsonElement downlink) => [.. downlink.GetProperty("history").EnumerateArray().Select(change => change.GetProperty("to").GetString()!)];

    public static async Task PutWayAsync(this Town town, string id, string kind, string url, string? devices = """["pegel-1"]""", string secret = "NNSXS.GEHEIM")
    {
        var application = kind == "tts" ? "\"application\":\"stadt\"," : "";
        var answer = await town.PutAsync($"downlink-ways/{id}", $$"""{"name":"Netz","kind":"{{kind}}","url":"{{url}}",{{application}}"secret":"{{secret}}"{{(devices is null ? "" : $",\"devices\":{devices}")}}}""", town.Admin);
        if (answer.Status is not (201 or 204)) throw new InvalidOperationException($"{answer.Status} {answer.Body}");
    }
}
