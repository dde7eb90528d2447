using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Allmende.Bench.Report;
using Allmende.Supervisor;
using Npgsql;

namespace Allmende.Bench;

/// <summary>A question that is asked one at a time, before and after the history is there.</summary>
/// <param name="Name">As the table says it.</param>
/// <param name="Path">After the API's root.</param>
/// <param name="Goal">Milliseconds that the issue asks for without and with 100 million observations; null where it asks for none.</param>
sealed record Question(string Name, Func<Town, string> Path, (double Without, double With)? Goal)
{
    public static IReadOnlyList<Question> All { get; } =
    [
        new($"{History.Things:N0} Things with the newest observation of each Datastream",
            _ => $"Things?$top={History.Things}&$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))", (150, 250)),
        new("count of all Observations", _ => "Observations?$count=true&$top=0", (200, 200)),
        new("count of a Datastream's Observations", town => $"Datastreams('{Town.DatastreamOf(town.Devices / 2)}')/Observations?$count=true&$top=0", null),
        new("newest 100 of a Datastream", town => $"Datastreams('{Town.DatastreamOf(town.Devices / 3)}')/Observations?$orderby=phenomenonTime desc&$top=100", null),
        new("a day of a Datastream, half-way back", town => $"Datastreams('{Town.DatastreamOf(town.Devices / 4)}')/Observations?$orderby=phenomenonTime&$filter={History.ADay()}", null),
        new("count of one Datastream's values above a bound", town => $"Datastreams('{Town.DatastreamOf(town.Devices / 5)}')/Observations?$count=true&$top=0&$filter=result gt 900", null),
        new("newest 100 over all", _ => "Observations?$orderby=phenomenonTime desc&$top=100", null),
        new("first page of all Observations", _ => "Observations", null),
    ];
}

/// <summary>How long the answers took, in milliseconds, and how large they were.</summary>
sealed record Answered(double Median, double Slowest, long Bytes);

/// <summary>
/// What a large history does to the questions: a town of <see cref="Things"/> devices whose Datastreams get readings every ten minutes, written by the
/// database itself (no door takes 100 million in minutes), and vacuumed as time would have it. All of it is rows: packing comes weeks after a month has ended.
/// </summary>
static class History
{
    public const int Things = 1_000;

