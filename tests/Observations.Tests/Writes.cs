using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Testing;

namespace Allmende.Observations.Tests;

/// <summary>How clients of SensorThings write, in few words.</summary>
static class Writes
{
    public const string Unit = """{"name":"Grad Celsius","symbol":"°C","definition":"http://unitsofmeasure.org/ucum.html#Cel"}""";
    public const string Measurement = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement";

    public static string Sensor(string more = "") => $$"""{"name":"DHT22","description":"Fühler","encodingType":"application/pdf","metadata":"http://localhost/dht22.pdf"{{more}}}""";

    public static string Property(string more = "") => $$"""{"name":"Lufttemperatur","definition":"http://localhost/temperature","description":"Temperatur der Luft"{{more}}}""";

    public static string Location(double longitude = 8.4, string more = "") =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""{"name":"Rathaus","description":"Dach","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[{{longitude}},51.9]}{{more}}}""");

    public static string Datastream(string more = "") =>
        $$"""{"name":"Temperatur","description":"am Rathaus","observationType":"{{Measurement}}","unitOfMeasurement":{{Unit}}{{more}}}""";

    public static string DatastreamWithAll(string more = "") => Datastream($$""","Sensor":{{Sensor()}},"ObservedProperty":{{Property()}}{{more}}""");

    /// <summary>A Thing with a Location and a Datastream with all that it needs.</summary>
    public static string Station(string more = "", string datastream = "") =>
        $$"""{"name":"Wetterstation","description":"auf dem Rathaus"{{more}},"Locations":[{{Location()}}],"Datastreams":[{{DatastreamWithAll(datastream)}}]}""";

    public static async Task<(int Status, string? Location, JsonNode? Body)> WriteAsync(
        this Town town, HttpMethod method, string path, string? body = null, string? role = Roles.Admin, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, town.Url(path));
        if (role is not null) request.Headers.Add("X-Role", $"{town.Id} {role}");
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        using var answer = await town.Client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, answer.Headers.Location?.OriginalString, text.Length > 0 && answer.Content.Headers.ContentType?.MediaType?.Contains("json", StringComparison.Ordinal) == true ? JsonNode.Parse(text) : null);
    }

    /// <summary>Makes an entity; gives it as the answer tells it.</summary>
    public static async Task<JsonNode> MakeAsync(this Town town, string path, string body, string? role = Roles.Admin)
    {
        var (status, _, made) = await town.WriteAsync(HttpMethod.Post, path, body, role);
        Assert.That(status, Is.EqualTo(201), $"{path} {made?.ToJsonString()}");
        return made!;
    }

    /// <summary>The path of an entity below the service's root.</summary>
    public static string PathOf(JsonNode entity) => ((string)entity["@iot.selfLink"]!).Split("/v1.1/")[1];

    public static async Task<int> StatusAsync(this Town town, string path, string? role = Roles.Admin)
    {
        using var answer = await town.SendAsync(HttpMethod.Get, town.Url(path), null, role);
        return (int)answer.StatusCode;
    }

    public static async Task<List<string>> NamesAsync(this Town town, string path, string? role = Roles.Admin) =>
        [.. (await town.GetAsync(path, role))["value"]!.AsArray().Select(entity => (string)entity!["name"]!)];

    /// <summary>Sets the access class of a dataset as Catalog does, and waits until it holds.</summary>
    public static async Task CloseAsync(this Town town, string dataset, string access)
    {
        await town.PublishAsync(new DatasetChanged(dataset, dataset, access, null));
        await Eventually.TrueAsync(async () =>
        {
            await using var command = (await Service.SharedAsync()).Get<MunicipalDatabases>().Of(town.Id).CreateCommand("SELECT 1 FROM dataset WHERE id = $1 AND access = $2 AND NOT needed");
            command.Parameters.AddWithValue(dataset);
            command.Parameters.AddWithValue(access);
            return await command.ExecuteScalarAsync() is not null;
        }, $"dataset {dataset} with its terms");
    }

    /// <summary>What topic <c>entities</c> tells until <paramref name="enough"/> holds.</summary>
    public static async Task<List<EntityChange>> ChangesAsync(this Town town, Func<List<EntityChange>, bool> enough)
    {
        var log = (await Service.SharedAsync()).Get<ILog>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var changes = new List<EntityChange>();
        var beginning = (await log.EndAsync(town.Id, Topics.Entities, limit.Token)).Select(position => LogPosition.BeforeFirst(position.Partition)).ToList();
        await foreach (var batch in log.TailAsync(town.Id, Topics.Entities, beginning, limit.Token))
        {
            changes.AddRange(batch.Records.Select(record => JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.EntityChange)!));
            if (enough(changes)) break;
        }
        return changes;
    }
}
