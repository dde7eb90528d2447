namespace Allmende.Supervisor.Processes;

/// <summary>A process's output on disk. At <see cref="MaxBytes"/> it becomes <c>{name}.log.1</c>, and so on; <see cref="Kept"/> of those are kept.</summary>
sealed class LogFile(string path) : IDisposable
{
    const long MaxBytes = 10 * 1024 * 1024;
    const int Kept = 3;
    const int TailBytes = 4096;

    readonly Lock gate = new();
    FileStream? file;

    public string Path => path;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (gate)
        {
            if (file is { Length: > MaxBytes })
                Rotate();
            file ??= Open();
            file.Write(bytes);
        }
    }

    /// <summary>The last lines, to explain why a process did not start.</summary>
    public string Tail(int lines = 15)
    {
        if (!File.Exists(path))
            return "(it printed nothing)";
        using var reader = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        reader.Seek(-Math.Min(reader.Length, TailBytes), SeekOrigin.End);
        var text = new StreamReader(reader).ReadToEnd().TrimEnd();
        return text.Length == 0 ? "(it printed nothing)" : string.Join('\n', text.Split('\n').TakeLast(lines));
    }

    public void Dispose()
    {
        lock (gate)
        {
            file?.Dispose();
            file = null;
        }
    }

    void Rotate()
    {
        file?.Dispose();
        file = null;
        for (var i = Kept; i > 1; i--)
            if (File.Exists($"{path}.{i - 1}"))
                File.Move($"{path}.{i - 1}", $"{path}.{i}", overwrite: true);
        File.Move(path, $"{path}.1", overwrite: true);
    }

    FileStream Open()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }
}