    const int Times = 25;
    static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);
    static DateTime until, from;

    /// <summary>The condition that a reading is of the day in the middle.</summary>
    public static string ADay()
    {
        var day = (from + (until - from) / 2).Date;
        return string.Create(CultureInfo.InvariantCulture, $"phenomenonTime ge {day:yyyy-MM-dd}T00:00:00Z and phenomenonTime lt {day.AddDays(1):yyyy-MM-dd}T00:00:00Z");
    }

    /// <summary>Returns the exit code: 1 when what the API counts is not what was written.</summary>
    public static async Task<int> RunAsync(BenchOptions options)
    {
        var data = Directory.CreateTempSubdirectory("allmende-bench-");
        try
        {
            await using var installation = await Installation.StartAsync(new InstallationOptions { Data = data.FullName, Port = 0, Simulator = false, DemoTowns = false });
            Say($"Registering {Things:N0} devices …");
            using var town = await Town.BuildAsync(installation, Things);
            var perDatastream = Math.Max(1, options.History / (Things * Town.DatastreamsPerDevice));
            until = new DateTime(DateTime.UtcNow.Ticks - DateTime.UtcNow.Ticks % Interval.Ticks, DateTimeKind.Utc);
            from = until - Interval * (perDatastream - 1);
            var posted = await PreparePartitionsAsync(town, installation);
            var before = await AskAllAsync(town, installation);
            var written = perDatastream * Things * Town.DatastreamsPerDevice;
            Say($"Writing {written:N0} observations …");
            var since = Stopwatch.StartNew();
            await FillAsync(installation.Postgres.ConnectionStringFor(town.Database));
            var filling = since.Elapsed;
            Say($"Written in {filling.TotalSeconds:0} s");
            var after = await AskAllAsync(town, installation);
            var counted = await town.CountAsync();
            var table = Page(before, after, options.History, written, filling, await SizeAsync(installation, town));
            Console.WriteLine($"\n{table}");
            if (options.Output.Length > 0) await File.WriteAllTextAsync(options.Output, table);
            Say($"The API counts {counted:N0}.");
            return counted == written + posted ? 0 : 1;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    /// <summary>One posted observation a month: the service makes the partitions, the database fills them. Returns how many were posted.</summary>
    static async Task<int> PreparePartitionsAsync(Town town, Installation installation)
    {
        using var http = new HttpClient { BaseAddress = new Uri(installation.AddressOf("observations"), $"/{town.Id}/sta/v1.1/") };
        var (name, value) = (await town.WriterAsync()).Split(": ") is [var header, var credential] ? (header, credential) : throw new InvalidOperationException();
        http.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
        var posted = 0;
        for (var month = from; ; month = new DateTime(month.Year, month.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(1))
        {
            var time = month < until ? month : until;
            // Seconds beside those of the history: it does not come again with it.
            var observation = new JsonObject
            {
                ["phenomenonTime"] = time.AddSeconds(7).ToString("O", CultureInfo.InvariantCulture),
                ["result"] = 400,
                ["Datastream"] = new JsonObject { ["@iot.id"] = Town.DatastreamOf(0) },
            };
            (await http.PostAsJsonAsync("Observations", observation)).EnsureSuccessStatusCode();
            posted++;
            if (month >= until) return posted;
        }
    }

    /// <summary>Two backends write half of the Datastreams each, in the order of the key.</summary>
    static async Task FillAsync(string database)
    {
        await Task.WhenAll(Enumerable.Range(0, 2).Select(part => ExecuteAsync(database, $"""
            SET synchronous_commit = off;
            INSERT INTO observations.observation_row (datastream, time, value, quality)
            SELECT d.key, t, 400 + (d.key * 37 + extract(epoch FROM t)::bigint / 600) % 900 + 0.5, 0
            FROM (SELECT key FROM observations.datastream WHERE multi_types IS NULL AND key % 2 = {part} ORDER BY key) d
            CROSS JOIN LATERAL generate_series('{from:O}'::timestamptz, '{until:O}', interval '{Interval.TotalSeconds:0} seconds') AS t
            """)));
        await ExecuteAsync(database, $"""
            INSERT INTO observations.latest AS l (datastream, n, first_time, time, value, quality)
            SELECT d.key, {(until - from) / Interval + 1:0}, '{from:O}', o.time, o.value, o.quality
            FROM observations.datastream d JOIN observations.observation_row o ON o.datastream = d.key AND o.time = '{until:O}'
            ON CONFLICT (datastream) DO UPDATE SET n = l.n + excluded.n, first_time = least(l.first_time, excluded.first_time),
              value = CASE WHEN excluded.time > l.time THEN excluded.value ELSE l.value END, time = greatest(l.time, excluded.time)
            """);
        await ExecuteAsync(database, "VACUUM (ANALYZE) observations.latest");
        await ExecuteAsync(database, "VACUUM (ANALYZE) observations.observation_row");
        await ExecuteAsync(database, "CHECKPOINT");
    }

    static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    static async Task<long> SizeAsync(Installation installation, Town town)
    {
        await using var connection = new NpgsqlConnection(installation.Postgres.ConnectionStringFor(town.Database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_database_size(current_database())", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    static async Task<List<(Question Question, Answered Direct, Answered Gateway)>> AskAllAsync(Town town, Installation installation)
    {
        var answered = new List<(Question, Answered, Answered)>();
        foreach (var question in Question.All)
        {
            var direct = await AskAsync(new Uri(installation.AddressOf("observations"), $"/{town.Id}/sta/v1.1/"), question.Path(town));
            var gateway = await AskAsync(new Uri(installation.Gateway, $"/{town.Id}/sta/v1.1/"), question.Path(town));
            Say($"{question.Name}: {direct.Median:0.0} ms, slowest {direct.Slowest:0.0} ms");
            answered.Add((question, direct, gateway));
        }
        return answered;
    }

    /// <summary>Some times uncounted, for plans and caches, then one after the other.</summary>
    static async Task<Answered> AskAsync(Uri root, string path)
    {
        using var http = new HttpClient { BaseAddress = root, Timeout = TimeSpan.FromMinutes(1) };
        var times = new List<double>(Times);
        var bytes = 0L;
        for (var i = -8; i < Times; i++)
        {
            var since = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(path);
            var body = await answer.Content.ReadAsByteArrayAsync();
            if (!answer.IsSuccessStatusCode) throw new InstallationException($"{path}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
            if (i >= 0) times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            bytes = body.Length;
        }
        times.Sort();
        return new Answered(times[Times / 2], times[^1], bytes);
    }

    static string Page(
        IReadOnlyList<(Question Question, Answered Direct, Answered Gateway)> before, IReadOnlyList<(Question Question, Answered Direct, Answered Gateway)> after,
        long asked, long written, TimeSpan filling, long size)
    {
        var page = new System.Text.StringBuilder();
        void Line(FormattableString line) => page.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"# A history of {written:N0} observations, {DateTime.UtcNow:yyyy-MM-dd}\n");
        Line($"{Machine.Description()} {Things:N0} devices with {Town.DatastreamsPerDevice} Datastreams each, a reading every {Interval.TotalMinutes:0} minutes for {(until - from).TotalDays:0} days, written into the");
        Line($"database in {filling.TotalSeconds:0} s (vacuumed); the database has {size / 1e9:0.0} GB then. All of it is rows. Each question is asked {Times} times, one at a time, after a few that are not counted.");
        Line($"Made by `tools/bench --history {asked}`.\n");
        Line($"| question | bytes | without: direct, median (slowest) ms | gateway | with: direct, median (slowest) ms | gateway | goal without, with |");
        Line($"|---|---:|---:|---:|---:|---:|---:|");
        foreach (var ((question, direct, gateway), then) in after.Zip(before))
            Line($"| {question.Name} | {direct.Bytes:N0} | {then.Direct.Median:0.0} ({then.Direct.Slowest:0.0}) | {then.Gateway.Median:0.0} ({then.Gateway.Slowest:0.0}) | {direct.Median:0.0} ({direct.Slowest:0.0}) | {gateway.Median:0.0} ({gateway.Slowest:0.0}) | {(question.Goal is { } goal ? $"{goal.Without:0}, {goal.With:0}" : "")} |");
        return page.ToString();
    }

    static void Say(string line) => Console.WriteLine(line);
}
