using System.Net;
using System.Text;
using System.Text.Json;
using Allmende.Simulator.LoRaWan;
using Allmende.Simulator.Payloads;
using Allmende.Simulator.Sending;
using Allmende.Simulator.Town;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_the_platform_comes_and_goes
{
    [Test]
    public async Task Should_deliver_all_in_order_though_every_other_answer_is_a_refusal_that_passes()
    {
        var calls = 0;
        await using var door = new Door(_ => Interlocked.Increment(ref calls) % 2 == 0 ? 202 : calls % 4 == 1 ? 503 : 429);
        using var http = new HttpClient();
        await using var outbox = new Outbox(http, door.Platform, new Place("musterstadt", 8.38, 51.9), 2, _ => { });
        var sensors = Simulation.Build(Towns.Options(30)).Sensors;
        for (var i = 0; i < 40; i++)
            await outbox.PutAsync(Message(sensors[i % 4], i), wait: true, CancellationToken.None);
        await outbox.DrainAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Multiple(() =>
        {
            Assert.That(outbox.Accepted, Is.EqualTo(40));
            Assert.That(door.Accepted, Has.Count.EqualTo(40));
            foreach (var device in door.Accepted.GroupBy(one => one.Device))
                Assert.That(device.Select(one => one.Counter), Is.Ordered.And.Unique);
        });
    }

    [Test]
    public async Task Should_keep_what_it_can_while_the_platform_is_away_and_know_what_it_gave_up()
    {
        var away = true;
        await using var door = new Door(_ => away ? 503 : 202);
        using var http = new HttpClient();
        await using var outbox = new Outbox(http, door.Platform, new Place("musterstadt", 8.38, 51.9), 1, _ => { });
        var sensor = Simulation.Build(Towns.Options(30)).Sensors[0];
        const int sent = 8192 + 10;
        for (var i = 0; i < sent; i++)
            await outbox.PutAsync(Message(sensor, i), wait: false, CancellationToken.None);
        Assert.That(outbox.DoneUntil, Is.LessThan(Message(sensor, 20).Time));
        away = false;
        await outbox.DrainAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Multiple(() =>
        {
            Assert.That(outbox.Dropped, Is.InRange(9, 10));
            Assert.That(outbox.Accepted + outbox.Dropped, Is.EqualTo(sent));
            Assert.That(outbox.DoneUntil, Is.EqualTo(Message(sensor, sent - 1).Time));
            Assert.That(outbox.WholeFrom, Is.GreaterThan(Message(sensor, 0).Time));
        });
    }

    [Test]
    public async Task Should_not_repeat_what_is_refused_for_good()
    {
        await using var door = new Door(_ => 404);
        using var http = new HttpClient();
        var told = new List<string>();
        await using var outbox = new Outbox(http, door.Platform, new Place("musterstadt", 8.38, 51.9), 1, told.Add);
        var sensor = Simulation.Build(Towns.Options(30)).Sensors[0];
        for (var i = 0; i < 3; i++)
            await outbox.PutAsync(Message(sensor, i), wait: true, CancellationToken.None);
        await outbox.DrainAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Multiple(() =>
        {
            Assert.That(outbox.Rejected, Is.EqualTo(3));
            Assert.That(told, Has.Count.EqualTo(1));
            Assert.That(told[0], Does.Contain(sensor.Id).And.Contain("404"));
        });
    }

    [Test]
    public void Should_send_only_what_was_not_delivered()
    {
        var file = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.json");
        static DateTime At(int hour) => new(2026, 11, 2, hour, 0, 0, DateTimeKind.Utc);
        try
        {
            var first = Coverage.Load(file, "musterstadt/300/1");
            first.Add(At(3), At(5));
            first.Add(At(8), At(10));
            first.Add(At(4), At(6));
            first.Save();
            var again = Coverage.Load(file, "musterstadt/300/1").Missing(At(2), At(12));
            var other = Coverage.Load(file, "musterstadt/300/2").Missing(At(2), At(12));
            Assert.Multiple(() =>
            {
                Assert.That(again, Is.EqualTo(new Coverage.Stretch[] { new(At(2), At(3)), new(At(6), At(8)), new(At(10), At(12)) }));
                Assert.That(other, Is.EqualTo(new Coverage.Stretch[] { new(At(2), At(12)) }));
            });
        }
        finally
        {
            File.Delete(file);
        }
    }

    static Transmission Message(Sensors.Sensor sensor, int number) => new(
        sensor, new DateTime(2026, 11, 2, 0, 0, 0, DateTimeKind.Utc).AddSeconds(number), TimeSpan.Zero, (uint)number + 1, new Payload(1, [1]), 7, []);

    /// <summary>A door that answers what a test tells it to.</summary>
    sealed class Door : IAsyncDisposable
    {
        readonly HttpListener listener = new();
        readonly Task listening;
        readonly string address;

        public Door(Func<string, int> answer)
        {
            address = $"http://127.0.0.1:{FreePort()}/";
            listener.Prefixes.Add(address);
            listener.Start();
            listening = Task.Run(() => ListenAsync(answer));
        }

        public List<(string Device, long Counter)> Accepted { get; } = [];

        public PlatformFile Platform() => new(new Uri(address), new Uri(address), "", "", "ak_test");

        public async ValueTask DisposeAsync()
        {
            listener.Close();
            await listening;
        }

        async Task ListenAsync(Func<string, int> answer)
        {
            while (true)
            {
                HttpListenerContext call;
                try
                {
                    call = await listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
                using var reader = new StreamReader(call.Request.InputStream, Encoding.UTF8);
                var body = JsonDocument.Parse(await reader.ReadToEndAsync()).RootElement;
                call.Response.StatusCode = answer(call.Request.RawUrl!);
                if (call.Response.StatusCode == 202)
                    Accepted.Add((body.GetProperty("end_device_ids").GetProperty("device_id").GetString()!, body.GetProperty("uplink_message").GetProperty("f_cnt").GetInt64()));
                else
                    call.Response.Headers["Retry-After"] = "0";
                call.Response.Close();
            }
        }

        static int FreePort()
        {
            using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
