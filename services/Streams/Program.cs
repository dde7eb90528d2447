using Allmende.Platform;
using Allmende.Streams;

var builder = WebApplication.CreateBuilder(args);
// Nobody waits for a single uplink to be decoded.
builder.AddPlatform(StreamsModule.Service, defaults: options => options.Log.Gather = TimeSpan.FromMilliseconds(100));
builder.AddStreams();

var app = builder.Build();
app.MapPlatform();
app.MapStreams();
app.Run();

/// <summary>The service; public so that tests can host it.</summary>
public sealed partial class Program;
