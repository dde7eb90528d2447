namespace Allmende.Contracts;

/// <summary>
/// An entity of SensorThings other than an Observation has come, changed or gone; payload of topic <c>entities</c>. Who reads it asks the store what it is like
/// now, with the rights of whom it reads for.
/// </summary>
/// <param name="Set">Its entity set, e.g. <c>Things</c>; <see cref="Datasets"/> where a dataset's terms have changed for all that belongs to it.</param>
/// <param name="Id">Its id as clients see it.</param>
/// <param name="Change"><see cref="Created"/>, <see cref="Updated"/> or <see cref="Deleted"/>.</param>
public sealed record EntityChange(string Set, string Id, string Change)
{
    public const string Created = "created";
    public const string Updated = "updated";
    public const string Deleted = "deleted";

    /// <summary>Not a set of the standard: the dataset <see cref="Id"/> has other terms, so rights have to be looked at again.</summary>
    public const string Datasets = "Datasets";

    /// <summary>Key of its records: <c>Things('pegel-1')</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Key => $"{Set}('{Id}')";
}
