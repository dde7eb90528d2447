using System.Text.Json;
using Allmende.Contracts;
using Allmende.Platform.Log;

namespace Allmende.Streams.DeadLetters;

/// <summary>Topic <c>dead-letters</c>, from whatever service, becomes a table that people can read and replay from.</summary>
sealed class KeepDeadLetters(DeadLetterStore store) : ILogConsumer
{
    public static string Topic => Topics.DeadLetters;

    public static string Group => "streams";

    public Task HandleAsync(LogBatch batch, CancellationToken cancellation) =>
        store.KeepAsync(batch.Municipality, batch.Records.Select(record => JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeadLetter)!).ToList(), cancellation);
}
