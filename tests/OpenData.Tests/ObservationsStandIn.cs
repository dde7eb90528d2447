using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Allmende.OpenData.Tests;

/// <summary>
/// Stands in for Observations: the two internal routes that OpenData asks, with what a test puts in. It keeps what it was asked, and knows whether it was
/// let finish. It decides no rights; that is tested where it is done, in Observations.
/// </summary>
sealed class ObservationsStandIn : IAsyncDisposable
{
    readonly WebApplication app;

    ObservationsStandIn(WebApplication app) => this.app = app;

    public string Url { get; private set; } = "";

    /// <summary>Lines of datasets by <c>municipality/dataset/observations</c> or <c>…/things</c>; what is not here is 404.</summary>
    public ConcurrentDictionary<string, IEnumerable<string>> Lines { get; } = new();

    /// <summary>Requests as they came.</summary>
    public ConcurrentQueue<(string PathAndQuery, Dictionary<string, string> Headers)> Asked { get; } = new();

    /// <summary>Becomes true when a caller left before the end.</summary>
    public TaskCompletionSource Abandoned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cuts the connection after so many lines.</summary>
    public int? BreakAfter { get; set; }

    public static async Task<ObservationsStandIn> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var standIn = new ObservationsStandIn(builder.Build());
        standIn.app.MapGet("/internal/{municipality}/datasets/{dataset}/{what}", standIn.AnswerAsync);
        await standIn.app.StartAsync();
        standIn.Url = standIn.app.Urls.Single();
        return standIn;
    }

    async Task AnswerAsync(string municipality, string dataset, string what, HttpContext context)
    {
        Asked.Enqueue((context.Request.Path + context.Request.QueryString, context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString())));
        if (!Lines.TryGetValue($"{municipality}/{dataset}/{what}", out var lines))
        {
            context.Response.StatusCode = 404;
            return;
        }
        context.Response.ContentType = "application/x-ndjson";
        var (output, unflushed, count) = (context.Response.BodyWriter, 0, 0);
        foreach (var line in lines)
        {
            if (count++ == BreakAfter)
            {
                await output.FlushAsync();
                context.Abort();
                return;
            }
            var written = Encoding.UTF8.GetBytes(line + "\n", output.GetSpan(line.Length * 3 + 1));
            output.Advance(written);
            unflushed += written;
            if (unflushed < 32 * 1024) continue;
            unflushed = 0;
            var flushed = await output.FlushAsync();
            if (!flushed.IsCompleted && !context.RequestAborted.IsCancellationRequested) continue;
            Abandoned.TrySetResult();
            return;
        }
    }

    /// <summary>A line as Observations writes it.</summary>
    public static string Row(int i) => string.Create(CultureInfo.InvariantCulture,
        $"""["2026-11-21T10:00:00Z","pegel-1","Pegel Altstadt","pegel-1.distance","Abstand","water_level","mm",{4000 + i % 1000}.5,"good",8.38,51.9]""");

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
