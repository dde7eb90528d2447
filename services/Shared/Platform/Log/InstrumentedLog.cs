using System.Collections.Concurrent;
using System.Diagnostics;
using Allmende.Platform.Telemetry;

namespace Allmende.Platform.Log;

/// <summary>
/// Traces and measures a log. An append is a producer span, whose context travels with the record; a batch is a consumer span that continues the trace
/// of its first record and links the others': one trace from door to database.
/// </summary>
sealed class InstrumentedLog(ILog log) : ILog
{
    const int MostLinks = 32;
    readonly ConcurrentDictionary<(string Topic, string Group), bool> consumers = new();

    /// <summary>What this process reads.</summary>
    public IEnumerable<(string Topic, string Group)> Consumers => consumers.Keys;

    public async Task<LogPosition> AppendAsync(string municipality, string topic, string key, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        using var activity = PlatformTelemetry.Source.StartActivity("send " + topic, ActivityKind.Producer);
        activity?.SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", topic).SetTag("allmende.municipality", municipality);
        var since = Stopwatch.GetTimestamp();
        try
        {
            var position = await log.AppendAsync(municipality, topic, key, payload, cancellation);
            Measure("ok");
            Instruments.AppendedBytes.Add(payload.Length, Tag("topic", topic));
            return position;
        }
        catch (Exception fault)
        {
            Measure("failed");
            activity?.SetStatus(ActivityStatusCode.Error, fault.GetType().Name);
            throw;
        }

        void Measure(string outcome) =>
            Instruments.AppendDuration.Record(Stopwatch.GetElapsedTime(since).TotalSeconds, Tag("topic", topic), Tag("outcome", outcome));
    }

    public Task ConsumeAsync(string topic, string group, LogHandler handler, CancellationToken cancellation)
    {
        consumers[(topic, group)] = true;
        return log.ConsumeAsync(topic, group, (batch, stop) => HandleAsync(batch, group, handler, stop), cancellation);
    }

    static async Task HandleAsync(LogBatch batch, string group, LogHandler handler, CancellationToken cancellation)
    {
        using var activity = StartActivity(batch, group);
        Instruments.BatchRecords.Record(batch.Records.Count, Tag("topic", batch.Topic), Tag("group", group));
        var since = Stopwatch.GetTimestamp();
        var outcome = "failed";
        try
        {
            await handler(batch, cancellation);
            outcome = "ok";
        }
        catch (Exception fault)
        {
            activity?.SetStatus(ActivityStatusCode.Error, fault.GetType().Name);
            throw;
        }
        finally
        {
            Instruments.HandleDuration.Record(Stopwatch.GetElapsedTime(since).TotalSeconds, Tag("topic", batch.Topic), Tag("group", group), Tag("outcome", outcome));
        }
    }

    static Activity? StartActivity(LogBatch batch, string group)
    {
        if (!PlatformTelemetry.Source.HasListeners()) return null;
        ActivityContext.TryParse(batch.Records[0].Traceparent, null, isRemote: true, out var parent);
        var links = new List<ActivityLink>();
        foreach (var trace in batch.Records.Skip(1).Select(record => record.Traceparent).OfType<string>().Distinct(StringComparer.Ordinal).Take(MostLinks))
            if (ActivityContext.TryParse(trace, null, isRemote: true, out var context)) links.Add(new ActivityLink(context));
        // What started the consumer (the host) is no parent of what it handles.
        Activity.Current = null;
        return PlatformTelemetry.Source.StartActivity("process " + batch.Topic, ActivityKind.Consumer, parent, links: links)?
            .SetTag("messaging.operation.type", "process").SetTag("messaging.destination.name", batch.Topic)
            .SetTag("messaging.consumer.group.name", group).SetTag("messaging.batch.message_count", batch.Records.Count)
            .SetTag("allmende.municipality", batch.Municipality);
    }

    public Task<IReadOnlyList<LogPosition>> EndAsync(string municipality, string topic, CancellationToken cancellation) =>
        log.EndAsync(municipality, topic, cancellation);

    public Task<IReadOnlyList<LogPosition>> KeptAfterAsync(string municipality, string topic, CancellationToken cancellation) =>
        log.KeptAfterAsync(municipality, topic, cancellation);

    public IAsyncEnumerable<LogBatch> TailAsync(string municipality, string topic, IReadOnlyList<LogPosition> from, CancellationToken cancellation) =>
        log.TailAsync(municipality, topic, from, cancellation);

    public Task<long> LagAsync(string municipality, string topic, string group, CancellationToken cancellation) =>
        log.LagAsync(municipality, topic, group, cancellation);

    public Task PingAsync(CancellationToken cancellation) => log.PingAsync(cancellation);

    static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);

    /// <summary>The log itself is its owner's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
