using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform;
using Allmende.Platform.Log;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Allmende.Ingestion.Downlinks;

/// <summary>
/// Topic <c>commands</c>: what Tasks of SensorThings command becomes downlinks, or fails with a reason that its Task shows. The same command twice makes one
/// downlink; one that comes late makes one too, until it has expired.
/// </summary>
sealed partial class TakeCommands(
    DownlinkStore store, DownlinkDoor door, DownlinkSender sender, DownlinkOptions options, Municipalities municipalities, ILog log, ILogger<TakeCommands> logger) : ILogConsumer
{
    /// <summary>For so long a command waits for a codec that cannot be asked; those behind it wait as well, so that they keep their order.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static string Topic => Topics.Commands;
    public static string Group => "ingestion";

    public async Task HandleAsync(LogBatch batch, CancellationToken cancellation)
    {
        // One that has left has no devices any more.
        if (await municipalities.FindUnlessLeftAsync(batch.Municipality, cancellation) is null) return;
        foreach (var record in batch.Records)
            if (Read(record) is not { } command) await DeadLetterAsync(batch.Municipality, record, cancellation);
            else if (command.Kind == DeviceCommand.Cancel) await CancelAsync(batch.Municipality, command, cancellation);
            else await SendAsync(batch.Municipality, command, cancellation);
    }

    static DeviceCommand? Read(LogRecord record)
    {
        try
        {
            return JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeviceCommand) is { Device: not null, Task: not null, By: not null } command
                && (command.Kind == DeviceCommand.Cancel || command is { Kind: DeviceCommand.Send, Data.ValueKind: JsonValueKind.Object }) ? command : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    async Task CancelAsync(string municipality, DeviceCommand command, CancellationToken cancellation)
    {
        if (await store.CancelForTaskAsync(municipality, command, cancellation)) Telemetry.CountDownlink(municipality, DownlinkState.Cancelled);
    }

    async Task SendAsync(string municipality, DeviceCommand command, CancellationToken cancellation)
    {
        if (await store.IsTakenAsync(municipality, command.Id, cancellation)) return;
        var validFor = command.Downlink?.ValidFor is { } seconds ? TimeSpan.FromSeconds(seconds) : options.ValidFor;
        var expiresAt = command.At + validFor;
        if (expiresAt <= DateTimeOffset.UtcNow)
        {
            await RefuseAsync(municipality, command, DownlinkState.Expired, "it came too late to be sent", cancellation);
            return;
        }
        var (ready, reason) = await PrepareAsync(municipality, command, expiresAt, cancellation);
        if (ready is null)
        {
            await RefuseAsync(municipality, command, DownlinkState.Failed, reason, cancellation);
            return;
        }
        var (isDone, why) = await store.AddForTaskAsync(municipality, command, ready.Content, options.MostWaiting, cancellation);
        if (isDone)
        {
            Telemetry.CountDownlink(municipality, DownlinkState.Queued);
            sender.Wake(municipality);
        }
        else
            await RefuseAsync(municipality, command, DownlinkState.Failed, why switch
            {
                NotQueued.NoSuchDevice => "there is no such device any more",
                NotQueued.Retired => "the device is retired",
                _ => $"{options.MostWaiting} downlinks wait for the device already",
            }, cancellation);
    }

    /// <summary>Lets the device's codec encode it, and looks whether its way can carry it; waits for a codec that cannot be asked.</summary>
    async Task<(DownlinkDoor.Ready? Ready, string Reason)> PrepareAsync(string municipality, DeviceCommand command, DateTimeOffset expiresAt, CancellationToken cancellation)
    {
        var giveUp = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            try
            {
                var (ready, refusal) = await door.PrepareAsync(municipality, command.Device, BodyOf(command, expiresAt), cancellation);
                return (ready, ready is null ? ReasonOf(refusal) : "");
            }
            catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                if (!Infrastructure.IsAtFault(fault) || DateTimeOffset.UtcNow > giveUp || DateTimeOffset.UtcNow > expiresAt) return (null, "its codec cannot be asked");
                LogWaits(municipality, fault.Message);
            }
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>The command as the body of <c>POST …/downlinks</c>, with the time from which on it is too late.</summary>
    static JsonElement BodyOf(DeviceCommand command, DateTimeOffset expiresAt)
    {
        var body = new JsonObject { ["data"] = JsonNode.Parse(command.Data!.Value.GetRawText()), ["expiresAt"] = JsonValue.Create(expiresAt) };
        if (command.Downlink?.FPort is { } port) body["fPort"] = port;
        if (command.Downlink?.Confirmed is { } confirmed) body["confirmed"] = confirmed;
        if (command.Downlink?.Priority is { } priority) body["priority"] = priority;
        return JsonElement.Parse(body.ToJsonString());
    }

    static string ReasonOf(IResult? refusal)
    {
        if (refusal is not ProblemHttpResult { ProblemDetails: { } problem }) return "it is refused";
        return problem.Extensions.TryGetValue("errors", out var errors) && errors is IReadOnlyDictionary<string, string[]> faults
            ? string.Join("; ", faults.SelectMany(field => field.Value.Select(fault => $"{field.Key} {fault}")))
            : problem.Detail ?? problem.Title ?? "it is refused";
    }

    async Task RefuseAsync(string municipality, DeviceCommand command, string state, string reason, CancellationToken cancellation)
    {
        if (await store.RefuseForTaskAsync(municipality, command, state, reason, cancellation)) Telemetry.CountDownlink(municipality, state);
    }

    Task DeadLetterAsync(string municipality, LogRecord record, CancellationToken cancellation) => log.AppendAsync(municipality, new DeadLetter(
        $"{Group}.{Topic}.{record.Position.Partition}.{record.Position.Major}-{record.Position.Minor}", Topic, record.Key, record.Key,
        "unreadable_record", "the bytes are no command", DateTimeOffset.UtcNow, record.Payload.ToArray()), cancellation);

    [LoggerMessage(2095, LogLevel.Warning, "a command of {Municipality} waits for its codec: {Reason}")]
    partial void LogWaits(string municipality, string reason);
}
