namespace Allmende.Testing;

/// <summary>The files of this repository.</summary>
public static class Repository
{
    /// <summary>Its root: where <c>Platform.sln</c> is.</summary>
    public static string Root { get; } = Find();

    static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "Platform.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("Platform.sln is in no directory above the tests.");
        return directory.FullName;
    }
}
