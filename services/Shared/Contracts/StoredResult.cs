using System.Text.Json;

namespace Allmende.Contracts;

/// <summary>Names an observation; <c>POST /internal/{municipality}/observations/stored</c> takes a list of them.</summary>
/// <param name="Datastream">The Datastream's id.</param>
/// <param name="Time">phenomenonTime, its start where it is an interval.</param>
public sealed record ObservationKey(string Datastream, DateTimeOffset Time)
{
    /// <summary>How many are asked for at once, at the most.</summary>
    public const int Most = 5000;
}

/// <summary>The answer to one of them; null instead where the caller may not see the Datastream, or it is not there.</summary>
/// <param name="Result">The result; null where there is no such observation.</param>
public sealed record StoredResult(JsonElement? Result);
