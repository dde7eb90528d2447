using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Supervisor.Onboarding;
using Npgsql;

namespace Allmende.Journeys.Tests;

/// <summary>
/// Numbered uplinks, sent at a rate as a network server would: what is not acknowledged is sent again until it is. Each carries its number in its
/// values (illuminance and CO2) and has a second of its own, so that what the platform keeps can be read back one by one.
/// </summary>
sealed class Ledger
{
    const int Devices = 24;
    const int Senders = 12;
    const int Base = 1000;

    readonly FreshMunicipality town;
    readonly DateTime begin = Tests.Devices.Now().AddDays(-20);
    readonly ConcurrentDictionary<int, int> acknowledged = new();
    readonly HttpClient http;
    int numbers;
    long attempts;

    Ledger(FreshMunicipality town)
    {
        this.town = town;
        http = town.AsDevice();
        http.Timeout = TimeSpan.FromSeconds(10);
    }

    /// <summary>What was found at the end.</summary>
    /// <param name="Sent">Different uplinks.</param>
    /// <param name="Attempts">POSTs, repetitions among them.</param>
    /// <param name="Acknowledged">Different uplinks answered with 202.</param>
    /// <param name="Stored">Different uplinks that the database has.</param>
    /// <param name="Lost">Acknowledged and not stored.</param>
    /// <param name="Double">Stored more than once, or stored with other values than sent.</param>
    /// <param name="Read">Observations that the SensorThings API lists of the Datastreams of this ledger, page by page.</param>
    /// <param name="Counted">Observations that the API's counters say there are.</param>
    /// <param name="DeadLetters">Uplinks given up.</param>
    public sealed record Balance(int Sent, long Attempts, int Acknowledged, int Stored, int Lost, int Double, long Read, long Counted, int DeadLetters)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""

