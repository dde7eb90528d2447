using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Platform;
using Allmende.Platform.Security;

namespace Allmende.Streams.Codecs;

/// <summary><c>POST /{municipality}/codecs/{id}/decode</c>, <c>/encode</c>, <c>/decode-downlink</c>: one call, answered as the codec answers.</summary>
static class CallCodec
{
    const int LongestPayload = 4096;

    public static void MapCodecCalls(this IEndpointRouteBuilder codecs)
    {
        codecs.MapPost("/{id}/decode", (string municipality, string id, CallRequest request, Caller caller, CancellationToken cancellation) =>
                caller.CallAsync(municipality, id, request, CodecOperation.Uplink, cancellation))
            .RequireMember().WithSummary("Decode an uplink").Produces<JsonObject>().ProducesProblem(404).ProducesProblem(422);
        codecs.MapPost("/{id}/encode", (string municipality, string id, CallRequest request, Caller caller, CancellationToken cancellation) =>
                caller.CallAsync(municipality, id, request, CodecOperation.Encode, cancellation))
            .RequireMember().WithSummary("Encode a downlink").Produces<JsonObject>().ProducesProblem(404).ProducesProblem(422);
        codecs.MapPost("/{id}/decode-downlink", (string municipality, string id, CallRequest request, Caller caller, CancellationToken cancellation) =>
                caller.CallAsync(municipality, id, request, CodecOperation.DecodeDownlink, cancellation))
            .RequireMember().WithSummary("Decode a downlink").Produces<JsonObject>().ProducesProblem(404).ProducesProblem(422);
    }

    /// <summary>Ingestion asks this for what is to be sent to a device, and answers for the municipality in its own path.</summary>
    public static void MapInternalCodecCalls(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/{municipality}/codecs/{id}/encode", async Task<IResult> (
            string municipality, string id, CallRequest request, Municipalities municipalities, Caller caller, CancellationToken cancellation) =>
            await municipalities.FindAsync(municipality, cancellation) is null
                ? PlatformErrors.NotFound.Problem($"There is no codec '{id}'.")
                : await caller.CallAsync(municipality, id, request, CodecOperation.Encode, cancellation)).ExcludeFromDescription();

    /// <summary>The input of a codec.</summary>
    /// <param name="FPort">LoRaWAN port, 0 to 255; 1 where absent. Of what is to be encoded only layouts take one.</param>
    /// <param name="Bytes">The payload: hexadecimal, or an array of numbers from 0 to 255.</param>
    /// <param name="RecvTime">When it was received; now where absent.</param>
    /// <param name="Data">The fields to encode.</param>
    public sealed record CallRequest(int? FPort = null, JsonElement? Bytes = null, DateTimeOffset? RecvTime = null, JsonElement? Data = null);

    /// <summary>Finds the codec, calls it, and words what came of it.</summary>
    public sealed class Caller(CodecStore store, CodecRunner runner, TimeProvider clock)
    {
        internal async Task<IResult> CallAsync(string municipality, string id, CallRequest request, CodecOperation operation, CancellationToken cancellation)
        {
            if (await store.FindAsync(municipality, id, cancellation) is not { } codec) return PlatformErrors.NotFound.Problem($"There is no codec '{id}'.");
            CodecCall call;
            if (request.FPort is < 0 or > 255) return StreamsErrors.CodecCall.Problem("'fPort' must be 0 to 255.", "fPort");
            if (operation == CodecOperation.Encode)
            {
                if (request.Data is not { ValueKind: JsonValueKind.Object }) return StreamsErrors.CodecCall.Problem("'data' must be an object.", "data");
                call = new CodecCall(request.FPort ?? 0, Data: request.Data);
            }
            else
            {
                if (PayloadText.Read(request.Bytes, LongestPayload) is not { } bytes) return StreamsErrors.CodecCall.Problem($"'bytes' must be {PayloadText.Rule}, at most {LongestPayload} bytes.", "bytes");
                call = new CodecCall(request.FPort ?? 1, bytes, request.RecvTime ?? clock.GetUtcNow());
            }
            var outcome = operation switch
            {
                CodecOperation.Encode => await runner.EncodeAsync(municipality, codec, call, cancellation),
                CodecOperation.DecodeDownlink => await runner.DecodeDownlinkAsync(municipality, codec, call, cancellation),
                _ => (await runner.DecodeAsync(municipality, codec, [call], cancellation))[0],
            };
            if (outcome.Fault is { } fault) return StreamsErrors.CodecFailed(fault.Type).Problem(fault.Reason);
            var answer = operation == CodecOperation.Uplink ? outcome.Answer.GetProperty("decoded") : outcome.Answer;
            if (answer.ValueKind != JsonValueKind.Object) return StreamsErrors.CodecFailed(CodecFaults.NoData).Problem("What the codec returned is no object.");
            return TypedResults.Json(WithLists(answer, outcome.Answer));
        }

        /// <summary>As the codec returned it, with empty lists of warnings and errors where it left them out.</summary>
        static JsonObject WithLists(JsonElement answer, JsonElement whole)
        {
            var body = JsonObject.Create(answer.Clone())!;
            body["warnings"] ??= new JsonArray();
            body["errors"] ??= new JsonArray();
            if (whole.TryGetProperty("normal", out var normal) && normal.TryGetProperty("data", out var data)) body["normalized"] = JsonNode.Parse(data.GetRawText());
            return body;
        }
    }
}
