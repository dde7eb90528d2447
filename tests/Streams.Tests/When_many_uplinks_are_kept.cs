using System.Diagnostics;
using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;
using Allmende.Streams.Uplinks;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace Allmende.Streams.Tests;

/// <summary>
/// A measurement, not a test of the suite: what keeping uplinks costs those who decode them. Uplinks of 20 days ago are decoded and not kept. Run it with
/// <c>dotnet test tests/Streams.Tests -c Release --filter FullyQualifiedName~When_many_uplinks_are_kept -- NUnit.ExplicitMode=Relaxed</c>.
/// </summary>
[TestFixture, Explicit("measures")]
public class When_many_uplinks_are_kept
{
    const int Batch = 500, Batches = 60, WarmUp = 10, Devices = 100;

    [Test]
    public async Task Should_tell_how_many_are_decoded_with_and_without_keeping()
    {
        var consumer = ActivatorUtilities.CreateInstance<DecodeUplinks>(OneStreamsService.Service.Services);
        var town = await OneStreamsService.Service.MunicipalityAsync();
        foreach (var (what, age) in new[] { ("without", 20), ("with", 1), ("without", 20), ("with", 2) })
        {
            var received = DateTimeOffset.UtcNow.AddDays(-age);
            for (var i = 0; i < WarmUp; i++) await consumer.HandleAsync(BatchOf(town, received.AddHours(-1).AddSeconds(i)), CancellationToken.None);
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < Batches; i++) await consumer.HandleAsync(BatchOf(town, received.AddSeconds(i)), CancellationToken.None);
            await TestContext.Out.WriteLineAsync($"{what} keeping: {Batch * Batches / watch.Elapsed.TotalSeconds:N0} uplinks/s");
        }
    }

    static LogBatch BatchOf(string town, DateTimeOffset received) => new(town, Topics.Uplinks, 0, [.. Enumerable.Range(0, Batch).Select(i =>
    {
        var device = $"baum-{i % Devices}";
        var uplink = new Uplink(Guid.NewGuid().ToString("N"), device, "dragino-lse01", received.AddMilliseconds(i), received.AddMilliseconds(i), 2, i, Convert.FromHexString("ce2900f107a5099b6e2890"));
        return new LogRecord(new LogPosition(0, 1, i), device, JsonSerializer.SerializeToUtf8Bytes(uplink, ContractsJson.Default.Uplink), null);
    })]);
}
