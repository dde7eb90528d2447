using Allmende.Catalog.Features;
using Allmende.Platform.Data;
using Allmende.Platform.Events;

namespace Allmende.Catalog;

/// <summary>The service's table of contents.</summary>
static class CatalogModule
{
    public static void AddCatalog(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton((builder.Configuration.GetSection("Catalog").Get<CatalogOptions>() ?? new CatalogOptions()).Validated());
        services.AddSingleton(_ => new Migrations("catalog", typeof(CatalogModule).Assembly));
        services.AddSingleton<DatasetStore>();
        services.AddEventHandler<FollowDevices>();
        services.AddSingleton<AnnounceDatasets>().AddHostedService(provider => provider.GetRequiredService<AnnounceDatasets>());
    }

    public static void MapCatalog(this WebApplication app)
    {
        var catalog = app.MapGroup("/{municipality}/catalog").WithTags("Catalog");
        ListDatasets.Map(catalog);
        ReadDataset.Map(catalog);
        ChangeDataset.Map(catalog);
        PublishDcat.Map(catalog);
    }
}
