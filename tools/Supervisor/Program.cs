using Allmende.Supervisor;

try
{
    var line = CommandLine.Parse(args);
    return line.Command switch
    {
        "up" => await Up.RunAsync(line),
        "down" => await Down.RunAsync(line.Options.Data, line.Wipe),
        _ => throw new InstallationException(CommandLine.Usage),
    };
}
catch (InstallationException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
