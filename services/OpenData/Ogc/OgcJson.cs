using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allmende.OpenData.Ogc;

sealed record Link(string Href, string Rel, string Type, string Title);

sealed record LandingPageView(string Title, string Description, IReadOnlyList<Link> Links);

sealed record ConformanceView(IReadOnlyList<string> ConformsTo);

sealed record CollectionView(string Id, string Title, string ItemType, IReadOnlyList<string> Crs, IReadOnlyList<Link> Links);

sealed record CollectionsView(IReadOnlyList<Link> Links, IReadOnlyList<CollectionView> Collections);

/// <summary>Source-generated JSON of OGC API Features.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(LandingPageView))]
[JsonSerializable(typeof(ConformanceView))]
[JsonSerializable(typeof(CollectionView))]
[JsonSerializable(typeof(CollectionsView))]
sealed partial class OgcJson : JsonSerializerContext;
