using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Allmende.Bench.Http;

namespace Allmende.Bench.Measurements;

/// <summary>How old a value is when it can be seen.</summary>
/// <param name="Sent">Uplinks acknowledged.</param>
/// <param name="Failed">Uplinks not acknowledged.</param>
/// <param name="PerSecond">Uplinks a second that were really sent.</param>
/// <param name="Unseen">Acknowledged uplinks that <c>/live</c> did not show until the end.</param>
/// <param name="Live">From the POST to the event on <c>/live</c>.</param>
/// <param name="Read">From the POST to the answer of a GET that has the value, over a sample.</param>
/// <param name="Processors">Share of one processor by process.</param>
sealed record FreshnessResult(
    long Sent, long Failed, double PerSecond, long Unseen, Latencies Live, Latencies Read, IReadOnlyList<(string Process, double Share)> Processors);

/// <summary>
/// Sends uplinks at a fixed rate, whether answers come or not, and takes the time from the moment each was due: a sender that falls behind makes the
/// figures worse, not better. All times are of one clock, that of this process.
/// </summary>
sealed class Freshness(Town town, Uri gateway)
{
    const int Senders = 32;
    const int ReadEvery = 50;
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<(int Device, long Time), long> due = new();
    readonly Latencies live = new();
    readonly Latencies read = new();
    readonly List<Task> reading = [];
    long sent, failed;

    public async Task<FreshnessResult> RunAsync(Supervisor.Installation installation, int perSecond, TimeSpan time)
    {
        using var stop = new CancellationTokenSource();
        var listening = new TaskCompletionSource();
        var listener = Task.Run(() => ListenAsync(listening, stop.Token));
        await listening.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var processors = new Processors(installation);
        var start = Stopwatch.GetTimestamp();
        var total = (int)(perSecond * time.TotalSeconds);
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() => SendAsync(sender, start, perSecond, total))));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var shares = processors.Shares();
        for (var until = Stopwatch.StartNew(); !due.IsEmpty && until.Elapsed < Grace;)
            await Task.Delay(20);
        await Task.WhenAll(reading);
        await stop.CancelAsync();
        await listener;
        return new FreshnessResult(sent, failed, total / seconds, due.Count, live, read, shares);
    }

    async Task SendAsync(int sender, long start, int perSecond, int total)
    {
        var request = new Request(gateway.Authority);
        using var connection = await Connection.OpenAsync(gateway, CancellationToken.None);
        for (var number = sender; number < total; number += Senders)
        {
            var dueAt = start + (long)(number * (double)Stopwatch.Frequency / perSecond);
            while (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), dueAt) is { Ticks: > 0 } wait)
                await Task.Delay(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait);
            var device = number % town.Devices;
            var observed = town.Next(device);
            due[(device, observed.Ticks)] = dueAt;
            if (await connection.ExchangeAsync(Uplinks.Write(request, town, device, observed, 400 + number % 900), CancellationToken.None) != 202)
            {
                Interlocked.Increment(ref failed);
                due.TryRemove((device, observed.Ticks), out _);
                continue;
            }
            Interlocked.Increment(ref sent);
            if (number % ReadEvery == 0)
                lock (reading)
                    reading.Add(Task.Run(() => ReadAsync(device, observed, dueAt)));
        }
    }

    /// <summary>Asks until the value is there.</summary>
    async Task ReadAsync(int device, DateTime observed, long dueAt)
    {
        using var connection = await Connection.OpenAsync(gateway, CancellationToken.None);
        var time = Uri.EscapeDataString(observed.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        var request = new Request(gateway.Authority)
            .Get($"/{town.Id}/sta/v1.1/Datastreams('{Town.DatastreamOf(device)}')/Observations?$filter=phenomenonTime%20eq%20{time}&$select=result").Bytes;
        while (Stopwatch.GetElapsedTime(dueAt) < Grace)
        {
            if (await connection.ExchangeAsync(request, CancellationToken.None) == 200 && connection.Answer.Span.IndexOf("\"result\""u8) >= 0)
            {
                lock (read)
                    read.AddSince(dueAt);
                return;
            }
            await Task.Delay(2);
        }
    }

    async Task ListenAsync(TaskCompletionSource listening, CancellationToken stop)
    {
        using var http = town.Public();
        http.Timeout = Timeout.InfiniteTimeSpan;
        var wanted = string.Join('&', Enumerable.Range(0, town.Devices).Select(device => $"datastream={Town.DatastreamOf(device)}"));
        try
        {
            using var answer = await http.GetAsync($"live?{wanted}", HttpCompletionOption.ResponseHeadersRead, stop);
            answer.EnsureSuccessStatusCode();
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(stop), Encoding.UTF8);
            while (await lines.ReadLineAsync(stop) is { } line)
                if (line.StartsWith("event: ready", StringComparison.Ordinal))
                    listening.TrySetResult();
                else if (line.StartsWith("data: {\"datastream\"", StringComparison.Ordinal))
                    Seen(line);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Enough heard.
        }
        catch (Exception fault)
        {
            listening.TrySetException(fault);
            throw;
        }
    }

    /// <summary>An event: <c>{"datastream":"raum-007.co2",…,"phenomenonTime":"2026-…Z",…}</c>.</summary>
    void Seen(ReadOnlySpan<char> line)
    {
        var device = int.Parse(line[(line.IndexOf("raum-") + 5)..][..3], CultureInfo.InvariantCulture);
        const string name = "\"phenomenonTime\":\"";
        var at = line[(line.IndexOf(name) + name.Length)..];
        var observed = DateTime.Parse(at[..at.IndexOf('"')], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        // The same event may come again after a break; the first counts.
        if (due.TryRemove((device, observed.Ticks), out var dueAt))
            live.AddSince(dueAt);
    }
}
