using System.Text.Json;
using System.Text.Json.Nodes;
using Allmende.Contracts;
using Allmende.Platform.Data;
using Allmende.Platform.Events;
using Allmende.Platform.Log;
using Allmende.Testing;
using static Allmende.Observations.Tests.Writes;

namespace Allmende.Observations.Tests;

/// <summary>SensorThings Tasking (OGC 17-079r1): what lamps and valves can be told, that a Task becomes a command, and what becomes of it.</summary>
[TestFixture]
public sealed class When_devices_are_told
{
    const string Switch = "TaskingCapabilities('lampe-1.schalten')";
    const string On = """{"taskingParameters":{"on":true}}""";
    Town town = null!;

    [SetUp]
    public async Task PrepareAsync()
    {
        town = await (await Service.SharedAsync()).TownAsync();
        await town.RegisterAsync(Lamps.Lamp("lampe-1"));
    }

    /// <summary>All commands of the municipality, when there are so many; and that no more come.</summary>
    async Task<List<DeviceCommand>> CommandsAsync(int expected)
    {
        var service = await Service.SharedAsync();
        await Eventually.TrueAsync(async () =>
        {
            await using var waiting = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand("SELECT count(*) FROM command_outbox");
            return await waiting.ExecuteScalarAsync() is 0L;
        }, "the outbox is empty");
        var log = service.Get<ILog>();
        var commands = new List<DeviceCommand>();
        var ends = await log.EndAsync(town.Id, Topics.Commands, default);
        if (ends.All(end => end.Major < 0)) return commands;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(expected == 0 ? 1 : 10));
        try
        {
            await foreach (var batch in log.TailAsync(town.Id, Topics.Commands, ends.Select(end => LogPosition.BeforeFirst(end.Partition)).ToList(), limit.Token))
            {
                commands.AddRange(batch.Records.Select(record => JsonSerializer.Deserialize(record.Payload.Span, ContractsJson.Default.DeviceCommand)!));
                if (commands.Count >= expected) limit.CancelAfter(TimeSpan.FromMilliseconds(300));
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // All that there is.
        }
        Assert.That(commands, Has.Count.EqualTo(expected));
        return commands;
    }

    async Task TellAsync(DeviceCommand command, long place, string state, string? reason = null)
    {
        var change = new TaskChanged(command.Id, place, state, DateTimeOffset.Parse("2026-11-20T10:00:00Z", null), reason);
        await (await Service.SharedAsync()).Get<IEventBus>().PublishAsync(town.Id, "ingestion", EventTypes.TaskChanged, command.Device, change, ContractsJson.Default.TaskChanged, default);
    }

    [Test]
    public async Task Should_have_the_sets_of_Part_2()
    {
        var root = await town.GetAsync("");
        Assert.That(root["value"]!.AsArray().Select(set => (string)set!["name"]!), Is.SupersetOf(new[] { "Actuators", "TaskingCapabilities", "Tasks" }));
        Assert.That(root["serverSettings"]!["conformance"]!.AsArray().Select(requirement => (string)requirement!), Does.Contain("http://www.opengis.net/spec/iot_tasking/1.0/req/create-tasks/task-creation"));
        Assert.That(root.ToJsonString(), Does.Not.Contain("mqtt"), "where none is spoken");
    }

    /// <summary>OGC 18-088 section 9.2.1: a client learns here where MQTT is spoken.</summary>
    [Test]
    public async Task Should_say_where_MQTT_is_spoken() => await (await Service.SharedAsync()).WithAsync("Observations:MqttEndpoints:0", "mqtts://mqtt.example.org:8883", async http =>
    {
        JsonNode? settings = null;
        await Eventually.TrueAsync(async () =>
        {
            using var answer = await http.GetAsync($"/{town.Id}/sta/v1.1");
            settings = answer.IsSuccessStatusCode ? JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["serverSettings"] : null;
            return settings is not null;
        }, "municipality in the other process");
        foreach (var requirement in new[]
        {
            "iot_sensing/1.1/req/create-observations-via-mqtt/observations-creation", "iot_sensing/1.1/req/receive-updates-via-mqtt/receive-updates",
            "iot_tasking/1.0/req/create-tasks-via-mqtt/task-creation", "iot_tasking/1.0/req/receive-updates-via-mqtt/receive-updated",
        })
        {
            var address = "http://www.opengis.net/spec/" + requirement;
            Assert.That(settings!["conformance"]!.AsArray().Select(one => (string)one!), Does.Contain(address));
            Assert.That(settings[address]!["endpoints"]!.AsArray().Select(one => (string)one!), Is.EqualTo(new[] { "mqtts://mqtt.example.org:8883" }), requirement);
        }
    });

