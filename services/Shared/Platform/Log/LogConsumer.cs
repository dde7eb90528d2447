using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Telemetry;
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
    /// an engine is retried as long as it takes, while other partitions go on; any other exception is taken for the fault of one record, which is
    /// found and dead-lettered.
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
        try
        {
            await infrastructure.ExecuteAsync(async token => await consumer.HandleAsync(batch, token), cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested && !Infrastructure.IsAtFault(fault))
        {
            if (batch.Records.Count == 1)
            {
                await DeadLetterAsync(batch, fault, cancellation);
                return;
            }
            // Halving finds the record at fault in few steps, and leaves the others in batches.
            var half = batch.Records.Count / 2;
            await HandleAsync(batch with { Records = [.. batch.Records.Take(half)] }, cancellation);
            await HandleAsync(batch with { Records = [.. batch.Records.Skip(half)] }, cancellation);
        }
    }

    async Task DeadLetterAsync(LogBatch batch, Exception fault, CancellationToken cancellation)
    {
        var record = batch.Records[0];
        LogPoison(logger, T.Topic, T.Group, batch.Municipality, fault);
        if (T.Topic == Topics.DeadLetters) return; // a broken dead letter is logged and let go
        var letter = DeadLetters.Of(batch, record, T.Group, "handler_failed", $"{T.Group} cannot handle it: {fault.GetType().Name}");
        await infrastructure.ExecuteAsync(async token => await log.AppendAsync(batch.Municipality, letter, token), cancellation);
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
    public static async Task<LogPosition> AppendAsync(this ILog log, string municipality, DeadLetter letter, CancellationToken cancellation)
    {
        var position = await log.AppendAsync(municipality, Topics.DeadLetters, letter.Device ?? letter.Key,
            JsonSerializer.SerializeToUtf8Bytes(letter, ContractsJson.Default.DeadLetter), cancellation);
        Instruments.DeadLetters.Add(1, new("topic", letter.Topic), new("type", letter.Type));
        return position;
    }
}

/// <summary>Dead letters of whole records.</summary>
static class DeadLetters
{
    // As base64, and with the rest of the letter, this fits into a record.
    const int MostPayload = ILog.MaxPayload * 5 / 8;

    /// <summary>The letter of a record that a group cannot handle. One too large to be kept again is told of without its payload.</summary>
    public static DeadLetter Of(LogBatch batch, LogRecord record, string group, string type, string reason)
    {
        var (partition, major, minor) = record.Position;
        var fits = record.Payload.Length <= MostPayload;
        return new DeadLetter($"{group}.{batch.Topic}.{partition}.{major}-{minor}", batch.Topic, record.Key, null, type,
            fits ? reason : $"{reason} (its {record.Payload.Length} bytes are too many to be kept here)", DateTimeOffset.UtcNow, fits ? record.Payload.ToArray() : []);
    }
}
