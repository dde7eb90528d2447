using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Testing;
using Npgsql;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_a_municipality_is_onboarded
{
    IdentityInstallation installation = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => installation = await IdentityInstallation.SharedAsync();

    [Test]
    public async Task Should_give_every_role_a_client_whose_token_says_what_it_is()
    {
        var municipality = await installation.OnboardAsync();
        foreach (var role in new[] { "admin", "data-owner", "data-steward", "analyst", "developer", "partner" })
        {
            var claims = Claims(await installation.TokenAsync(municipality, role));
            Assert.That(claims["azp"]!.GetValue<string>(), Is.EqualTo($"{municipality.Id}-{role}"));
            Assert.That(claims["municipality"]!.GetValue<string>(), Is.EqualTo(municipality.Id));
            Assert.That(claims["aud"]!.GetValue<string>(), Is.EqualTo("allmende"));
            Assert.That(claims["resource_access"]!["allmende"]!["roles"]!.AsArray().Select(node => node!.GetValue<string>()), Is.EqualTo(new[] { role }));
        }
    }

    [TestCase("admin", "open,internal,restricted")]
    [TestCase("data-steward", "open,internal,restricted")]
    [TestCase("analyst", "open,internal")]
    [TestCase("partner", "open")]
    public async Task Should_let_each_role_read_what_it_may(string role, string visible)
    {
        var municipality = await installation.OnboardAsync();
        using var answer = await installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{municipality.Id}/members", await installation.TokenAsync(municipality, role));
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo($"{municipality.Id}-{role} {visible}"));
    }

    [Test]
    public async Task Should_make_a_database_that_only_its_services_can_use()
    {
        var municipality = await installation.OnboardAsync();
        var database = "m_" + municipality.Id.Replace('-', '_');
        var schemas = await installation.Engines.Postgres.Server.QueryAsync(database,
            "SELECT nspname || ' ' || rolname FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner WHERE rolname LIKE 'allmende_%' ORDER BY 1");
        Assert.That(schemas, Is.EqualTo(new[] { "catalog", "ingestion", "observations", "opendata", "streams" }.Select(name => $"{name} allmende_{name}")));
        Assert.That(await installation.Engines.Postgres.Server.QueryAsync(database, "SELECT has_database_privilege('public', current_database(), 'CONNECT')::text"), Is.EqualTo(new[] { "false" }));
        Assert.That(await installation.Engines.Postgres.Server.QueryAsync(database, "SELECT PostGIS_Lib_Version()"), Has.Count.EqualTo(1));

        await using var connection = new NpgsqlConnection(installation.Engines.ConnectionString("streams") + ";Pooling=false;Database=" + database);
        await connection.OpenAsync();
        await using var foreign = new NpgsqlCommand("CREATE TABLE catalog.mine ()", connection);
        Assert.That(foreign.ExecuteNonQueryAsync, Throws.InstanceOf<PostgresException>().With.Property("SqlState").EqualTo(PostgresErrorCodes.InsufficientPrivilege));
        // The service that was waited for has made its own tables.
        Assert.That(await installation.Engines.Postgres.Server.QueryAsync(database, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'catalog'"), Does.Contain("migration"));
    }

    [Test]
    public async Task Should_answer_where_it_is_and_list_it()
    {
        var municipality = await installation.OnboardAsync();
        var token = await installation.OperatorTokenAsync();
        using var one = await installation.SendAsync(HttpMethod.Get, $"/operator/municipalities/{municipality.Id}", token);
        var details = (await one.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.That(details["ars"]!.GetValue<string>(), Is.EqualTo("059990001001"));
        var bbox = details["bbox"]!.Deserialize<double[]>()!;
        Assert.That(bbox[0] < 8.38 && bbox[2] > 8.38 && bbox[1] < 51.9 && bbox[3] > 51.9, Is.True);

        using var list = await installation.SendAsync(HttpMethod.Get, "/operator/municipalities", token);
        Assert.That(await list.Content.ReadAsStringAsync(), Does.Contain($"\"{municipality.Id}\"").And.Not.Contain("clientSecret"));
        using var missing = await installation.SendAsync(HttpMethod.Get, "/operator/municipalities/atlantis", token);
        Assert.That(missing.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Should_refuse_the_same_id_again_and_leave_the_first_alone()
    {
        var municipality = await installation.OnboardAsync();
        using var again = await installation.OnboardAsync(IdentityInstallation.Describe(municipality.Id));
        Assert.That(again.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await again.Content.ReadFromJsonAsync<JsonObject>())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:municipality_exists"));
        Assert.That(await installation.TokenAsync(municipality, "admin"), Is.Not.Empty);
    }

    [Test]
    public async Task Should_tell_all_faults_at_once()
    {
        using var answer = await installation.OnboardAsync(new JsonObject
        {
            ["id"] = "Muster Stadt",
            ["name"] = "",
            ["ars"] = "1",
            ["inhabitants"] = 0,
            ["defaultAccess"] = "secret",
            ["minGroup"] = 2,
            ["colors"] = new JsonObject { ["primary"] = "red" },
        });
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        var errors = (await answer.Content.ReadFromJsonAsync<JsonObject>())!["errors"]!.AsObject();
        Assert.That(errors.Select(error => error.Key), Is.EquivalentTo(new[] { "id", "name", "ars", "inhabitants", "center", "defaultAccess", "minGroup", "colors.primary" }));
    }

    [TestCase("""{"id":7}""")]
    [TestCase("""{"id":"x","center":"here"}""")]
    [TestCase("[]")]
    [TestCase("{")]
    public async Task Should_call_a_malformed_body_malformed(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/operator/municipalities") { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", await installation.OperatorTokenAsync());
        using var answer = await installation.Http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((await answer.Content.ReadFromJsonAsync<JsonObject>())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:malformed_request"));
    }

    [Test]
    public async Task Should_be_the_operators_alone()
    {
        var municipality = await installation.OnboardAsync();
        var body = IdentityInstallation.Describe(IdentityInstallation.NewId());
        using var nobody = await installation.SendAsync(HttpMethod.Post, "/operator/municipalities", null, body);
        Assert.That(nobody.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        using var admin = await installation.SendAsync(HttpMethod.Post, "/operator/municipalities", await installation.TokenAsync(municipality, "admin"), body);
        Assert.That(admin.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        using var providerAdmin = await installation.SendAsync(HttpMethod.Post, "/operator/municipalities", await installation.ProviderAdminTokenAsync(), body);
        Assert.That(providerAdmin.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Should_open_once_however_often_it_is_asked_for_at_the_same_time()
    {
        var id = IdentityInstallation.NewId();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => installation.OnboardAsync(IdentityInstallation.Describe(id))));
        var statuses = answers.Select(answer => answer.StatusCode).ToList();
        Assert.That(statuses.Count(status => status == HttpStatusCode.Created), Is.EqualTo(1), string.Join(' ', statuses));
        Assert.That(statuses.Where(status => status != HttpStatusCode.Created), Is.All.EqualTo(HttpStatusCode.Conflict).Or.EqualTo(HttpStatusCode.ServiceUnavailable));

        var opened = new Onboarded(id, (await answers.Single(answer => answer.StatusCode == HttpStatusCode.Created).Content.ReadFromJsonAsync<JsonObject>())!);
        Assert.That(await installation.TokenAsync(opened, "admin"), Is.Not.Empty);
        foreach (var answer in answers) answer.Dispose();
    }

    [Test]
    public async Task Should_not_take_over_a_database_that_nobody_registered()
    {
        var id = await installation.Engines.CreateMunicipalityAsync();
        using var answer = await installation.OnboardAsync(IdentityInstallation.Describe(id));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await answer.Content.ReadFromJsonAsync<JsonObject>())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:municipality_database_exists"));
    }

    [Test]
    public async Task Should_wait_for_the_services_and_finish_when_repeated()
    {
        var description = IdentityInstallation.Describe(IdentityInstallation.NewId());
        await installation.Service.DisposeAsync();
        using (var incomplete = await installation.OnboardAsync(description))
        {
            Assert.That(incomplete.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            var problem = (await incomplete.Content.ReadFromJsonAsync<JsonObject>())!;
            Assert.That(problem["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:onboarding_incomplete"));
            Assert.That(problem["detail"]!.GetValue<string>(), Does.Contain("catalog"));
        }
        await installation.StartServiceAsync();
        using var complete = await installation.OnboardAsync(description);
        Assert.That(complete.StatusCode, Is.EqualTo(HttpStatusCode.Created));
    }

    [Test]
    public async Task Should_say_so_when_the_provider_is_down_and_finish_when_repeated()
    {
        var description = IdentityInstallation.Describe(IdentityInstallation.NewId());
        var token = await installation.OperatorTokenAsync();
        await installation.Provider.KillAsync(restart: false);
        using (var failed = await installation.SendAsync(HttpMethod.Post, "/operator/municipalities", token, description))
        {
            Assert.That(failed.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That((await failed.Content.ReadFromJsonAsync<JsonObject>())!["type"]!.GetValue<string>(), Is.EqualTo("urn:allmende:error:identity_provider_failed"));
        }
        await installation.Provider.StartAsync();
        using var complete = await installation.OnboardAsync(description);
        Assert.That(complete.StatusCode, Is.EqualTo(HttpStatusCode.Created));
    }

    [Test]
    public async Task Should_be_finished_by_repeating_whenever_identity_was_killed()
    {
        var broken = 0;
        foreach (var delay in new[] { 20, 80, 150, 250, 400 })
        {
            var id = IdentityInstallation.NewId();
            var token = await installation.OperatorTokenAsync();
            var first = installation.SendAsync(HttpMethod.Post, "/operator/municipalities", token, IdentityInstallation.Describe(id));
            await Task.Delay(delay);
            await installation.Identity.KillAsync();
            await installation.Identity.WhenReadyAsync();
            JsonObject? answer = null;
            try
            {
                using var done = await first;
                answer = await done.Content.ReadFromJsonAsync<JsonObject>();
            }
            catch (HttpRequestException)
            {
                broken++;
            }
            answer ??= await Eventually.GetAsync(async () =>
            {
                using var repeated = await installation.OnboardAsync(IdentityInstallation.Describe(id));
                return repeated.StatusCode == HttpStatusCode.Created ? await repeated.Content.ReadFromJsonAsync<JsonObject>() : null;
            }, $"municipality after a kill at {delay} ms");

            var municipality = new Onboarded(id, answer);
            using var door = await installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{id}/members", await installation.TokenAsync(municipality, "admin"));
            Assert.That(door.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"killed at {delay} ms");
            using var device = await installation.SendAsync(HttpMethod.Get, $"{installation.ServiceUrl}/{id}/devices-door", null, apiKey: municipality.DeviceKey);
            Assert.That(device.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"killed at {delay} ms");
            var keys = await installation.Engines.Postgres.Server.QueryAsync("allmende", $"SELECT name FROM identity.api_key WHERE municipality = '{id}' ORDER BY name");
            Assert.That(keys, Is.EqualTo(new[] { "connecting devices", "devices" }), $"killed at {delay} ms");
        }
        Assert.That(broken, Is.GreaterThan(1), "too few calls were broken off for this test to mean anything");
    }

    static JsonObject Claims(string token) => JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]))!.AsObject();
}
