using Allmende.Platform;
using Allmende.Streams;

var builder = WebApplication.CreateBuilder(args);
builder.AddPlatform(StreamsModule.Service);
builder.AddStreams();

var app = builder.Build();
app.MapPlatform();
app.MapStreams();
app.Run();

/// <summary>The service; public so that tests can host it.</summary>
public sealed partial class Program;
