using NUnit.Framework;

namespace Allmende.Supervisor.Tests;

[TestFixture]
public class When_the_repository_is_built
{
    [Test]
    public void Should_have_every_project_in_the_solution()
    {
        var repository = new InstallationOptions { Data = "" }.Repository;
        var solution = File.ReadAllText(Path.Combine(repository, "Platform.sln")).Replace('\\', '/');
        var projects = new[] { "services", "gateway", "tools", "tests" }
            .Select(folder => Path.Combine(repository, folder))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
            .Select(project => Path.GetRelativePath(repository, project))
            .Where(project => !project.Contains("/bin/", StringComparison.Ordinal) && !project.Contains("/node_modules/", StringComparison.Ordinal))
            .ToList();

        Assert.That(projects, Has.Count.GreaterThan(2));
        Assert.That(projects.Where(project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal)), Is.Empty);
    }
}
