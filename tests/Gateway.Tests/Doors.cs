using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Allmende.Gateway.Tests;

/// <summary>Doors of a service that behave in special ways.</summary>
static class Doors
{
    public static void Map(WebApplication app)
    {
        app.MapGet("/health/ready", () => "ready");
        app.MapGet("/health/live", () => "live");
        app.MapGet("/{municipality}/live", StreamAsync);
        app.MapGet("/{municipality}/series/socket", EchoAsync);
        app.MapGet("/{municipality}/series/teapot", () => Results.Problem("short and stout", statusCode: 418));
    }

    /// <summary>One event at once, the next only when the client goes: a buffer in between would show nothing.</summary>
    static async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync("data: first\n\n");
        await context.Response.Body.FlushAsync();
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // As it should.
        }
    }

    static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[100];
        var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
        await socket.SendAsync(Encoding.UTF8.GetBytes("echo " + Encoding.UTF8.GetString(buffer, 0, message.Count)), WebSocketMessageType.Text, true, context.RequestAborted);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
