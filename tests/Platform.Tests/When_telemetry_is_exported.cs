using System.Net;
using System.Text;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Log;
using Allmende.Platform.Tests.StandIns;
using Allmende.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture, NonParallelizable]
sealed class When_telemetry_is_exported
{
    const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL", Delay = "OTEL_BSP_SCHEDULE_DELAY";

    [TearDown]
    public void ForgetTheCollector()
    {
        foreach (var name in new[] { Endpoint, Protocol, Delay }) Environment.SetEnvironmentVariable(name, null);
    }

    [Test]
    public async Task Should_be_one_trace_from_door_over_log_to_database()
    {
        var engines = await TestEngines.SharedAsync();
        var municipality = await engines.CreateMunicipalityAsync();
        await using var collector = await OtlpCollectorStandIn.StartAsync();
        await using var identity = await MunicipalitiesStandIn.StartAsync(municipality);
        Environment.SetEnvironmentVariable(Endpoint, collector.Address);
        Environment.SetEnvironmentVariable(Protocol, "http/protobuf");
        Environment.SetEnvironmentVariable(Delay, "100");

        await using (var service = await ServiceUnderTest.StartAsync(PlatformNeeds.All, new Dictionary<string, string?>
        {
            [Endpoint] = collector.Address,
            [Protocol] = "http/protobuf",
            ["Platform:Redis"] = engines.Redis.Address,
            ["Platform:Postgres"] = engines.ConnectionString("streams"),
            ["Platform:Services:identity"] = identity.Address,
        }, services => services.AddLogConsumer<Asking>(), app => app.MapPost("/{municipality}/door", async (string municipality, ILog log, CancellationToken cancellation) =>
        {
            await log.AppendAsync(municipality, Topics.Uplinks, "pegel-1", Encoding.UTF8.GetBytes("top secret"), cancellation);
            return Results.Accepted();
        })))
        {
            using var answer = await service.Client.PostAsync(new Uri($"/{municipality}/door", UriKind.Relative), null);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            await Eventually.TrueAsync(() => Task.FromResult(collector.Spans.Any(span => span.Name == "process uplinks")), "consumer's span", TimeSpan.FromSeconds(20));
            Assert.That(service.Log.Lines, Has.None.Contains("top secret"), "a payload in the log");
        }

        var process = collector.Spans.Single(span => span.Name == "process uplinks");
        var send = collector.Spans.Single(span => span.Name == "send uplinks");
        var door = collector.Spans.Single(span => span.SpanId == send.ParentId);
        Assert.Multiple(() =>
        {
            Assert.That(door.Name, Is.EqualTo("POST /{municipality}/door"));
            Assert.That(process.ParentId, Is.EqualTo(send.SpanId));
            Assert.That(new[] { send.TraceId, process.TraceId }, Is.All.EqualTo(door.TraceId));
            Assert.That(collector.Spans.Where(span => span.ParentId == process.SpanId).Select(span => span.TraceId), Is.Not.Empty.And.All.EqualTo(door.TraceId), "the database's span");
            Assert.That(process.Service, Is.EqualTo("allmende-streams"));
            Assert.That(collector.Metrics, Does.Contain("allmende.log.append.duration").And.Contain("allmende.log.handle.duration"));
        });
    }

    sealed class Asking(MunicipalDatabases databases) : ILogConsumer
    {
        public static string Topic => Topics.Uplinks;

        public static string Group => "asking";

        public async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
        {
            await using var command = databases.Of(batch.Municipality).CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(cancellation);
        }
    }
}
