using Allmende.Supervisor.Processes;
using Allmende.Testing;
using NUnit.Framework;

namespace Allmende.Supervisor.Tests;

[TestFixture]
public class When_a_process_dies
{
    string logs = "";

    [SetUp]
    public void MakeDirectory() => logs = Directory.CreateTempSubdirectory("allmende-supervisor-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(logs, recursive: true);

    [Test]
    public async Task Should_start_it_again()
    {
        await using var process = new ManagedProcess(Shell("exec sleep 60"), logs);
        await process.StartAsync();
        var first = process.Identity;

        await process.KillAsync();
        await process.WhenReadyAsync();

        Assert.That(process.Identity, Is.Not.Null.And.Not.EqualTo(first));
        Assert.That(process.Deaths, Is.EqualTo(1));
    }

    [Test]
    public async Task Should_leave_it_down_when_told_so()
    {
        await using var process = new ManagedProcess(Shell("exec sleep 60"), logs);
        await process.StartAsync();

        await process.KillAsync(restart: false);
        Assert.That(process.IsRunning, Is.False);

        await process.StartAsync();
        Assert.That(process.IsRunning, Is.True);
    }

    [Test]
    public async Task Should_end_its_children_too()
    {
        await using var process = new ManagedProcess(Shell("sleep 61 & echo $!; exec sleep 60"), logs);
        await process.StartAsync();
        var child = await ChildAsync();

        await process.KillAsync(restart: false);

        Assert.That(await child.WaitForEndAsync(TimeSpan.FromSeconds(5)), Is.True);
    }

    [Test]
    public async Task Should_give_up_the_start_with_its_last_words()
    {
        await using var process = new ManagedProcess(Shell("echo the disk is on fire >&2; exit 3") with { IsReady = _ => Task.FromResult(false) }, logs);
        Assert.That(() => process.StartAsync(), Throws.InstanceOf<InstallationException>().With.Message.Contains("the disk is on fire"));
    }

    [Test]
    public async Task Should_kill_one_that_does_not_end_when_asked()
    {
        var process = new ManagedProcess(Shell("trap '' TERM; echo $$; while true; do sleep 0.1; done") with { StopTimeout = TimeSpan.FromMilliseconds(300) }, logs);
        await process.StartAsync();
        var itself = await ChildAsync();

        await process.StopAsync();

        Assert.That(itself.IsAlive, Is.False);
    }

    [Test]
    public void Should_wait_longer_from_death_to_death_and_start_over_after_a_good_run()
    {
        var backOff = new BackOff();
        var waits = Enumerable.Range(0, 12).Select(_ => backOff.After(TimeSpan.FromSeconds(1))).ToList();

        Assert.That(waits, Is.Ordered);
        Assert.That(waits[1], Is.EqualTo(waits[0] * 2));
        Assert.That(waits[^1], Is.EqualTo(TimeSpan.FromSeconds(30)));
        Assert.That(backOff.After(TimeSpan.FromMinutes(5)), Is.EqualTo(waits[0]));
    }

    [Test]
    public async Task Should_keep_its_output_in_files_of_bounded_size()
    {
        await using var process = new ManagedProcess(Shell("head -c 25000000 /dev/zero | tr '\\0' x; echo; echo done; exec sleep 60"), logs);
        await process.StartAsync();

        await Eventually.TrueAsync(() => Task.FromResult(Tail(Path.Combine(logs, "shell.log")).EndsWith("done\n", StringComparison.Ordinal)), "last line");

        var files = new DirectoryInfo(logs).GetFiles("shell.log*");
        Assert.That(files, Has.Length.EqualTo(3));
        Assert.That(files.Select(file => file.Length), Is.All.LessThan(11_000_000));
        Assert.That(files.Sum(file => file.Length), Is.EqualTo(25_000_000 + "\ndone\n".Length));
    }

    [Test]
    public async Task Should_measure_what_it_uses_with_its_children()
    {
        await using var process = new ManagedProcess(Shell("sh -c 'while true; do :; done' & echo $!; exec sleep 60"), logs);
        await process.StartAsync();
        await ChildAsync();

        var used = await Eventually.GetAsync(() => Task.FromResult(process.Usage() is { } usage && usage.Cpu > TimeSpan.FromMilliseconds(100) ? usage : null), "use of the processor");

        Assert.That(used.PssBytes, Is.InRange(1, used.RssBytes));
    }

    static ProcessSpec Shell(string script) => new()
    {
        Name = "shell",
        File = "sh",
        Arguments = ["-c", script],
        IsReady = _ => Task.FromResult(true),
    };

    /// <summary>The process whose id the script printed.</summary>
    async Task<ProcessIdentity> ChildAsync() => await Eventually.GetAsync(
        () => Task.FromResult(Tail(Path.Combine(logs, "shell.log")).Trim() is { Length: > 0 } text ? ProcessIdentity.Of(int.Parse(text)) : null), "process id");

    static string Tail(string file)
    {
        if (!File.Exists(file))
            return "";
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(-Math.Min(100, stream.Length), SeekOrigin.End);
        return new StreamReader(stream).ReadToEnd();
    }
}
