using System.Diagnostics;
using Allmende.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Allmende.Platform.Log;

/// <summary>What a service does with a topic. Writes idempotently, since a batch may come again.</summary>
public interface ILogConsumer
{
    /// <summary>The topic it reads.</summary>
    static abstract string Topic { get; }

    /// <summary>The group it reads in: <c>{service}</c>, or <c>{service}-{purpose}</c> where a service reads a topic twice.</summary>
    static abstract string Group { get; }

    /// <summary>
    /// Handles a batch. A record that is itself broken is dead-lettered by the consumer and never thrown; what is thrown for lack of
    /// an engine is retried; any other exception is taken for the fault of one record, which is found and dead-lettered.
    /// </summary>
    Task HandleAsync(LogBatch batch, CancellationToken cancellation);
}

/// <summary>Runs an <see cref="ILogConsumer"/> as long as the service lives.</summary>
sealed partial class LogConsumerService<T>(ILog log, T consumer, IHostApplicationLifetime lifetime, ILogger<LogConsumerService<T>> logger) : BackgroundService
    where T : ILogConsumer
{
    readonly ResiliencePipeline infrastructure = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is { } fault && Infrastructure.IsAtFault(fault)),
        MaxRetryAttempts = 60,
        BackoffType = DelayBackoffType.Exponential,
        Delay = TimeSpan.FromMilliseconds(100),
        MaxDelay = TimeSpan.FromSeconds(3),
        UseJitter = true,
        OnRetry = args => { LogRetry(logger, T.Topic, T.Group, args.AttemptNumber, args.Outcome.Exception!); return ValueTask.CompletedTask; },
    }).Build();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await log.ConsumeAsync(T.Topic, T.Group, HandleAsync, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
        catch (Exception fault)
        {
            LogStopped(logger, T.Topic, T.Group, fault);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        using var activity = StartActivity(batch);
        try
        {
            await infrastructure.ExecuteAsync(async token => await consumer.HandleAsync(batch, token), cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && !Infrastructure.IsAtFault(fault))
        {
            if (batch.Records.Count > 1)
                foreach (var record in batch.Records) await HandleAsync(batch with { Records = [record] }, cancellation);
            else
                await DeadLetterAsync(batch, fault, cancellation);
        }
    }

    async Task DeadLetterAsync(LogBatch batch, Exception fault, CancellationToken cancellation)
    {
        var record = batch.Records[0];
        LogPoison(logger, T.Topic, T.Group, batch.Municipality, fault);
        if (T.Topic == Topics.DeadLetters) return; // a broken dead letter is logged and let go
        var letter = new DeadLetter($"{T.Group}.{batch.Topic}.{batch.Partition}.{record.Position.Major}-{record.Position.Minor}", batch.Topic, record.Key, null,
            "handler_failed", $"{T.Group} cannot handle it: {fault.GetType().Name}", DateTimeOffset.UtcNow, record.Payload.ToArray());
        await infrastructure.ExecuteAsync(async token => await log.AppendAsync(batch.Municipality, letter, token), cancellation);
    }

    static Activity? StartActivity(LogBatch batch)
    {
        // One trace from door to database: a batch continues its first record's trace and links the others'.
        ActivityContext.TryParse(batch.Records[0].Traceparent, null, isRemote: true, out var parent);
        if (!Telemetry.PlatformTelemetry.Source.HasListeners()) return null;
        var links = batch.Records.Skip(1).Select(record => record.Traceparent).Where(trace => trace is not null).Distinct(StringComparer.Ordinal).Take(32)
            .Select(trace => ActivityContext.TryParse(trace, null, out var context) ? new ActivityLink(context) : default);
        var activity = Telemetry.PlatformTelemetry.Source.StartActivity($"{batch.Topic} process", ActivityKind.Consumer, parent, links: links);
        activity?.SetTag("messaging.operation.type", "process").SetTag("messaging.destination.name", batch.Topic)
            .SetTag("messaging.consumer.group.name", T.Group).SetTag("messaging.batch.message_count", batch.Records.Count)
            .SetTag("allmende.municipality", batch.Municipality);
        return activity;
    }

    [LoggerMessage(100, LogLevel.Warning, "{Topic}: group {Group} tries again ({Attempt})")]
    static partial void LogRetry(ILogger logger, string topic, string group, int attempt, Exception fault);

    [LoggerMessage(101, LogLevel.Critical, "{Topic}: group {Group} has given up; the process stops to start clean")]
    static partial void LogStopped(ILogger logger, string topic, string group, Exception fault);

    [LoggerMessage(102, LogLevel.Error, "{Topic}: group {Group} dead-letters a record of {Municipality}")]
    static partial void LogPoison(ILogger logger, string topic, string group, string municipality, Exception fault);
}

/// <summary>Registration of consumers, and the ways to append that several services use.</summary>
public static class LogExtensions
{
    /// <summary>Runs <typeparamref name="T"/> on its topic.</summary>
    public static IServiceCollection AddLogConsumer<T>(this IServiceCollection services) where T : class, ILogConsumer =>
        services.AddSingleton<T>().AddHostedService<LogConsumerService<T>>();

    /// <summary>Keeps what could not be processed, with the reason.</summary>
    public static Task<LogPosition> AppendAsync(this ILog log, string municipality, DeadLetter letter, CancellationToken cancellation) =>
        log.AppendAsync(municipality, Topics.DeadLetters, letter.Device ?? letter.Key,
            System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(letter, ContractsJson.Default.DeadLetter), cancellation);
}
