using Allmende.Gateway;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
var platform = builder.AddPlatform("gateway", PlatformNeeds.Municipalities);
builder.AddGateway(platform);

var app = builder.Build();
app.MapGateway();
app.Run();
