using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Platform.Tests.StandIns;

/// <summary>A span as it was exported.</summary>
sealed record Span(string Service, string Name, string TraceId, string SpanId, string ParentId);

/// <summary>Stands in for an OpenTelemetry collector: takes OTLP over HTTP in protobuf, and reads of it what the tests ask for.</summary>
sealed class OtlpCollectorStandIn : IAsyncDisposable
{
    WebApplication? app;

    public string Address => app!.Urls.First();

    public ConcurrentQueue<Span> Spans { get; } = new();

    public ConcurrentQueue<string> Metrics { get; } = new();

    public static async Task<OtlpCollectorStandIn> StartAsync()
    {
        var collector = new OtlpCollectorStandIn();
        collector.app = await Loopback.StartAsync(app =>
        {
            app.MapPost("/v1/traces", context => TakeAsync(context, collector.TakeTraces));
            app.MapPost("/v1/metrics", context => TakeAsync(context, collector.TakeMetrics));
        });
        return collector;
    }

    static async Task TakeAsync(HttpContext context, Action<ReadOnlyMemory<byte>> take)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        take(body.ToArray());
        context.Response.ContentType = "application/x-protobuf";
    }

    // opentelemetry-proto: ExportTraceServiceRequest.resource_spans = 1; ResourceSpans.resource = 1, .scope_spans = 2; ScopeSpans.spans = 2;
    // Span.trace_id = 1, .span_id = 2, .parent_span_id = 4, .name = 5; Resource.attributes = 1; KeyValue.key = 1, .value = 2; AnyValue.string_value = 1.
    void TakeTraces(ReadOnlyMemory<byte> request)
    {
        foreach (var resource in Fields(request, 1))
        {
            var service = Fields(resource, 1).SelectMany(one => Fields(one, 1)).Where(pair => Text(pair, 1) == "service.name")
                .Select(pair => Text(Fields(pair, 2).First(), 1)).FirstOrDefault() ?? "";
            foreach (var span in Fields(resource, 2).SelectMany(scope => Fields(scope, 2)))
                Spans.Enqueue(new Span(service, Text(span, 5), Hex(span, 1), Hex(span, 2), Hex(span, 4)));
        }
    }

    // ExportMetricsServiceRequest.resource_metrics = 1; ResourceMetrics.scope_metrics = 2; ScopeMetrics.metrics = 2; Metric.name = 1.
    void TakeMetrics(ReadOnlyMemory<byte> request)
    {
        foreach (var metric in Fields(request, 1).SelectMany(resource => Fields(resource, 2)).SelectMany(scope => Fields(scope, 2))) Metrics.Enqueue(Text(metric, 1));
    }

    static string Text(ReadOnlyMemory<byte> message, int field) => Fields(message, field).Select(bytes => Encoding.UTF8.GetString(bytes.Span)).FirstOrDefault() ?? "";

    static string Hex(ReadOnlyMemory<byte> message, int field) => Fields(message, field).Select(bytes => Convert.ToHexStringLower(bytes.Span)).FirstOrDefault() ?? "";

    /// <summary>The length-delimited fields of that number.</summary>
    static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int field)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        var at = 0;
        while (at < message.Length)
        {
            var tag = Number();
            switch (tag & 7)
            {
                case 0: Number(); break;
                case 1: at += 8; break;
                case 5: at += 4; break;
                default:
                    var length = (int)Number();
                    if ((int)(tag >> 3) == field) found.Add(message.Slice(at, length));
                    at += length;
                    break;
            }
        }
        return found;

        ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var one = message.Span[at++];
                value |= (ulong)(one & 0x7f) << shift;
                if (one < 0x80) return value;
            }
        }
    }

    public ValueTask DisposeAsync() => app!.DisposeAsync();
}
