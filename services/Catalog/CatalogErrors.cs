using Allmende.Platform;

namespace Allmende.Catalog;

/// <summary>Errors that Catalog answers with, besides the platform's.</summary>
static class CatalogErrors
{
    public static readonly ApiError InvalidDataset = new("invalid_dataset", 422, "The dataset cannot be changed so");
    public static readonly ApiError LicenceMissing = new("licence_missing", 422, "An open dataset needs a licence");
    public static readonly ApiError InvalidParameter = new("invalid_parameter", 400, "A query parameter is not valid");
    public static readonly ApiError ChangedMeanwhile = new("changed_meanwhile", 412, "Somebody else has changed it");
}
