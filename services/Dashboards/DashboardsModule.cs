using Allmende.Dashboards.Pages;

namespace Allmende.Dashboards;

/// <summary>All wiring and routes of the portals.</summary>
static class DashboardsModule
{
    public static void AddDashboards(this WebApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection("Dashboards").Get<DashboardsOptions>() ?? new DashboardsOptions();
        var faults = options.Faults().ToList();
        if (faults.Count > 0) throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
        builder.Services.AddSingleton(options);
        // Read now: a service without its front end must not seem to start.
        builder.Services.AddSingleton(new FrontEnd(Path.Combine(AppContext.BaseDirectory, "wwwroot")));
        builder.Services.AddSingleton<BaseMaps>();
        builder.Services.AddSingleton<Portals>();
    }

    public static void MapDashboards(this WebApplication app)
    {
        var pages = app.MapGroup("").AddEndpointFilter<SecurityHeaders>().ExcludeFromDescription();
        pages.MapGet("/", MunicipalitiesPage.Show);
        pages.MapGet("/theme.css", InstallationLook.Theme);
        pages.MapGet("/favicon.svg", InstallationLook.Favicon);
        pages.MapGet("/favicon.ico", InstallationLook.Favicon);
        pages.MapGet("/assets/{file}", (string file, HttpContext context, FrontEnd frontEnd) => frontEnd.Serve(file, context));

        // Not {municipality}: the platform answers an unknown one of that name with problem details; people get a page.
        pages.MapGet("/{town}", PortalPage.Show);
        pages.MapGet("/{town}/portal.json", PortalPage.Configuration);
        pages.MapGet("/{town}/theme.css", PortalPage.Theme);
        pages.MapGet("/{town}/favicon.svg", PortalPage.Favicon);
        pages.MapGet("/{town}/basemap.geojson", PortalPage.BaseMap);
        pages.MapFallback(NotFoundPage.Show);
    }
}
