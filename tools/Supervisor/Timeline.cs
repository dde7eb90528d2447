using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Allmende.Supervisor;

/// <summary>The steps of a start as they happen, and where the time went.</summary>
public sealed class Timeline(IProgress<string> progress)
{
    const int BarWidth = 30;

    readonly Stopwatch clock = Stopwatch.StartNew();
    readonly ConcurrentQueue<Step> steps = [];

    /// <summary>A finished step.</summary>
    public sealed record Step(string Name, TimeSpan Start, TimeSpan End)
    {
        public TimeSpan Duration => End - Start;
    }

    public TimeSpan Elapsed => clock.Elapsed;

    /// <summary>The finished steps in the order of their start.</summary>
    public IReadOnlyList<Step> Steps => [.. steps.OrderBy(step => step.Start)];

    /// <summary>Prints a line with the time since the start.</summary>
    public void Say(string what) => progress.Report(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:0.0} s  {what}"));

    /// <summary>Runs a step and prints it when it is done.</summary>
    public async Task<T> StepAsync<T>(string name, Func<Task<T>> run)
    {
        var start = clock.Elapsed;
        var result = await run();
        var step = new Step(name, start, clock.Elapsed);
        steps.Enqueue(step);
        Say(string.Create(CultureInfo.InvariantCulture, $"{name} ({step.Duration.TotalSeconds:0.0} s)"));
        return result;
    }

    /// <inheritdoc cref="StepAsync{T}"/>
    public Task StepAsync(string name, Func<Task> run) => StepAsync(name, async () =>
    {
        await run();
        return true;
    });

    /// <summary>Where the time went, drawn against the whole.</summary>
    public string Table()
    {
        var all = clock.Elapsed.TotalSeconds;
        var table = new StringBuilder("Where the time went:\n");
        foreach (var step in Steps)
        {
            var from = (int)(BarWidth * step.Start.TotalSeconds / all);
            var to = Math.Max(from + 1, (int)Math.Ceiling(BarWidth * step.End.TotalSeconds / all));
            table.Append(CultureInfo.InvariantCulture, $"  {step.Name,-34} {step.Duration.TotalSeconds,5:0.0} s  |{new string(' ', from)}{new string('#', to - from)}{new string(' ', BarWidth - to)}|\n");
        }
        return table.Append(CultureInfo.InvariantCulture, $"  {"ready after",-34} {all,5:0.0} s").ToString();
    }
}
