using Allmende.Supervisor.Data;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Supervisor.Tests;

[TestFixture, Category("Platform")]
public class When_the_platform_is_started
{
    [Test]
    public async Task Should_onboard_the_demo_towns_survive_a_killed_service_and_leave_nothing_running()
    {
        var data = Directory.CreateTempSubdirectory("allmende-platform-").FullName;
        try
        {
            var progress = new Kept();
            var platform = await Installation.StartAsync(new InstallationOptions { Data = data, Port = 0, Simulator = false }, progress);
            List<int> pids;
            await using (platform)
            {
                var file = Path.Combine(data, PlatformFile.FileName);
                Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
                Assert.That(PlatformFile.Of(data)!.Municipalities.Select(town => town.Key), Is.EquivalentTo(new[] { "musterstadt", "nachbardorf" }));
                Assert.That(progress.Lines, Has.Some.Contains("municipality nachbardorf"));

                await platform["catalog"].KillAsync();
                await platform["catalog"].WhenReadyAsync();
                using var http = new HttpClient { BaseAddress = platform.Gateway };
                await Eventually.TrueAsync(
                    async () => (await http.GetAsync(new Uri("/musterstadt/catalog/datasets", UriKind.Relative))).IsSuccessStatusCode, "catalogue", TimeSpan.FromSeconds(30));

                var usage = platform.Usage();
                Assert.That(usage.Select(process => process.Name), Is.EquivalentTo(platform.Names));
                Assert.That(usage.Select(process => process.PssBytes), Is.All.GreaterThan(1 << 20));
                pids = [.. usage.Select(process => process.Pid)];
                Assert.That(() => Installation.StartAsync(new InstallationOptions { Data = data, Port = 0 }), Throws.InstanceOf<InstallationException>().With.Message.Contains("already"));
            }
            Assert.That(pids.Select(pid => Processes.ProcessIdentity.Of(pid)).Where(process => process is { IsAlive: true }), Is.Empty);
            Assert.That(RunningState.Of(data), Is.Null);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Test]
    public void Should_say_which_port_is_taken_and_by_whom()
    {
        var data = Directory.CreateTempSubdirectory("allmende-platform-").FullName;
        var port = FreePorts.Block(Ports.Count);
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, port + 9);
        listener.Start();

        Assert.That(
            () => Installation.StartAsync(new InstallationOptions { Data = data, Port = port }),
            Throws.InstanceOf<InstallationException>().With.Message.Contains($"port {port + 9}, wanted by Redis, is taken by").And.Message.Contains($"process {Environment.ProcessId}"));

        Assert.That(RunningState.Of(data), Is.Null);
        Directory.Delete(data, recursive: true);
    }

    sealed class Kept : IProgress<string>
    {
        readonly List<string> lines = [];

        public IReadOnlyList<string> Lines => lines;

        public void Report(string value)
        {
            lock (lines)
                lines.Add(value);
        }
    }
}
