using Allmende.Simulator;

return await CommandLine.Command(Simulation.RunAsync).Parse(args).InvokeAsync();
