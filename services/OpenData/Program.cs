using Allmende.OpenData;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
var platform = builder.AddPlatform("opendata");
builder.AddOpenData(platform);
var app = builder.Build();
app.MapPlatform();
app.MapOpenData();
app.Run();

/// <summary>The service as tests start it.</summary>
public sealed partial class Program;
