using Allmende.Ingestion;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
var platform = builder.AddPlatform("ingestion");
builder.AddIngestion(platform);
var app = builder.Build();
app.MapPlatform();
app.MapIngestion();
app.Run();
