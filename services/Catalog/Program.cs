using Allmende.Catalog;
using Allmende.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddPlatform("catalog");
builder.AddCatalog();
var app = builder.Build();
app.MapPlatform();
app.MapCatalog();
app.Run();

/// <summary>The service as tests start it.</summary>
public sealed partial class Program;