              sent            {Sent,9}   ({Attempts} POSTs, since what was not acknowledged is sent again)
              acknowledged    {Acknowledged,9}
              stored          {Stored,9}   (the API lists {Read} and counts {Counted} observations of the Datastream; dead letters: {DeadLetters})
              lost            {Lost,9}
              double          {Double,9}
            """);
    }

    /// <summary>Opens a ledger: registers the devices.</summary>
    public static async Task<Ledger> OpenAsync(FreshMunicipality town)
    {
        var ledger = new Ledger(town);
        for (var device = 0; device < Devices; device++)
            await town.RegisterAsync(Device(device));
        return ledger;
    }

    /// <summary>Sends until told to stop, and then until all that was begun is acknowledged.</summary>
    /// <param name="perSecond">New uplinks a second.</param>
    /// <param name="stop">No new ones.</param>
    public Task SendAsync(int perSecond, CancellationToken stop)
    {
        var since = Stopwatch.StartNew();
        return Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var number = Interlocked.Increment(ref numbers) - 1;
                while (since.Elapsed.TotalSeconds * perSecond < number && !stop.IsCancellationRequested)
                    await Task.Delay(2, CancellationToken.None);
                await SendUntilAcknowledgedAsync(number);
            }
        }, CancellationToken.None)));
    }

    /// <summary>How many are acknowledged so far.</summary>
    public int Acknowledged => acknowledged.Count;

    /// <summary>Waits until nothing more arrives, and compares.</summary>
    public async Task<Balance> CloseAsync(string database, TimeSpan patience)
    {
        var since = Stopwatch.StartNew();
        IReadOnlyList<(int Number, int Rows)> stored;
        do
        {
            await Task.Delay(500);
            stored = await StoredAsync(database);
        }
        while (stored.Count < acknowledged.Count && since.Elapsed < patience);
        var lost = acknowledged.Keys.Except(stored.Select(one => one.Number)).Count();
        var doubled = stored.Count(one => one.Rows != 1);
        var (read, counted) = await ReadAsync(since, patience);
        return new Balance(numbers, attempts, acknowledged.Count, stored.Count, lost, doubled, read, counted, await DeadLettersAsync());
    }

    async Task SendUntilAcknowledgedAsync(int number)
    {
        var body = Body(number);
        for (var attempt = 0; ; attempt++)
        {
            Interlocked.Increment(ref attempts);
            try
            {
                using var answer = await http.PostAsJsonAsync("uplinks/tts", body);
                if (answer.StatusCode == HttpStatusCode.Accepted)
                {
                    acknowledged[number] = attempt + 1;
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Whether it arrived nobody knows: that is the case that must not make it double.
            }
            await Task.Delay(Math.Min(1000, 50 << Math.Min(attempt, 5)));
        }
    }

    JsonObject Body(int number)
    {
        var (light, co2) = (number / 9000, Base + number % 9000);
        var bytes = $"0100e2022904{light:x4}050606{co2:x4}";
        return Tests.Devices.Webhook(Device(number % Devices), begin.AddSeconds(number), bytes, fCnt: number % 65536);
    }

    /// <summary>Straight from the table: the numbers that are stored, and in how many rows.</summary>
    async Task<IReadOnlyList<(int Number, int Rows)>> StoredAsync(string database)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("""
            SELECT d.id, o.time, o.value FROM observations.observation o JOIN observations.datastream d ON d.key = o.datastream
            WHERE d.id LIKE '%.co2' OR d.id LIKE '%.light'
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var parts = new Dictionary<int, (int Light, int LightRows, int Co2, int Co2Rows)>();
        while (await reader.ReadAsync())
        {
            var number = (int)Math.Round((reader.GetDateTime(1) - begin).TotalSeconds);
            var part = parts.GetValueOrDefault(number, (Light: -1, LightRows: 0, Co2: -1, Co2Rows: 0));
            var value = (int)reader.GetDouble(2);
            parts[number] = reader.GetString(0).EndsWith(".light", StringComparison.Ordinal)
                ? part with { Light = value, LightRows = part.LightRows + 1 }
                : part with { Co2 = value, Co2Rows = part.Co2Rows + 1 };
        }
        // A value that is not the number's own counts as a second row: something else was stored in its place.
        return [.. parts.Where(part => part.Value.Co2Rows > 0).Select(part => (part.Key,
            part.Value.Light * 9000 + part.Value.Co2 - Base == part.Key ? Math.Max(part.Value.LightRows, part.Value.Co2Rows) : 2))];
    }

    /// <summary>The CO2 observations as anybody reads them: by following the pages, and by the counters.</summary>
    async Task<(long Read, long Counted)> ReadAsync(Stopwatch since, TimeSpan patience)
    {
        var (read, counted) = (0L, 0L);
        for (var device = 0; device < Devices; device++)
        {
            var next = $"sta/v1.1/Datastreams('{Device(device)}.co2')/Observations?$count=true&$top=1000&$select=result,phenomenonTime&$orderby=phenomenonTime";
            for (var first = true; next is not null; first = false)
            {
                var page = await ReadPageAsync(next, since, patience);
                read += page["value"]!.AsArray().Count;
                if (first)
                    counted += page["@iot.count"]!.GetValue<long>();
                next = page["@iot.nextLink"]?.GetValue<string>();
            }
        }
        return (read, counted);
    }

    /// <summary>One page. The last one killed may still be on its feet again: 503 says to come back, as a client would.</summary>
    async Task<JsonObject> ReadPageAsync(string page, Stopwatch since, TimeSpan patience)
    {
        while (true)
        {
            using var answer = await http.GetAsync(page);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable && since.Elapsed < patience)
            {
                await Task.Delay(answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1));
                continue;
            }
            answer.EnsureSuccessStatusCode();
            return (await answer.Content.ReadFromJsonAsync<JsonObject>())!;
        }
    }

    async Task<int> DeadLettersAsync()
    {
        using var developer = await town.AsAsync("developer");
        return (await developer.GetFromJsonAsync<JsonArray>("dead-letters"))!.Count;
    }

    static string Device(int number) => $"zaehler-{number:00}";
}
