using System.Diagnostics;
using Allmende.Bench.Http;
using Allmende.Supervisor;

namespace Allmende.Bench.Measurements;

/// <summary>What one kind of request did.</summary>
/// <param name="Requests">Answered as expected.</param>
/// <param name="Failures">Answered otherwise, by status; 0 is a broken connection.</param>
/// <param name="Seconds">How long it ran.</param>
/// <param name="Latencies">Of the answered ones.</param>
/// <param name="Processors">Share of one processor by process.</param>
sealed record LoadResult(
    long Requests, IReadOnlyDictionary<int, long> Failures, double Seconds, Latencies Latencies, IReadOnlyList<(string Process, double Share)> Processors)
{
    public double PerSecond => Requests / Seconds;
}

/// <summary>Keeps some connections busy, each with one request at a time, as a crowd of clients that wait for their answers.</summary>
static class Load
{
    /// <summary>Runs the load.</summary>
    /// <param name="installation">What is measured.</param>
    /// <param name="address">The door.</param>
    /// <param name="connections">How many at once.</param>
    /// <param name="time">How long.</param>
    /// <param name="expected">The status of success.</param>
    /// <param name="write">Makes a worker's requests: given its number, returns what writes the next request.</param>
    public static async Task<LoadResult> RunAsync(
        Installation installation, Uri address, int connections, TimeSpan time, int expected, Func<int, Func<Request, ReadOnlyMemory<byte>>> write)
    {
        var processors = new Processors(installation);
        var since = Stopwatch.StartNew();
        var workers = await Task.WhenAll(Enumerable.Range(0, connections).Select(number =>
            Task.Run(() => WorkAsync(address, since, time, expected, write(number)))));
        var seconds = since.Elapsed.TotalSeconds;
        var shares = processors.Shares();
        var all = new Latencies();
        foreach (var (latencies, _) in workers)
            all.Add(latencies);
        var failures = workers.SelectMany(worker => worker.Failures).GroupBy(failure => failure.Key)
            .ToDictionary(group => group.Key, group => group.Sum(failure => failure.Value));
        return new LoadResult(all.Count, failures, seconds, all, shares);
    }

    static async Task<(Latencies Latencies, Dictionary<int, long> Failures)> WorkAsync(
        Uri address, Stopwatch since, TimeSpan time, int expected, Func<Request, ReadOnlyMemory<byte>> write)
    {
        var latencies = new Latencies();
        var failures = new Dictionary<int, long>();
        var request = new Request(address.Authority);
        Connection? connection = null;
        while (since.Elapsed < time)
        {
            var status = 0;
            var bytes = write(request);
            var start = Stopwatch.GetTimestamp();
            try
            {
                connection ??= await Connection.OpenAsync(address, CancellationToken.None);
                status = await connection.ExchangeAsync(bytes, CancellationToken.None);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                connection?.Dispose();
                connection = null;
            }
            if (status == expected)
                latencies.AddSince(start);
            else
                failures[status] = failures.GetValueOrDefault(status) + 1;
        }
        connection?.Dispose();
        return (latencies, failures);
    }
}
