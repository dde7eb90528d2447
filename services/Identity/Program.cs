using Allmende.Identity;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
var platform = builder.AddPlatform("identity", PlatformNeeds.Database | PlatformNeeds.Events);
builder.AddIdentity(platform);

var app = builder.Build();
app.MapPlatform();
app.MapIdentity();
app.Run();
