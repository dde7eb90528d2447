namespace Allmende.Supervisor;

/// <summary>The installation cannot start; the message says in plain words why and what to do.</summary>
public sealed class InstallationException(string message) : Exception(message);
