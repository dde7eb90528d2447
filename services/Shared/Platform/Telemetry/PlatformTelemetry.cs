using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Allmende.Platform.Telemetry;

/// <summary>Traces and metrics. Sources and meters named <c>Allmende.*</c> are exported, with ASP.NET Core's, HttpClient's and Npgsql's own.</summary>
public static class PlatformTelemetry
{
    /// <summary>Activities of the platform's own parts: log, events.</summary>
    public static readonly ActivitySource Source = new("Allmende.Platform");

    /// <summary>Instruments of the platform's own parts.</summary>
    public static readonly Meter Meter = new("Allmende.Platform");

    /// <summary>Exports over OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; costs nothing otherwise.</summary>
    internal static void AddOtlp(IHostApplicationBuilder builder, string service)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])) return;
        builder.Services.AddHostedService(_ => new OtlpExport(builder.Configuration, service));
    }

    sealed class OtlpExport(IConfiguration configuration, string service) : IHostedService
    {
        TracerProvider? traces;
        MeterProvider? metrics;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            var resource = ResourceBuilder.CreateDefault().AddService("allmende-" + service, serviceNamespace: "allmende");
            var ratio = double.TryParse(configuration["OTEL_TRACES_SAMPLER_ARG"], System.Globalization.CultureInfo.InvariantCulture, out var asked) ? asked : 1.0;
            traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)))
                .AddSource("Allmende.*", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql")
                .AddOtlpExporter(Configure).Build();
            metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                .AddMeter("Allmende.*", "Microsoft.AspNetCore.*", "System.Net.Http", "System.Runtime", "Npgsql")
                .AddOtlpExporter(Configure).Build();
            return Task.CompletedTask;
        }

        void Configure(OtlpExporterOptions options)
        {
            if (configuration["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf") options.Protocol = OtlpExportProtocol.HttpProtobuf;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            traces?.Dispose();
            metrics?.Dispose();
            return Task.CompletedTask;
        }
    }
}
