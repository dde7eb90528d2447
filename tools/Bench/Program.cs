using Allmende.Bench;
using Allmende.Supervisor;

try
{
    if (args is ["--help" or "-h"])
    {
        Console.WriteLine(BenchOptions.Usage);
        return 0;
    }
    return await Run.AllAsync(BenchOptions.Parse(args));
}
catch (InstallationException fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 1;
}
