using System.Globalization;
using Allmende.Supervisor;

namespace Allmende.Bench;

/// <summary>What the command line says.</summary>
/// <param name="Seconds">How long each row is measured.</param>
/// <param name="WarmUp">How long the same load runs before, uncounted.</param>
/// <param name="Connections">Numbers of connections.</param>
/// <param name="Output">The file to write.</param>
/// <param name="Only">Part of the names of the rows to measure; null for all.</param>
/// <param name="History">How many observations of history to write before the questions of <see cref="Bench.History"/> are asked; 0 to measure throughput instead.</param>
/// <param name="Fairness">To measure what a flood does to its neighbours instead.</param>
sealed record BenchOptions(int Seconds, int WarmUp, IReadOnlyList<int> Connections, string Output, string? Only, long History = 0, bool Fairness = false)
{
    const int Quick = 1;

    public const string Usage = """
        tools/bench [options]      measures this platform on this machine, in an installation of its own
          --quick                  a smoke run: 2 s a row
          --seconds N              how long each row is measured (10)
          --only TEXT              only the rows whose name contains it
          --history N              instead: what N observations of history (100000000) do to questions; takes 12 GB for 100 million
          --fairness               instead: what a flood of one municipality or device does to the others; 3 minutes a row
          --output FILE            where the table goes (docs/benchmarks/YYYY-MM-DD.md; --quick: only shown)
        """;

    /// <exception cref="InstallationException">They are not understood; the message says which.</exception>
    public static BenchOptions Parse(string[] arguments)
    {
        var options = new BenchOptions(10, 10, [8, 32], $"docs/benchmarks/{DateTime.UtcNow:yyyy-MM-dd}.md", null);
        for (var rest = new Queue<string>(arguments); rest.TryDequeue(out var option);)
            options = option switch
            {
                "--quick" => options with { Seconds = 2, WarmUp = Quick, Output = "" },
                "--seconds" => options with { Seconds = Number(rest) },
                "--history" => options with { History = Number(rest), Output = options.Output.Replace(".md", "-history.md", StringComparison.Ordinal) },
                "--fairness" => options with { Fairness = true, WarmUp = options.WarmUp == Quick ? Quick : 90, Output = options.Output.Replace(".md", "-fairness.md", StringComparison.Ordinal) },
                "--only" => options with { Only = Value(rest) },
                "--output" => options with { Output = Value(rest) },
                _ => throw new InstallationException(Usage),
            };
        return options;

        static string Value(Queue<string> rest) => rest.TryDequeue(out var value) ? value : throw new InstallationException(Usage);
        static int Number(Queue<string> rest) =>
            int.TryParse(Value(rest), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : throw new InstallationException(Usage);
    }
}
