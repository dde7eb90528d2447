using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// <c>POST …/Tasks?dryRun=true</c>: what would be sent. The Task is made in a transaction that is not committed; Ingestion says, asked in the caller's name, what the
/// device's codec makes of it and which way it would go. Nothing is stored, nothing is sent.
/// </summary>
sealed class DryRun(EntityDoor door, IHttpClientFactory http)
{
    const string Option = "dryRun";
    static readonly string[] Forwarded = ["Authorization", "X-Api-Key", "traceparent"];

    /// <summary>Whether a request that writes asks for a dry run. Whoever asks wrongly must not send in earnest.</summary>
    /// <exception cref="SensorThingsException">400 if it is asked for where there is none, or not as it must be.</exception>
    public static bool IsAsked(WriteRequest request)
    {
        var isTask = request.Method == "POST" && request.Path.TrimEnd('/').Split('/')[^1] == Model.Tasks.Name;
        string? asked = null;
        foreach (var part in request.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = Uri.UnescapeDataString(equals < 0 ? part : part[..equals]);
            if (name.Equals(Option, StringComparison.OrdinalIgnoreCase)) asked = equals < 0 ? "" : Uri.UnescapeDataString(part[(equals + 1)..]);
            else if (isTask) throw new SensorThingsException(400, $"'{(name.Length > 100 ? name[..100] + "…" : name)}' is no option here; there is {Option}=true");
        }
        if (asked is null) return false;
        if (!isTask) throw new SensorThingsException(400, $"{Option} is for POST of one Task");
        return asked.ToLowerInvariant() switch
        {
            "true" => true,
            "false" => false,
            _ => throw new SensorThingsException(400, $"{Option} must be true or false"),
        };
    }

    /// <summary>Shows it.</summary>
    /// <exception cref="SensorThingsException">What the Task itself would be refused with, at once or later.</exception>
    public async Task<IResult> ShowAsync(string municipality, HttpContext context, WriteRights rights, WriteRequest request)
    {
        var cancellation = context.RequestAborted;
        DeviceCommand command;
        await using (var session = await door.BeginAsync(municipality, rights, null, cancellation))
        {
            await door.WriteAsync(session, request with { Query = "" }, cancellation);
            command = session.Commands is [var one] ? one : throw new SensorThingsException(400, "a dry run shows one Task");
        }
        var shown = await AskAsync(municipality, context, command, cancellation);
        var answer = new JsonObject
        {
            [Option] = true,
            ["device"] = command.Device,
            ["taskingParameters"] = JsonNode.Parse(command.Data!.Value.GetRawText()),
            ["downlink"] = shown,
        };
        return TypedResults.Text(answer.ToJsonString(), "application/json");
    }

    async Task<JsonNode?> AskAsync(string municipality, HttpContext context, DeviceCommand command, CancellationToken cancellation)
    {
        using var question = new HttpRequestMessage(HttpMethod.Post, new Uri($"{municipality}/devices/{Uri.EscapeDataString(command.Device)}/downlinks?dryRun=true", UriKind.Relative))
        {
            Content = new StringContent(BodyOf(command), Encoding.UTF8, "application/json"),
        };
        foreach (var header in Forwarded)
            if (context.Request.Headers.TryGetValue(header, out var values)) question.Headers.TryAddWithoutValidation(header, (IEnumerable<string?>)values);
        using var ingestion = http.CreateClient("ingestion");
        using var answer = await ingestion.SendAsync(question, cancellation);
        var said = await answer.Content.ReadAsStringAsync(cancellation);
        if (answer.StatusCode == HttpStatusCode.OK) return JsonNode.Parse(said);
        if ((int)answer.StatusCode >= 500) throw new SensorThingsException(503, "what would be sent cannot be found out right now; try again");
        throw new SensorThingsException((int)answer.StatusCode, $"it could not be sent: {ReasonIn(said)}");
    }

    static string BodyOf(DeviceCommand command)
    {
        var body = new JsonObject { ["data"] = JsonNode.Parse(command.Data!.Value.GetRawText()) };
        if (command.Downlink?.FPort is { } port) body["fPort"] = port;
        if (command.Downlink?.Confirmed is { } confirmed) body["confirmed"] = confirmed;
        if (command.Downlink?.Priority is { } priority) body["priority"] = priority;
        if (command.Downlink?.ValidFor is { } seconds) body["validFor"] = seconds;
        return body.ToJsonString();
    }

    /// <summary>What a problem says: its detail, its faults by field, or at least its title.</summary>
    static string ReasonIn(string said)
    {
        try
        {
            var problem = JsonNode.Parse(said) as JsonObject;
            if (problem?["errors"] is JsonObject errors) return string.Join("; ", errors.SelectMany(field => field.Value!.AsArray().Select(fault => $"{field.Key} {fault}")));
            return (string?)problem?["detail"] ?? (string?)problem?["title"] ?? "it is refused";
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return "it is refused";
        }
    }
}