    [Test]
    public void Should_refuse_an_endpoint_that_is_none_of_MQTT()
    {
        var options = new ObservationsOptions();
        options.MqttEndpoints.Add("https://mqtt.example.org");
        Assert.That(options.Validated, Throws.InvalidOperationException.With.Message.Contains("MqttEndpoints"));
    }

    [Test]
    public async Task Should_know_by_the_profile_what_a_device_can_be_told()
    {
        var thing = await town.GetAsync("Things('lampe-1')?$expand=TaskingCapabilities($expand=Actuator)");
        var capability = thing["TaskingCapabilities"]![0]!;
        Assert.That((string)capability["@iot.id"]!, Is.EqualTo("lampe-1.schalten"));
        Assert.That(((string)capability["name"]!, (string)capability["Actuator"]!["name"]!), Is.EqualTo(("Licht schalten", "Profil 1")));
        Assert.That(JsonNode.DeepEquals(capability["taskingParameters"], JsonNode.Parse("""
            {"type":"DataRecord","field":[{"name":"on","type":"Boolean","label":"An"},
              {"name":"level","type":"Quantity","label":"Helligkeit","optional":true,"uom":{"code":"%"},"constraint":{"type":"AllowedValues","interval":[[0,100]]}},
              {"name":"minutes","type":"Count","label":"Minuten","optional":true,"constraint":{"type":"AllowedValues","interval":[[1,255]]}},
              {"name":"scene","type":"Category","label":"Szene","optional":true,"constraint":{"type":"AllowedTokens","value":["abend","nacht"]}}]}
            """)), Is.True, capability["taskingParameters"]!.ToJsonString());
        Assert.That(JsonNode.DeepEquals(capability["properties"]!["downlink"], JsonNode.Parse("""{"fPort":2,"confirmed":true,"priority":"high","validFor":600}""")), Is.True);
        // What the registry says stays so; the name is people's.
        Assert.That((await town.WriteAsync(HttpMethod.Patch, Switch, """{"name":"Laterne","properties":{"downlink":{"fPort":9},"ort":"Markt"}}""", Roles.Developer)).Status, Is.EqualTo(200));
        var changed = await town.GetAsync(Switch);
        Assert.That(((string)changed["name"]!, (int)changed["properties"]!["downlink"]!["fPort"]!, (string)changed["properties"]!["ort"]!), Is.EqualTo(("Laterne", 2, "Markt")));
        Assert.That((await town.WriteAsync(HttpMethod.Patch, Switch, $$"""{"taskingParameters":{{Lamps.Record}}}""")).Status, Is.EqualTo(409));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, Switch)).Status, Is.EqualTo(409));
    }

    [Test]
    public async Task Should_leave_to_clients_what_the_profile_no_longer_has()
    {
        await town.MakeAsync($"{Switch}/Tasks", On);
        await town.RegisterAsync(Lamps.Lamp("lampe-1") with { Tasks = [Lamps.Switch with { Id = "dimmen" }] });
        await Eventually.TrueAsync(async () => await town.StatusAsync("TaskingCapabilities('lampe-1.dimmen')") == 200, "the other capability");
        Assert.That((await town.WriteAsync(HttpMethod.Delete, "TaskingCapabilities('lampe-1.dimmen')")).Status, Is.EqualTo(409));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, Switch)).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Should_make_a_Task_a_command()
    {
        var (status, location, task) = await town.WriteAsync(HttpMethod.Post, "Tasks", """{"taskingParameters":{"on":true,"level":40.5,"scene":"nacht"},"TaskingCapability":{"@iot.id":"lampe-1.schalten"}}""", Roles.Developer);
        Assert.That(status, Is.EqualTo(201), task?.ToJsonString());
        Assert.That(location, Does.EndWith($"/sta/v1.1/{PathOf(task!)}"));
        var command = (await CommandsAsync(1))[0];
        Assert.That((command.Kind, command.Device, command.Task, command.By), Is.EqualTo((DeviceCommand.Send, "lampe-1", task!["@iot.id"]!.ToString(), $"{town.Id}-developer")));
        Assert.That(command.Downlink, Is.EqualTo(new DownlinkSettings(2, true, "high", 600)));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(command.Data!.Value.GetRawText()), task["taskingParameters"]), Is.True);
        Assert.That((string)task["status"]!["state"]!, Is.EqualTo("pending"));
        Assert.That((string)task["status"]!["downlink"]!, Is.EqualTo($"/{town.Id}/devices/lampe-1/downlinks/{command.Id:N}"));
        Assert.That(((string)task["status"]!["by"]!, DateTimeOffset.Parse((string)task["creationTime"]!, null)), Is.EqualTo(($"{town.Id}-developer", command.At)).Using<(string, DateTimeOffset)>(
            (left, right) => left.Item1 == right.Item1 && (left.Item2 - right.Item2).Duration() < TimeSpan.FromSeconds(1)));
    }

    [Test]
    public async Task Should_tell_at_its_start_what_a_killed_process_left_behind()
    {
        var service = await Service.SharedAsync();
        var left = new DeviceCommand(Guid.CreateVersion7(), DeviceCommand.Send, "lampe-1", "1", DateTimeOffset.UtcNow, "x", JsonElement.Parse("""{"on":true}"""));
        await using (var insert = service.Get<MunicipalDatabases>().Of(town.Id).CreateCommand("INSERT INTO command_outbox (device, command) VALUES ('lampe-1', $1)"))
        {
            insert.Parameters.AddWithValue(JsonSerializer.Serialize(left, ContractsJson.Default.DeviceCommand));
            await insert.ExecuteNonQueryAsync();
        }
        await service.WithAsync("Observations:LongestRead", "00:00:20", async _ => Assert.That((await CommandsAsync(1))[0].Id, Is.EqualTo(left.Id)));
    }

    [Test]
    public async Task Should_be_read_like_everything_else()
    {
        var first = await town.MakeAsync($"{Switch}/Tasks", On);
        await town.MakeAsync($"{Switch}/Tasks", """{"taskingParameters":{"on":false,"minutes":5}}""");
        async Task<int> CountAsync(string path) => (await town.GetAsync(path, Roles.Admin))["value"]!.AsArray().Count;
        Assert.That(await CountAsync("Tasks?$filter=taskingParameters/on eq true"), Is.EqualTo(1));
        Assert.That(await CountAsync("Tasks?$filter=taskingParameters/minutes gt 4 and TaskingCapability/Thing/id eq 'lampe-1'"), Is.EqualTo(1));
        Assert.That(await CountAsync("Tasks?$filter=status/state eq 'pending' and creationTime gt 2026-01-01&$orderby=creationTime desc"), Is.EqualTo(2));
        Assert.That(await CountAsync("Things?$filter=TaskingCapabilities/Tasks/taskingParameters/minutes eq 5"), Is.EqualTo(1));
        Assert.That(await CountAsync($"{Switch}/Tasks?$top=1&$skip=1&$orderby=id"), Is.EqualTo(1));
        Assert.That((string)(await town.GetAsync($"{PathOf(first)}/TaskingCapability/Thing", Roles.Admin))["@iot.id"]!, Is.EqualTo("lampe-1"));
        Assert.That((await town.GetAsync($"{PathOf(first)}/taskingParameters/on", Roles.Admin)).ToJsonString(), Is.EqualTo("""{"on":true}"""));
        Assert.That((string)(await town.GetAsync($"{Switch}/Tasks/$ref", Roles.Admin))["value"]![0]!["@iot.selfLink"]!, Does.EndWith(PathOf(first)));
        var expanded = await town.GetAsync("Actuators('profil-1')?$expand=TaskingCapabilities($expand=Tasks($count=true;$top=1;$select=taskingParameters),Thing($select=name))", Roles.Admin);
        Assert.That((int)expanded["TaskingCapabilities"]![0]!["Tasks@iot.count"]!, Is.EqualTo(2));
        Assert.That(expanded["TaskingCapabilities"]![0]!["Tasks"]!.ToJsonString(), Is.EqualTo("""[{"taskingParameters":{"on":true}}]"""));
    }

    static readonly string[][] WrongTasks =
    [
        ["""{}""", "'taskingParameters' is mandatory"],
        ["""{"taskingParameters":null}""", "'taskingParameters' is mandatory"],
        ["""{"taskingParameters":[]}""", "'taskingParameters' must be a JSON object"],
        ["""{"taskingParameters":{}}""", "'taskingParameters/on' is missing"],
        ["""{"taskingParameters":{"on":null}}""", "'taskingParameters/on' must be true or false"],
        ["""{"taskingParameters":{"on":"true"}}""", "'taskingParameters/on' must be true or false"],
        ["""{"taskingParameters":{"on":true,"off":true}}""", "'taskingParameters/off' is none of the parameters on, level, minutes, scene"],
        ["""{"taskingParameters":{"on":true,"level":100.1}}""", "'taskingParameters/level' must be 0 to 100"],
        ["""{"taskingParameters":{"on":true,"level":1e999}}""", "'taskingParameters/level' must be a number"],
        ["""{"taskingParameters":{"on":true,"level":"40"}}""", "'taskingParameters/level' must be a number"],
        ["""{"taskingParameters":{"on":true,"minutes":1.5}}""", "'taskingParameters/minutes' must be a whole number"],
        ["""{"taskingParameters":{"on":true,"minutes":0}}""", "'taskingParameters/minutes' must be 1 to 255"],
        ["""{"taskingParameters":{"on":true,"scene":"mittag"}}""", "'taskingParameters/scene' must be one of abend, nacht"],
        ["""{"taskingParameters":{"on":true},"name":"x"}""", "'name' is no property of Tasks"],
        ["""{"taskingParameters":{"on":true},"TaskingCapability":{"@iot.id":"lampe-2.schalten"}}""", "'TaskingCapability' is said already by where the entity is made"],
    ];

    [TestCaseSource(nameof(WrongTasks))]
    public async Task Should_refuse_what_the_device_does_not_take(string body, string message)
    {
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, $"{Switch}/Tasks", body);
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((400, message)));
        await CommandsAsync(0);
    }

    static readonly string[][] WrongRecords =
    [
        ["[]", "'taskingParameters' must be a JSON object"],
        ["""{"field":[]}""", "'taskingParameters/type' must be 'DataRecord'"],
        ["""{"type":"DataRecord"}""", "'taskingParameters/field' must be an array of at most 100 fields"],
        ["""{"type":"DataRecord","field":[1]}""", "'taskingParameters/field[0]' must be a JSON object"],
        ["""{"type":"DataRecord","field":[{"type":"Count"}]}""", "'taskingParameters/field[0]/name' must have 1 to 100 characters"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Count"},{"name":"a","type":"Count"}]}""", "'taskingParameters/field[1]/name' 'a' is there twice"],
        ["""{"type":"DataRecord","fields":[{"name":"a","type":"DataArray"}]}""", "'taskingParameters/fields[0]/type' must be one of Boolean, Category, Count, Quantity, Text"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Count","constraint":{"type":"AllowedTokens"}}]}""", "'taskingParameters/field[0]/constraint/type' must be 'AllowedValues' for a Count"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Count","constraint":{"interval":[5,1]}}]}""", "'taskingParameters/field[0]/constraint/interval' must be [lowest, highest], or an array of 1 to 1000 of these"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Text","constraint":{"value":[1]}}]}""", "'taskingParameters/field[0]/constraint/value' must be an array of 1 to 1000 texts"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Text","constraint":{"pattern":"(a)\\1"}}]}""", "'taskingParameters/field[0]/constraint/pattern' must be a regular expression of at most 500 characters, without look-around, back-references and great numbers of repetitions"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Text","constraint":{"pattern":"((a{90}){90}){90,}"}}]}""", "'taskingParameters/field[0]/constraint/pattern' must be a regular expression of at most 500 characters, without look-around, back-references and great numbers of repetitions"],
        ["""{"type":"DataRecord","field":[{"name":"a","type":"Boolean","optional":1}]}""", "'taskingParameters/field[0]/optional' must be true or false"],
    ];

    [TestCaseSource(nameof(WrongRecords))]
    public async Task Should_refuse_parameters_that_no_Task_could_be_checked_by(string record, string message)
    {
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, "Things('lampe-1')/TaskingCapabilities", Lamps.Capability(record));
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((400, message)));
        var made = await town.MakeAsync("Things('lampe-1')/TaskingCapabilities", Lamps.Capability());
        (status, _, answer) = await town.WriteAsync(HttpMethod.Patch, PathOf(made), $$"""{"taskingParameters":{{record}}}""");
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((400, message)));
    }

    [TestCase("""{"fPort":0}""", "'properties/downlink/fPort' must be 1 to 223")]
    [TestCase("""{"fPort":"1"}""", "'properties/downlink/fPort' must be 1 to 223")]
    [TestCase("""{"confirmed":"yes"}""", "'properties/downlink/confirmed' must be true or false")]
    [TestCase("""{"priority":"urgent"}""", "'properties/downlink/priority' must be one of low, normal, high")]
    [TestCase("""{"validFor":2592001}""", "'properties/downlink/validFor' must be 1 to 2592000 seconds")]
    [TestCase("""{"port":1}""", "'properties/downlink/port' is none of fPort, confirmed, priority, validFor")]
    [TestCase("1", "'properties/downlink' must be a JSON object")]
    public async Task Should_refuse_settings_that_no_downlink_can_have(string settings, string message)
    {
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, "Things('lampe-1')/TaskingCapabilities", Lamps.Capability(more: $$""","properties":{"downlink":{{settings}}}"""));
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((400, message)));
    }

    [Test]
    public async Task Should_take_what_constraints_allow()
    {
        var made = await town.MakeAsync("Things('lampe-1')/TaskingCapabilities", Lamps.Capability("""
            {"type":"DataRecord","field":[{"name":"n","type":"Quantity","constraint":{"type":"AllowedValues","value":[1,2],"interval":[[10,20],[100,"INF"]]}},
              {"name":"colour","type":"Text","optional":true,"constraint":{"type":"AllowedTokens","value":["red"],"pattern":"#[0-9A-F]{6}"}}]}
            """));
        foreach (var (parameters, expected) in new[]
        {
            ("""{"n":2}""", 201), ("""{"n":10}""", 201), ("""{"n":1e6}""", 201), ("""{"n":3}""", 400), ("""{"n":21,"colour":"red"}""", 400),
            ("""{"n":1,"colour":"#00FF00"}""", 201), ("""{"n":1,"colour":"red"}""", 201), ("""{"n":1,"colour":"#00FF00x"}""", 400), ("""{"n":1,"colour":""}""", 400),
        })
            Assert.That((await town.WriteAsync(HttpMethod.Post, PathOf(made) + "/Tasks", $$"""{"taskingParameters":{{parameters}}}""")).Status, Is.EqualTo(expected), parameters);
    }

    [Test]
    public async Task Should_refuse_Tasks_of_what_is_no_device()
    {
        var thing = await town.MakeAsync("Things", $$"""{"name":"Brunnen","description":"am Markt","TaskingCapabilities":[{{Lamps.Capability()}}]}""");
        var capability = (await town.GetAsync($"{PathOf(thing)}/TaskingCapabilities"))["value"]![0]!;
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, $"{PathOf(capability)}/Tasks", On);
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((409, $"the Thing of {PathOf(capability)} is no registered device (/devices): nothing can be sent to it")));
        Assert.That((await town.WriteAsync(HttpMethod.Post, $"{PathOf(thing)}/TaskingCapabilities", Lamps.Capability(more: $$""","Tasks":[{{On}}]"""))).Status, Is.EqualTo(409));
        Assert.That((await town.GetAsync($"{PathOf(thing)}/TaskingCapabilities"))["value"]!.AsArray(), Has.Count.EqualTo(1), "nothing of it is kept");
        await CommandsAsync(0);
    }

    [Test]
    public async Task Should_tell_what_has_become_of_a_Task()
    {
        var task = await town.MakeAsync($"{Switch}/Tasks", On);
        var command = (await CommandsAsync(1))[0];
        await using var feed = await When_topics_are_subscribed.Feed.OpenAsync(town, $"{Switch}/Tasks?$select=status", role: Roles.Developer);
        async Task<JsonNode> StatusAsync() => (await town.GetAsync(PathOf(task), Roles.Admin))["status"]!;
        await TellAsync(command, 3, "sent");
        Assert.That((string)(await feed.NextAsync())["status"]!["state"]!, Is.EqualTo("sent"));
        await TellAsync(command, 2, "sending");
        await TellAsync(command, 4, "failed", "nobody listens");
        Assert.That((string)(await feed.NextAsync())["status"]!["state"]!, Is.EqualTo("failed"), "what is older tells nothing");
        var status = await StatusAsync();
        Assert.That(((string)status["reason"]!, (string)status["since"]!, (string)status["by"]!), Is.EqualTo(("nobody listens", "2026-11-20T10:00:00.000Z", $"{town.Id}-admin")));
        await TellAsync(command, 5, "acknowledged");
        Assert.That((string)(await feed.NextAsync())["status"]!["state"]!, Is.EqualTo("acknowledged"));
        Assert.That((await StatusAsync())["reason"], Is.Null, "a reason is of its state");
    }

    [Test]
    public async Task Should_tell_subscribers_of_Tasks_what_is_theirs()
    {
        await using var developers = await When_topics_are_subscribed.Feed.OpenAsync(town, "Tasks?$select=taskingParameters", role: Roles.Developer);
        await using var owners = await When_topics_are_subscribed.Feed.OpenAsync(town, "Tasks?$select=taskingParameters", role: Roles.DataOwner);
        await town.MakeAsync($"{Switch}/Tasks", On);
        Assert.That((bool)(await developers.NextAsync())["taskingParameters"]!["on"]!, Is.True);
        await town.RegisterAsync("pegel-1", "wasser", "temperature");
        Assert.That(owners.HasMore, Is.False);
    }

    [Test]
    public async Task Should_cancel_with_the_Task_what_still_waits()
    {
        var (first, second, third) = (await town.MakeAsync($"{Switch}/Tasks", On), await town.MakeAsync($"{Switch}/Tasks", On), await town.MakeAsync($"{Switch}/Tasks", On));
        var commands = await CommandsAsync(3);
        await TellAsync(commands[1], 1, "acknowledged");
        await Eventually.TrueAsync(async () => (string)(await town.GetAsync(PathOf(second), Roles.Admin))["status"]!["state"]! == "acknowledged", "the second is over");
        foreach (var task in new[] { first, second }) Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(task), role: Roles.Developer)).Status, Is.EqualTo(200));
        Assert.That(await town.StatusAsync(PathOf(first)), Is.EqualTo(404));
        var cancelled = (await CommandsAsync(4))[3];
        Assert.That((cancelled.Id, cancelled.Kind, cancelled.Device), Is.EqualTo((commands[0].Id, DeviceCommand.Cancel, "lampe-1")));
        await TellAsync(commands[0], 2, "cancelled");
        Assert.That((string)third["status"]!["state"]!, Is.EqualTo("pending"));
    }

    [Test]
    public async Task Should_cancel_Tasks_that_go_with_something_else()
    {
        var capability = await town.MakeAsync("Things('lampe-1')/TaskingCapabilities", Lamps.Capability());
        await town.MakeAsync($"{PathOf(capability)}/Tasks", On);
        Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(capability), role: Roles.DataOwner)).Status, Is.EqualTo(403));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, $"{PathOf(capability)}/Actuator", role: Roles.DataOwner)).Status, Is.EqualTo(403));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, $"{PathOf(capability)}/Actuator")).Status, Is.EqualTo(200));
        Assert.That(await town.StatusAsync(PathOf(capability)), Is.EqualTo(404));
        Assert.That((await CommandsAsync(2)).Select(command => command.Kind), Is.EqualTo(new[] { DeviceCommand.Send, DeviceCommand.Cancel }));
    }

    [Test]
    public async Task Should_not_let_a_Thing_take_along_what_is_not_the_deleters()
    {
        var thing = await town.MakeAsync("Things", $$"""{"name":"Brunnen","description":"am Markt","TaskingCapabilities":[{{Lamps.Capability()}}]}""");
        Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(thing), role: Roles.DataOwner)).Status, Is.EqualTo(409));
        Assert.That((await town.WriteAsync(HttpMethod.Delete, PathOf(thing))).Status, Is.EqualTo(200));
        Assert.That((await town.GetAsync("TaskingCapabilities?$count=true"))["@iot.count"]!.GetValue<int>(), Is.EqualTo(1));
    }

    [Test]
    public async Task Should_keep_a_Task_as_it_was_told()
    {
        var task = await town.MakeAsync($"{Switch}/Tasks", On);
        var other = await town.MakeAsync("Things('lampe-1')/TaskingCapabilities", Lamps.Capability());
        foreach (var (method, path, body, expected) in new[]
        {
            (HttpMethod.Patch, PathOf(task), """{"taskingParameters":{"on":false}}""", 405),
            (HttpMethod.Patch, PathOf(task), """{"status":{"state":"acknowledged"}}""", 405),
            (HttpMethod.Put, PathOf(task), On, 405),
            (HttpMethod.Put, $"{PathOf(task)}/TaskingCapability/$ref", $$"""{"@iot.id":{{other["@iot.id"]}}}""", 409),
            (HttpMethod.Post, $"{PathOf(other)}/Tasks/$ref", $$"""{"@iot.id":{{task["@iot.id"]}}}""", 409),
            (HttpMethod.Post, $"{PathOf(other)}/Tasks", $$"""{"@iot.id":{{task["@iot.id"]}}}""", 409),
            (HttpMethod.Patch, PathOf(other), $$"""{"Tasks":[{"@iot.id":{{task["@iot.id"]}}}]}""", 409),
        })
            Assert.That((await town.WriteAsync(method, path, body)).Status, Is.EqualTo(expected), $"{method} {path} {body}");
        Assert.That((await town.GetAsync(PathOf(task), Roles.Admin)).ToJsonString(), Is.EqualTo(task.ToJsonString()));
        await CommandsAsync(1);
    }

    [Test]
    public async Task Should_show_in_a_dry_run_what_would_be_sent()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, town.Url("Tasks?dryRun=true")) { Content = new StringContent("""{"taskingParameters":{"on":true,"minutes":5},"TaskingCapability":{"@iot.id":"lampe-1.schalten"}}""") };
        request.Headers.Add("X-Role", $"{town.Id} {Roles.Developer}");
        request.Headers.Add("X-Api-Key", "des-rufers-schluessel");
        using var answer = await town.Client.SendAsync(request);
        var shown = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), shown.ToJsonString());
        Assert.That(((bool)shown["dryRun"]!, (string)shown["device"]!, (string)shown["downlink"]!["downlink"]!["bytes"]!), Is.EqualTo((true, "lampe-1", "31")));
        var asked = DownlinkDoorStandIn.Asked[$"{town.Id} lampe-1"];
        Assert.That((asked.Query, asked.Credential), Is.EqualTo(("?dryRun=true", "des-rufers-schluessel")), "asked as a dry run, in the caller's name");
        Assert.That(JsonNode.DeepEquals(asked.Body, JsonNode.Parse("""{"data":{"on":true,"minutes":5},"fPort":2,"confirmed":true,"priority":"high","validFor":600}""")), Is.True, asked.Body.ToJsonString());
        Assert.That((int)(await town.GetAsync("Tasks?$count=true", Roles.Admin))["@iot.count"]!, Is.Zero);
        await CommandsAsync(0);
    }

    [Test]
    public async Task Should_refuse_in_a_dry_run_what_it_would_refuse_in_earnest()
    {
        await town.RegisterAsync(Lamps.Lamp("stumm-1"));
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, "TaskingCapabilities('stumm-1.schalten')/Tasks?dryRun=true", On);
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((422, "it could not be sent: data cannot be encoded: on must be true")));
        await town.RegisterAsync(Lamps.Lamp("weg-1"));
        Assert.That((await town.WriteAsync(HttpMethod.Post, "TaskingCapabilities('weg-1.schalten')/Tasks?dryRun=true", On)).Status, Is.EqualTo(503));
        (status, _, answer) = await town.WriteAsync(HttpMethod.Post, $"{Switch}/Tasks?dryRun=true", """{"taskingParameters":{}}""");
        Assert.That((status, (string)answer!["message"]!), Is.EqualTo((400, "'taskingParameters/on' is missing")));
        Assert.That((await town.WriteAsync(HttpMethod.Post, $"{Switch}/Tasks?dryRun=true", On, Roles.DataOwner)).Status, Is.EqualTo(403));
        Assert.That((await town.WriteAsync(HttpMethod.Post, $"{Switch}/Tasks?dryRun=true", On, Roles.Analyst)).Status, Is.EqualTo(403));
    }

    [TestCase("Tasks?dryRun=1")]
    [TestCase("Tasks?dryRun")]
    [TestCase("Tasks?dry_run=true")]
    [TestCase("Tasks?dryRun=true&$select=id")]
    [TestCase("Things?dryRun=true")]
    [TestCase("TaskingCapabilities?dryRun=true")]
    public async Task Should_not_send_in_earnest_where_a_dry_run_is_asked_wrongly(string path)
    {
        var (status, _, answer) = await town.WriteAsync(HttpMethod.Post, path, """{"taskingParameters":{"on":true},"TaskingCapability":{"@iot.id":"lampe-1.schalten"}}""");
        Assert.That(status, Is.EqualTo(400));
        Assert.That((string)answer!["message"]!, Does.Contain("dryRun"));
        await CommandsAsync(0);
    }

    [TestCase("Tasks?DRYRUN=True")]
    [TestCase("Tasks?dry%52un=true")]
    public async Task Should_know_a_dry_run_however_it_is_written(string path)
    {
        Assert.That((await town.WriteAsync(HttpMethod.Post, path, """{"taskingParameters":{"on":true},"TaskingCapability":{"@iot.id":"lampe-1.schalten"}}""")).Status, Is.EqualTo(200));
        await CommandsAsync(0);
    }

    [Test]
    public async Task Should_be_told_in_batches_all_or_nothing()
    {
        async Task<int[]> BatchAsync(string requests) =>
            [.. (await town.WriteAsync(HttpMethod.Post, "$batch", $$"""{"requests":[{{requests}}]}""")).Body!["responses"]!.AsArray().Select(answer => (int)answer!["status"]!)];
        string Post(string id, string url, string body) => $$"""{"id":"{{id}}","atomicityGroup":"g","method":"post","url":"{{url}}","body":{{body}}}""";
        var capability = Lamps.Capability(more: ""","Thing":{"@iot.id":"lampe-1"}""");
        Assert.That(await BatchAsync($"{Post("c", "TaskingCapabilities", capability)},{Post("t", "$c/Tasks", On)},{Post("u", "$c/Tasks", """{"taskingParameters":{"on":7}}""")}"), Is.EqualTo(new[] { 424, 424, 400 }));
        await CommandsAsync(0);
        var many = Enumerable.Range(0, 20).Select(i => Post($"t{i}", "$c/Tasks", On));
        Assert.That(await BatchAsync($"{Post("c", "TaskingCapabilities", capability)},{string.Join(',', many)}"), Is.EqualTo(Enumerable.Repeat(201, 21)));
        Assert.That(await BatchAsync($$"""{"id":"d","method":"post","url":"{{Switch}}/Tasks?dryRun=true","body":{{On}}}"""), Is.EqualTo(new[] { 400 }));
        var commands = await CommandsAsync(20);
        Assert.That(commands.ConvertAll(command => command.Id.ToString("N")), Is.Ordered.Using<string>(string.CompareOrdinal), "Ingestion sends them in the order of their ids");
    }

    [Test]
    public async Task Should_let_those_alone_tell_devices_who_may()
    {
        foreach (var (role, expected) in new[] { (Roles.Admin, 201), (Roles.Developer, 201), (Roles.DataOwner, 403), (Roles.DataSteward, 403), (Roles.Analyst, 403), (Roles.Partner, 403), (null, 401) })
        {
            foreach (var (path, body) in new[]
            {
                ($"{Switch}/Tasks", On), ("Tasks", """{"taskingParameters":{"on":true},"TaskingCapability":{"@iot.id":"lampe-1.schalten"}}"""), ("Actuators", Lamps.Actuator),
                ("Things('lampe-1')/TaskingCapabilities", Lamps.Capability()), ("Things", $$"""{"name":"a","description":"b","TaskingCapabilities":[{{Lamps.Capability()}}]}"""),
            })
                Assert.That((await town.WriteAsync(HttpMethod.Post, path, body, role)).Status, Is.EqualTo(expected), $"{role} {path}");
            if (role is Roles.DataOwner) Assert.That((await town.WriteAsync(HttpMethod.Patch, Switch, """{"name":"x"}""", role)).Status, Is.EqualTo(403));
        }
        await CommandsAsync(4);
    }

    [Test]
    public async Task Should_forget_what_a_removed_device_could_be_told()
    {
        var task = await town.MakeAsync($"{Switch}/Tasks", On);
        await (await Service.SharedAsync()).Get<IEventBus>().PublishAsync(town.Id, "ingestion", EventTypes.DeviceRemoved, "lampe-1", new Removed("lampe-1"), ContractsJson.Default.Removed, default);
        await Eventually.TrueAsync(async () => await town.StatusAsync(Switch) == 404, "the capability is gone");
        Assert.That(await town.StatusAsync(PathOf(task)), Is.EqualTo(404));
        var changes = await town.ChangesAsync(all => all.Exists(change => change is { Set: "Things", Change: EntityChange.Deleted }));
        Assert.That(changes.Where(change => change.Change == EntityChange.Deleted).Select(change => change.Set), Is.SupersetOf(new[] { "Tasks", "TaskingCapabilities" }));
        await CommandsAsync(1);
    }
}
