using Allmende.Observations;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddPlatform("observations");
builder.AddObservations();
var app = builder.Build();
app.MapPlatform();
app.MapObservations();
app.Run();

/// <summary>The service as tests start it.</summary>
public sealed partial class Program;
