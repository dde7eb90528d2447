using Microsoft.Extensions.Logging;

namespace Allmende.Platform;

/// <summary>
/// Tells others what a municipality's database holds for them, written in the transaction that made it worth telling: at once when woken, at the start, and every
/// <paramref name="sweptEvery"/> for what another instance left behind. What cannot be told is tried again until it can. A crash tells something twice, and never not at
/// all. Municipalities do not wait for each other.
/// </summary>
/// <param name="municipalities">Whose.</param>
/// <param name="sweptEvery">Seldom, so that it costs no connection to each municipality's database.</param>
/// <param name="logger">Hears what could not be told.</param>
public abstract partial class Outbox(Municipalities municipalities, TimeSpan sweptEvery, ILogger logger) : MunicipalityLoops(municipalities)
{
    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Tells some of it, and writes down that it is told. True if there may be more.</summary>
    protected abstract Task<bool> TellSomeAsync(string municipality, CancellationToken cancellation);

    protected sealed override async Task RunAsync(string municipality, CancellationToken cancellation)
    {
        var wakeUp = WakeUpOf(municipality);
        try
        {
            while (IsOurs(municipality))
            {
                if (!await TellAllAsync(municipality, cancellation)) await Task.Delay(RetryAfter, cancellation);
                else await wakeUp.WaitAsync(sweptEvery, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Shutting down; what is not told stands in the database.
        }
    }

    async Task<bool> TellAllAsync(string municipality, CancellationToken cancellation)
    {
        try
        {
            while (await TellSomeAsync(municipality, cancellation)) { }
            return true;
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            LogNotTold(municipality, GetType().Name, fault);
            return false;
        }
    }

    [LoggerMessage(133, LogLevel.Warning, "{Municipality}: {Outbox} could not tell all; tried again soon")]
    partial void LogNotTold(string municipality, string outbox, Exception fault);
}
