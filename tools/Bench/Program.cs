using Allmende.Bench;
using Allmende.Bench.Fairness;
using Allmende.Supervisor;

try
{
    if (args is ["--help" or "-h"])
    {
        Console.WriteLine(BenchOptions.Usage);
        return 0;
    }
    var options = BenchOptions.Parse(args);
    return options.Fairness ? await FairnessRun.RunAsync(options) : options.History > 0 ? await History.RunAsync(options) : await Run.AllAsync(options);
}
catch (InstallationException fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 1;
}
