using System.Text.Json;
using Allmende.Testing;
using NUnit.Framework;
using YamlDotNet.RepresentationModel;

namespace Allmende.Chart.Tests;

[TestFixture]
public class When_the_chart_is_rendered
{
    public static IEnumerable<string> Examples => Helm.Examples;

    [OneTimeSetUp] public async Task Install() => await Helm.InstallAsync();

    [TestCaseSource(nameof(Examples))]
    public async Task Should_pass_the_strict_linter(string example)
    {
        var (code, output, errors) = await Helm.LintAsync(example);
        Assert.That(code, Is.Zero, output + errors);
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_have_each_object_once(string example)
    {
        var objects = await Helm.RenderAsync(example);
        Assert.That(objects, Has.Count.GreaterThan(30));
        Assert.That(objects.Select(one => $"{one.Text("apiVersion")} {one.Kind()} {one.Name()}"), Is.Unique.And.None.EndsWith(" "));
        Assert.That(objects.Select(one => one.Name()), Has.All.Length.LessThan(64));
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_set_only_options_that_the_code_has(string example)
    {
        var processes = (await Helm.RenderAsync(example)).Where(one => one.Kind() == "Deployment" && !one.Name().EndsWith("-provider", StringComparison.Ordinal)).ToList();
        Assert.That(processes, Has.Count.EqualTo(8));
        foreach (var process in processes)
            Assert.That(Options.Faults(Environment(process)), Is.Empty, process.Name());
    }

    [TestCase("Platform__PublicAddress")]
    [TestCase("Platform__Log__Kid")]
    [TestCase("OpenData__Concurrent")]
    [TestCase("Identity__Provider__Secret")]
    [TestCase("Platfrom__PublicUrl")]
    [TestCase("OTEL_NONSENSE")]
    public void Should_notice_an_option_that_the_code_has_no_longer(string name) =>
        Assert.That(Options.Faults(new Dictionary<string, string> { [name] = "x" }), Is.Not.Empty);

    [Test]
    public async Task Should_set_for_the_provider_what_it_reads_and_all_that_it_needs()
    {
        var provider = (await Helm.RenderAsync("single-town")).Single(one => one.Kind() == "Deployment" && one.Name().EndsWith("-provider", StringComparison.Ordinal));
        var environment = Environment(provider).ToDictionary(pair => pair.Key, pair => pair.Value == "secret" ? pair.Key + "-of-a-secret" : pair.Value);
        var script = $$"""
            import { readFileSync } from 'node:fs'
            import { readSettings } from '{{new Uri(Path.Combine(Repository.Root, "services", "Identity", "provider", "src", "settings.js"))}}'
            const read = new Set()
            readSettings(new Proxy(JSON.parse(readFileSync(0, 'utf8')), { get: (all, name) => (read.add(name), all[name]) }))
            console.log(JSON.stringify([...read]))
            """;
        var read = JsonSerializer.Deserialize<string[]>(await new NodePackages(Repository.Root).RunAsync("node", JsonSerializer.Serialize(environment), "--input-type=module", "-e", script))!;
        Assert.That(environment.Keys, Is.SubsetOf(read));
    }

    [TestCase("unknown=1")]
    [TestCase("services.catalog.replica=2")]
    [TestCase("services.katalog.replicas=2")]
    [TestCase("log.kind=rabbit")]
    [TestCase("identity.provider.on=true")]
    [TestCase("municipalities[0].ars=5")]
    [TestCase("services.catalog.settings.nonsense=x")]
    [TestCase("postgres.port=hier")]
    public async Task Should_refuse_values_that_are_none(string set)
    {
        var (code, _, errors) = await Helm.TryRenderAsync("single-town", set);
        Assert.That(code, Is.Not.Zero);
        Assert.That(errors, Does.Contain("values don't meet the specifications of the schema"));
    }

    [TestCase("redis=", "redis is needed")]
    [TestCase("log.kind=kafka", "log.kafka is needed")]
    [TestCase("identity.provider.enabled=false", "is needed where the own provider is not enabled")]
    [TestCase("postgres.host=", "postgres.host")]
    public async Task Should_say_what_is_missing(string set, string told)
    {
        var (code, _, errors) = await Helm.TryRenderAsync("single-town", set);
        Assert.That(code, Is.Not.Zero);
        Assert.That(errors, Does.Contain(told));
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_give_no_pod_more_rights_than_it_needs(string example)
    {
        foreach (var (owner, pod) in (await Helm.RenderAsync(example)).Pods())
            Assert.Multiple(() =>
            {
                var name = owner.Name();
                Assert.That(pod.Text("securityContext", "runAsNonRoot"), Is.EqualTo("true"), name);
                Assert.That(pod.Text("securityContext", "seccompProfile", "type"), Is.EqualTo("RuntimeDefault"), name);
                if (!name.EndsWith("-onboarding", StringComparison.Ordinal)) Assert.That(pod.Text("automountServiceAccountToken"), Is.EqualTo("false"), name);
                foreach (var container in pod.List("containers"))
                {
                    Assert.That(container.Text("securityContext", "readOnlyRootFilesystem"), Is.EqualTo("true"), name);
                    Assert.That(container.Text("securityContext", "allowPrivilegeEscalation"), Is.EqualTo("false"), name);
                    Assert.That(container.List("securityContext", "capabilities", "drop").Select(drop => drop.ToString()), Is.EqualTo(new[] { "ALL" }), name);
                    Assert.That(container.Text("resources", "requests", "memory"), Is.Not.Empty, name);
                    Assert.That(container.Text("resources", "limits", "memory"), Is.Not.Empty, name);
                    if (owner.Kind() != "Deployment") continue;
                    Assert.That(container.Text("livenessProbe", "httpGet", "path"), Is.EqualTo("/health/live"), name);
                    Assert.That(container.Text("readinessProbe", "httpGet", "path"), Is.EqualTo("/health/ready"), name);
                }
            });
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_let_the_outside_reach_the_gateway_alone(string example)
    {
        var objects = await Helm.RenderAsync(example);
        var policies = objects.Where(one => one.Kind() == "NetworkPolicy").ToDictionary(one => one.Name());
        foreach (var deployment in objects.Where(one => one.Kind() == "Deployment"))
        {
            Assert.That(policies, Contains.Key(deployment.Name()));
            var first = policies[deployment.Name()].List("spec", "ingress").First();
            var sources = first.List("from").Select(source => source.Text("podSelector", "matchLabels", "app.kubernetes.io/part-of")).ToList();
            if (!deployment.Name().EndsWith("-gateway", StringComparison.Ordinal)) Assert.That(sources, Is.EqualTo(new[] { "allmende" }), deployment.Name());
        }
        Assert.That(objects.Where(one => one.Kind() == "Service").Select(one => one.Text("spec", "type")), Has.All.Null, "cluster-internal");
        foreach (var door in objects.Where(one => one.Kind() == "Ingress").SelectMany(one => one.List("spec", "rules")).SelectMany(rule => rule.List("http", "paths")))
            Assert.That(door.Text("backend", "service", "name"), Is.EqualTo("town-allmende-gateway"));
        foreach (var door in objects.Where(one => one.Kind() == "HTTPRoute").SelectMany(one => one.List("spec", "rules")).SelectMany(rule => rule.List("backendRefs")))
            Assert.That(door.Text("name"), Is.EqualTo("town-allmende-gateway"));
    }

    [TestCase("", "1883", "*:1883")]
    [TestCase("mqtt.tlsSecret=mqtt-cert", "8883", "")]
    public async Task Should_open_MQTT_to_devices(string set, string port, string address)
    {
        var objects = set.Length == 0 ? await Helm.RenderAsync("single-town") : await Helm.RenderAsync("single-town", set);
        var service = objects.Single(one => one.Kind() == "Service" && one.Name().EndsWith("-mqtt", StringComparison.Ordinal));
        Assert.That(service.List("spec", "ports").Single().Text("port"), Is.EqualTo(port));
        var ingestion = objects.Single(one => one.Kind() == "Deployment" && one.Name().EndsWith("-ingestion", StringComparison.Ordinal));
        Assert.That(Environment(ingestion)["Ingestion__Mqtt__Address"], Is.EqualTo(address));
        if (port == "8883")
        {
            // The whole directory: one file of a Secret is not renewed in a pod.
            var container = ingestion.List("spec", "template", "spec", "containers").Single();
            var mount = container.List("volumeMounts").Single(mount => mount.Text("name") == "mqtt-tls");
            Assert.That((mount.Text("mountPath"), mount.At("subPath") is not null), Is.EqualTo(("/mqtt-tls", false)));
            Assert.That(Environment(ingestion)["Ingestion__Mqtt__Certificate"], Is.EqualTo("/mqtt-tls/tls.crt"));
        }
        Assert.That(Options.Faults(Environment(ingestion)), Is.Empty);
        var ways = objects.Where(one => one.Kind() == "NetworkPolicy").SelectMany(policy => policy.List("spec", "ingress").Select(way => (policy.Name(), Port: way.List("ports").Single().Text("port"))));
        Assert.That(ways.Where(way => way.Port == "mqtt").Select(way => way.Item1), Is.EqualTo(new[] { ingestion.Name() }));
        var said = (await Helm.RenderAsync("single-town", "mqtt.endpoints[0]=mqtts://mqtt.example.org:8883")).Single(one => one.Kind() == "Deployment" && one.Name().EndsWith("-observations", StringComparison.Ordinal));
        Assert.That(Environment(said)["Observations__MqttEndpoints__0"], Is.EqualTo("mqtts://mqtt.example.org:8883"));
        Assert.That(Options.Faults(Environment(said)), Is.Empty);
        var closed = await Helm.RenderAsync("single-town", "mqtt.enabled=false");
        Assert.That(closed.Where(one => one.Kind() == "Service").Select(one => one.Name()), Has.None.EndsWith("-mqtt"));
    }

    [Test]
    public async Task Should_carry_events_by_Dapr_where_asked()
    {
        var objects = await Helm.RenderAsync("region");
        var component = objects.Single(one => one.Kind() == "Component");
        Assert.That(component.Text("spec", "type"), Is.EqualTo("pubsub.kafka"));
        var annotated = objects.Where(one => one.At("spec", "template", "metadata", "annotations")?.Text("dapr.io/enabled") == "true").ToList();
        Assert.That(component.List("scopes").Select(scope => scope.ToString()), Is.EquivalentTo(annotated.Select(one => one.Text("spec", "template", "metadata", "annotations", "dapr.io/app-id"))));
        Assert.That(objects.Single(one => one.Kind() == "Resiliency").At("spec", "targets", "components", component.Name()), Is.Not.Null);
        Assert.That((await Helm.RenderAsync("single-town")).Select(one => one.Kind()), Has.None.EqualTo("Component"));
    }

    [Test]
    public async Task Should_onboard_each_municipality_that_is_listed()
    {
        var objects = await Helm.RenderAsync("region");
        var bodies = (YamlMappingNode)objects.Single(one => one.Kind() == "ConfigMap" && one.Name().EndsWith("-municipalities", StringComparison.Ordinal)).At("data")!;
        Assert.That(bodies.Children.Keys.Select(key => key.ToString()), Is.EquivalentTo(new[] { "musterstadt.json", "nachbardorf.json" }));
        using var body = JsonDocument.Parse(bodies.Text("musterstadt.json")!);
        Assert.That(body.RootElement.GetProperty("ars").GetString(), Is.EqualTo("059990001001"), "a text, with its leading nought");
        var job = objects.Single(one => one.Kind() == "Job");
        Assert.That(job.Text("metadata", "annotations", "helm.sh/hook"), Is.EqualTo("post-install,post-upgrade"));
        Assert.That((await Helm.RenderAsync("region", "municipalities=null")).Select(one => one.Kind()), Has.None.EqualTo("Job"));
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_make_no_secret_twice_nor_show_it(string example)
    {
        foreach (var secret in (await Helm.RenderAsync(example)).Where(one => one.Kind() == "Secret"))
            Assert.That(secret.Text("metadata", "annotations", "helm.sh/hook"), Is.EqualTo("pre-install"), $"{secret.Name()} must not be made anew by an upgrade");
    }

    [TestCaseSource(nameof(Examples))]
    public async Task Should_have_an_image_for_each_process(string example)
    {
        foreach (var deployment in (await Helm.RenderAsync(example)).Where(one => one.Kind() == "Deployment"))
        {
            var image = deployment.At("spec", "template", "spec")!.List("containers").Single().Text("image")!;
            var service = image[(image.LastIndexOf('/') + 1)..image.LastIndexOf(':')];
            var file = Directory.EnumerateFiles(Repository.Root, "Dockerfile", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4 })
                .SingleOrDefault(candidate => File.ReadLines(candidate).First().Contains($"-t allmende/{service} ", StringComparison.Ordinal));
            Assert.That(file, Is.Not.Null, service);
            var lines = File.ReadAllLines(file!);
            Assert.That(lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)), Has.All.Match(@":\d+\.\d+\.\d+-"), "base images are pinned");
            Assert.That(lines.Last(line => line.StartsWith("USER ", StringComparison.Ordinal)), Is.EqualTo("USER " + deployment.Text("spec", "template", "spec", "securityContext", "runAsUser")));
        }
    }

    [TestCase("onboard.sh")]
    [TestCase("prepare-postgres.sh")]
    public async Task Should_bring_scripts_that_a_shell_can_read(string script)
    {
        var (code, _, errors) = await new NodePackages(Repository.Root).TryAsync("sh", "", "-n", Path.Combine(Helm.Chart, "files", script));
        Assert.That(code, Is.Zero, errors);
    }

    static Dictionary<string, string> Environment(YamlNode deployment) => deployment.At("spec", "template", "spec")!.List("containers").Single().List("env")
        .ToDictionary(variable => variable.Text("name")!, variable => variable.Text("value") ?? "secret");
}
