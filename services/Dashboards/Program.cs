using Allmende.Dashboards;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddPlatform("dashboards", PlatformNeeds.Municipalities);
builder.AddDashboards();
var app = builder.Build();
app.MapPlatform();
app.MapDashboards();
app.Run();
