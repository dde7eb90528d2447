using Allmende.Dashboards;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddPlatform("dashboards", PlatformNeeds.Municipalities);
builder.AddDashboards();
var app = builder.Build();
app.MapPlatform();
app.MapDashboards();
app.Run();

/// <summary>The service; public so that tests can host it.</summary>
public sealed partial class Program;
