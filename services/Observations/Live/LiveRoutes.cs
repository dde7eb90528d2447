using System.Globalization;
using System.Text;
using Allmende.Platform.Log;
using Allmende.Platform.Security;

namespace Allmende.Observations.Live;

/// <summary>
/// <c>GET /{municipality}/live</c>: observations as server-sent events. <c>?datastream=</c> and <c>?thing=</c> (repeatable) choose; the id of an event is the place in
/// the log of every partition, so that <c>Last-Event-ID</c> resumes without loss as long as the log keeps.
/// </summary>
static class LiveRoutes
{
    static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);

    public static void MapLive(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/{municipality}/live", StreamAsync).WithTags("Live").WithName("Live").WithSummary("Observations as server-sent events, resumable");

    static async Task StreamAsync(string municipality, HttpContext context, LiveHub hub, string[]? datastream, string[]? thing)
    {
        var cancellation = context.RequestAborted;
        var wanted = new Filter(context.VisibleAccess(), datastream ?? [], thing ?? []);
        var resumeAt = ParseId(context.Request.Headers["Last-Event-ID"].ToString());
        using var subscription = await hub.SubscribeAsync(municipality, cancellation);
        Telemetry.Subscribed(municipality, 1);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            var at = subscription.Since.ToDictionary(position => position.Partition);
            var output = new Output(context.Response, at);
            if (resumeAt.Count > 0)
            {
                foreach (var position in resumeAt.Where(position => at.ContainsKey(position.Partition))) at[position.Partition] = position;
                await foreach (var frame in hub.CatchUpAsync(municipality, resumeAt, subscription.Since, cancellation))
                    await output.WriteAsync(frame, wanted, cancellation);
            }
            await output.HelloAsync(cancellation);
            await PumpAsync(subscription, output, wanted, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The subscriber has gone.
        }
        finally
        {
            Telemetry.Subscribed(municipality, -1);
        }
    }

    static async Task PumpAsync(LiveHub.Subscription subscription, Output output, Filter wanted, CancellationToken cancellation)
    {
        var frames = subscription.Frames;
        while (true)
        {
            var more = frames.WaitToReadAsync(cancellation).AsTask();
            while (await Task.WhenAny(more, Task.Delay(HeartbeatEvery, cancellation)) != more) await output.HeartbeatAsync(cancellation);
            if (!await more) return;
            while (frames.TryRead(out var frame)) await output.WriteAsync(frame, wanted, cancellation);
            await output.FlushAsync(cancellation);
        }
    }

    static List<LogPosition> ParseId(string id)
    {
        var positions = new List<LogPosition>();
        foreach (var part in id.Split(',', StringSplitOptions.RemoveEmptyEntries).Take(64))
        {
            var fields = part.Split(':', '.');
            if (fields.Length == 3 && int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                && long.TryParse(fields[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var major)
                && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
                positions.Add(new LogPosition(partition, major, minor));
        }
        return positions;
    }

    sealed record Filter(string[] Access, string[] Datastreams, string[] Things)
    {
        /// <summary>Rights first: what may not be seen is not there.</summary>
        public bool Wants(LiveFrame frame) => Access.Contains(frame.Access)
            && (Datastreams.Length == 0 || Datastreams.Contains(frame.Datastream)) && (Things.Length == 0 || Things.Contains(frame.Thing));
    }

    sealed class Output(HttpResponse response, Dictionary<int, LogPosition> at)
    {
        readonly StringBuilder id = new();

        public async ValueTask WriteAsync(LiveFrame frame, Filter wanted, CancellationToken cancellation)
        {
            // A record's place counts as seen with its last observation: after a break in between, the record comes again whole.
            if (frame.EndsRecord) at[frame.Position.Partition] = frame.Position;
            if (!wanted.Wants(frame)) return;
            await response.BodyWriter.WriteAsync(Encoding.ASCII.GetBytes($"id: {Id()}\n"), cancellation);
            await response.BodyWriter.WriteAsync(frame.Data, cancellation);
        }

        /// <summary>Tells at once where the stream begins, so that even a break before the first event can be resumed.</summary>
        public async Task HelloAsync(CancellationToken cancellation) => await response.BodyWriter.WriteAsync(Encoding.ASCII.GetBytes($"retry: 2000\nid: {Id()}\nevent: ready\ndata: {{}}\n\n"), cancellation);

        public async Task HeartbeatAsync(CancellationToken cancellation) => await response.BodyWriter.WriteAsync(": \n\n"u8.ToArray(), cancellation);

        public async Task FlushAsync(CancellationToken cancellation) => await response.BodyWriter.FlushAsync(cancellation);

        string Id()
        {
            id.Clear();
            foreach (var position in at.Values)
                id.Append(id.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{position.Partition}:{position.Major}.{position.Minor}");
            return id.ToString();
        }
    }
}
