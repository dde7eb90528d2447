using System.Text;

namespace Allmende.Observations.SensorThings;

/// <summary>How a property is kept and written.</summary>
enum PropertyKind
{
    Text,
    /// <summary>jsonb, written as it is.</summary>
    Json,
    Time,
    /// <summary>Two columns, start and end; without end an instant.</summary>
    Interval,
    /// <summary>Two columns, number and jsonb.</summary>
    Result,
    /// <summary>Two columns, our flags and the client's own.</summary>
    Quality,
    /// <summary>An interval that may be null altogether.</summary>
    OptionalInterval,
    /// <summary>A member of jsonb column <c>extra</c>.</summary>
    Extra,
}

/// <summary>A property of an entity set.</summary>
/// <param name="Name">As in the standard.</param>
/// <param name="Kind">How it is kept.</param>
/// <param name="Columns">SQL of its columns, <c>{0}</c> is the row.</param>
/// <param name="Geometry">SQL of the geometry behind it, for <c>st_*</c> and <c>geo.*</c>.</param>
/// <param name="Writing">How clients write it; null for what the service itself finds out.</param>
/// <param name="OnDemand">Costs a scan, so it is written only to who selects it.</param>
/// <param name="Joined">Where its columns are another table's: how that is joined to the row, and its columns then. Cheaper for many rows than a subquery for each.</param>
sealed record Property(
    string Name, PropertyKind Kind, string[] Columns, string? Geometry = null, Writing? Writing = null, bool OnDemand = false, (string Join, string[] Columns)? Joined = null)
{
    /// <summary>The name as JSON, with the colon.</summary>
    public byte[] JsonName { get; } = Encoding.UTF8.GetBytes($"\"{Name}\":");

    /// <summary>SQL of its columns in row <c>r</c>, with which <see cref="Join"/> goes.</summary>
    public string Selected { get; } = string.Join(", ", (Joined?.Columns ?? Columns).Select(column => Model.Format(column, "r")));

    /// <summary>SQL of what is joined to row <c>r</c> for it; empty where nothing is.</summary>
    public string Join { get; } = Joined is { } joined ? " " + Model.Format(joined.Join, "r") : "";
}

/// <summary>What a written value must be.</summary>
enum Shape
{
    Text,
    /// <summary>A JSON object.</summary>
    Object,
    /// <summary>A JSON array.</summary>
    Array,
    /// <summary>Any JSON but null.</summary>
    Any,
    /// <summary>An instant, RFC 3339.</summary>
    Time,
    /// <summary>GeoJSON where <c>encodingType</c> says so; then the column <c>geom</c> follows.</summary>
    Geometry,
}

/// <summary>How a client writes a property (OGC 18-088 section 10).</summary>
/// <param name="Column">The column it goes into.</param>
/// <param name="Shape">What it must be.</param>
/// <param name="Mandatory">Without it there is no such entity.</param>
sealed record Writing(string Column, Shape Shape, bool Mandatory);

/// <summary>A navigation property.</summary>
/// <param name="Name">As in the standard.</param>
/// <param name="Target">Name of the set it leads to.</param>
/// <param name="Many">Leads to a collection.</param>
/// <param name="Link">SQL of the value that the parent row <c>{0}</c> is linked by.</param>
/// <param name="Condition">SQL that row <c>{0}</c> of the target is linked to value <c>{1}</c>.</param>
/// <param name="Inherits">Whoever sees the parent sees what it leads to.</param>
/// <param name="Joint">How clients make and break the link; null where it is not theirs.</param>
/// <param name="Table">What stands in FROM where it is not the target's own table.</param>
/// <param name="Order">SQL of the order without $orderby where it is not the target's own.</param>
sealed record Navigation(
    string Name, string Target, bool Many, string Link, string Condition, bool Inherits, Joint? Joint = null, string? Table = null, string? Order = null)
{
    /// <summary>True if it leads to the Observations of one Datastream or MultiDatastream.</summary>
    public bool IsObservationsOfDatastream => Target == "Observations" && Condition == "{0}.datastream = {1}";

    /// <summary>The name as JSON, with the colon.</summary>
    public byte[] JsonName { get; } = Encoding.UTF8.GetBytes($"\"{Name}\":");

    /// <summary>SQL of the link in row <c>r</c>.</summary>
    public string SelectedLink { get; } = Model.Format(Link, "r");

    /// <summary>What stands before an entity's address in the link that leads on from it, as JSON.</summary>
    public byte[] LinkStart { get; } = Encoding.UTF8.GetBytes($"\"{Name}@iot.navigationLink\":\"");

    /// <summary>What stands behind it, with the comma.</summary>
    public byte[] LinkEnd { get; } = Encoding.UTF8.GetBytes($"/{Name}\",");
}

/// <summary>
/// Where a link is kept: of a single navigation in <paramref name="Column"/> of the own table; of a collection in <paramref name="Column"/> of the target's table,
/// or in <paramref name="Table"/> with <paramref name="Column"/> for here and <paramref name="Other"/> for there.
/// </summary>
/// <param name="Column">The column that holds the key.</param>
/// <param name="Mandatory">Without it there is no such entity.</param>
/// <param name="Table">The table between the two.</param>
/// <param name="Other">Its column with the target's key.</param>
/// <param name="Place">Its column with the target's place among the linked, from 0 on, where their order matters.</param>
sealed record Joint(string Column, bool Mandatory = false, string? Table = null, string? Other = null, string? Place = null);

/// <summary>An entity set of OGC SensorThings 1.1 (OGC 18-088 section 8, OGC 17-079r1 section 8) over its table.</summary>
/// <param name="Name">Plural, as in paths.</param>
/// <param name="Table">Its table.</param>
/// <param name="Id">SQL of the id as text, <c>{0}</c> is the row.</param>
/// <param name="Visible">SQL that row <c>{0}</c> may be seen by who may read the access classes in <c>$1</c>.</param>
/// <param name="Order">SQL of the order without $orderby, also what makes any order total.</param>
/// <param name="Properties">In the order they are written.</param>
/// <param name="Navigations">Where one can go from here.</param>
/// <param name="HasDataset">Has columns <c>dataset</c> and <c>access</c> of its own.</param>
sealed record EntitySet(
    string Name, string Table, string Id, string Visible, string[] Order, Property[] Properties, Navigation[] Navigations, bool HasDataset = true)
{
    /// <summary>What stands between the service's address and an id, in an entity's address.</summary>
    public byte[] AddressStart { get; } = Encoding.UTF8.GetBytes(Name + "(");

    /// <summary>SQL of what makes the id of row <c>r</c>: two columns.</summary>
    public string SelectedId { get; } = Name == "Observations" ? "r.datastream, r.time" : $"{Model.Format(Id, "r")}, r.quoted";

    public Property? Property(string name) => Array.Find(Properties, property => property.Name == name);

    public Navigation? Navigation(string name) => Array.Find(Navigations, navigation => navigation.Name == name);
}

/// <summary>The entity sets and how they hang together.</summary>
static class Model
{
    const string IsSingle = "{0}.multi_types IS NULL";
    const string IsMulti = "{0}.multi_types IS NOT NULL";
    const string ThingIsVisible = "EXISTS (SELECT 1 FROM thing v WHERE v.key = {0}.thing AND v.access = ANY($1))";

    /// <summary>phenomenonTimes come out of <c>latest</c>; resultTimes are not kept there.</summary>
    static readonly Property[] TimesOfDatastream =
    [
        new("phenomenonTime", PropertyKind.OptionalInterval,
            ["(SELECT l.first_time FROM latest l WHERE l.datastream = {0}.key)", "(SELECT coalesce(l.end_time, l.time) FROM latest l WHERE l.datastream = {0}.key)"],
            Joined: ("LEFT JOIN latest newest ON newest.datastream = {0}.key", ["newest.first_time", "coalesce(newest.end_time, newest.time)"])),
        new("resultTime", PropertyKind.OptionalInterval,
            ["(SELECT min(o.result_time) FROM observation o WHERE o.datastream = {0}.key)", "(SELECT max(o.result_time) FROM observation o WHERE o.datastream = {0}.key)"], OnDemand: true),
    ];

    static readonly Property ObservedArea = new("observedArea", PropertyKind.Json, ["(SELECT f.feature FROM feature f WHERE f.key = {0}.feature)"],
        "(SELECT f.geom FROM feature f WHERE f.key = {0}.feature)", Joined: ("LEFT JOIN feature area ON area.key = {0}.feature", ["area.feature"]));

    public static readonly EntitySet Things = new("Things", "thing", "{0}.id", "{0}.access = ANY($1)", ["{0}.key"],
        [Text("name"), Text("description"), Json("properties")],
        [
            new("Locations", "Locations", true, "{0}.key", "{0}.key IN (SELECT location FROM thing_location WHERE thing = {1})", true,
                new("thing", Table: "thing_location", Other: "location")),
            new("HistoricalLocations", "HistoricalLocations", true, "{0}.key", "{0}.thing = {1}", true, new("thing")),
            new("Datastreams", "Datastreams", true, "{0}.key", "{0}.thing = {1} AND " + IsSingle, false, new("thing")),
            new("MultiDatastreams", "MultiDatastreams", true, "{0}.key", "{0}.thing = {1} AND " + IsMulti, false, new("thing")),
            new("TaskingCapabilities", "TaskingCapabilities", true, "{0}.key", "{0}.thing = {1}", true, new("thing")),
        ]);

    public static readonly EntitySet Locations = new("Locations", "location", "{0}.id",
        "({0}.access = ANY($1) OR EXISTS (SELECT 1 FROM thing_location l JOIN thing v ON v.key = l.thing WHERE l.location = {0}.key AND v.access = ANY($1)))", ["{0}.key"],
        [Text("name"), Text("description"), Text("encodingType", "encoding_type"), new("location", PropertyKind.Json, ["{0}.location"], "{0}.geom", new("location", Shape.Geometry, true)), Json("properties")],
        [
            new("Things", "Things", true, "{0}.key", "{0}.key IN (SELECT thing FROM thing_location WHERE location = {1})", false,
                new("location", Table: "thing_location", Other: "thing")),
            new("HistoricalLocations", "HistoricalLocations", true, "{0}.key",
                "{0}.key IN (SELECT historical_location FROM historical_location_location WHERE location = {1})", false,
                new("location", Table: "historical_location_location", Other: "historical_location")),
        ]);

    public static readonly EntitySet HistoricalLocations = new("HistoricalLocations", "historical_location", "{0}.id", ThingIsVisible, ["{0}.key"],
        [new("time", PropertyKind.Time, ["{0}.time"], null, new("time", Shape.Time, true))],
        [
            new("Thing", "Things", false, "{0}.thing", "{0}.key = {1}", true, new("thing", true)),
            new("Locations", "Locations", true, "{0}.key", "{0}.key IN (SELECT location FROM historical_location_location WHERE historical_location = {1})", true,
                new("historical_location", Table: "historical_location_location", Other: "location")),
        ], HasDataset: false);

    public static readonly EntitySet Sensors = new("Sensors", "sensor", "{0}.id",
        "({0}.access = ANY($1) OR EXISTS (SELECT 1 FROM datastream v WHERE v.sensor = {0}.key AND v.access = ANY($1)))", ["{0}.key"],
        [Text("name"), Text("description"), Text("encodingType", "encoding_type"), Json("metadata", Shape.Any), Json("properties")],
        [
            new("Datastreams", "Datastreams", true, "{0}.key", "{0}.sensor = {1} AND " + IsSingle, false, new("sensor")),
            new("MultiDatastreams", "MultiDatastreams", true, "{0}.key", "{0}.sensor = {1} AND " + IsMulti, false, new("sensor")),
        ]);

    public static readonly EntitySet ObservedProperties = new("ObservedProperties", "observed_property", "{0}.id",
        "({0}.access = ANY($1) OR EXISTS (SELECT 1 FROM datastream v WHERE v.observed_property = {0}.key AND v.access = ANY($1)) OR EXISTS (SELECT 1 "
        + "FROM multi_datastream_observed_property m JOIN datastream v ON v.key = m.datastream WHERE m.observed_property = {0}.key AND v.access = ANY($1)))", ["{0}.key"],
        [Text("name"), Text("definition"), Text("description"), Json("properties")],
        [
            new("Datastreams", "Datastreams", true, "{0}.key", "{0}.observed_property = {1}", false, new("observed_property")),
            // A MultiDatastream is linked from its own side alone: only there the ObservedProperty's place among the others is known.
            new("MultiDatastreams", "MultiDatastreams", true, "{0}.key",
                "{0}.key IN (SELECT datastream FROM multi_datastream_observed_property WHERE observed_property = {1})", false),
        ]);

    public static readonly EntitySet Datastreams = new("Datastreams", "datastream", "{0}.id", IsSingle + " AND {0}.access = ANY($1)", ["{0}.key"],
        [
            Text("name"), Text("description"), Text("observationType", "observation_type"), Json("unitOfMeasurement", Shape.Object, "unit"), ObservedArea,
            .. TimesOfDatastream, Json("properties"),
        ],
        [
            new("Thing", "Things", false, "{0}.thing", "{0}.key = {1}", false, new("thing", true)),
            new("Sensor", "Sensors", false, "{0}.sensor", "{0}.key = {1}", true, new("sensor", true)),
            new("ObservedProperty", "ObservedProperties", false, "{0}.observed_property", "{0}.key = {1}", true, new("observed_property", true)),
            new("Observations", "Observations", true, "{0}.key", "{0}.datastream = {1}", true),
        ]);

    /// <summary>OGC 18-088 section 13: a Datastream whose results are arrays, each place with its unit, type and ObservedProperty.</summary>
    public static readonly EntitySet MultiDatastreams = new("MultiDatastreams", "datastream", "{0}.id", IsMulti + " AND {0}.access = ANY($1)", ["{0}.key"],
        [
            Text("name"), Text("description"), Text("observationType", "observation_type"), Json("multiObservationDataTypes", Shape.Array, "multi_types"),
            Json("unitOfMeasurements", Shape.Array, "unit"), ObservedArea, .. TimesOfDatastream, Json("properties"),
        ],
        [
            new("Thing", "Things", false, "{0}.thing", "{0}.key = {1}", false, new("thing", true)),
            new("Sensor", "Sensors", false, "{0}.sensor", "{0}.key = {1}", true, new("sensor", true)),
            new("ObservedProperties", "ObservedProperties", true, "{0}.key", "{0}.datastream = {1}", true,
                new("datastream", true, "multi_datastream_observed_property", "observed_property", "place"),
                "(SELECT p.*, m.datastream, m.place FROM multi_datastream_observed_property m JOIN observed_property p ON p.key = m.observed_property)", "{0}.place"),
            new("Observations", "Observations", true, "{0}.key", "{0}.datastream = {1}", true),
        ]);

    public static readonly EntitySet Observations = new("Observations", "observation", "({0}.datastream || '-' || (extract(epoch FROM {0}.time) * 1000000)::bigint)",
        "{0}.datastream IN (SELECT v.key FROM datastream v WHERE v.access = ANY($1))", ["{0}.datastream", "{0}.time"],
        [
            new("phenomenonTime", PropertyKind.Interval, ["{0}.time", "{0}.end_time"]),
            new("resultTime", PropertyKind.Time, ["{0}.result_time"]),
            new("result", PropertyKind.Result, ["{0}.value", "{0}.json"]),
            new("resultQuality", PropertyKind.Quality, ["{0}.quality", "{0}.extra -> 'resultQuality'"]),
            new("validTime", PropertyKind.Extra, ["{0}.extra -> 'validTime'"]),
            new("parameters", PropertyKind.Extra, ["{0}.extra -> 'parameters'"]),
        ],
        [
            new("Datastream", "Datastreams", false, "{0}.datastream", "{0}.key = {1} AND " + IsSingle, true),
            new("MultiDatastream", "MultiDatastreams", false, "{0}.datastream", "{0}.key = {1} AND " + IsMulti, true),
            new("FeatureOfInterest", "FeaturesOfInterest", false, "coalesce({0}.feature, (SELECT d.feature FROM datastream d WHERE d.key = {0}.datastream))", "{0}.key = {1}", true),
        ], HasDataset: false);

    public static readonly EntitySet FeaturesOfInterest = new("FeaturesOfInterest", "feature", "{0}.id", "{0}.access = ANY($1)", ["{0}.key"],
        [Text("name"), Text("description"), Text("encodingType", "encoding_type"), new("feature", PropertyKind.Json, ["{0}.feature"], "{0}.geom", new("feature", Shape.Geometry, true)), Json("properties")],
        [
            new("Observations", "Observations", true, "{0}.key",
                "({0}.feature = {1} OR ({0}.feature IS NULL AND {0}.datastream IN (SELECT d.key FROM datastream d WHERE d.feature = {1})))", false),
        ]);

    /// <summary>OGC 17-079r1 section 8.1: what a Thing can be told to do, and with which parameters.</summary>
    public static readonly EntitySet TaskingCapabilities = new("TaskingCapabilities", "tasking_capability", "{0}.id", ThingIsVisible, ["{0}.key"],
        [Text("name"), Text("description"), Json("properties"), Json("taskingParameters", Shape.Object, "parameters")],
        [
            new("Thing", "Things", false, "{0}.thing", "{0}.key = {1}", true, new("thing", true)),
            new("Actuator", "Actuators", false, "{0}.actuator", "{0}.key = {1}", true, new("actuator", true)),
            new("Tasks", "Tasks", true, "{0}.key", "{0}.capability = {1}", false, new("capability")),
        ], HasDataset: false);

    /// <summary>OGC 17-079r1 section 8.3: what carries it out.</summary>
    public static readonly EntitySet Actuators = new("Actuators", "actuator", "{0}.id",
        "({0}.access = ANY($1) OR EXISTS (SELECT 1 FROM tasking_capability c JOIN thing v ON v.key = c.thing WHERE c.actuator = {0}.key AND v.access = ANY($1)))", ["{0}.key"],
        [Text("name"), Text("description"), Text("encodingType", "encoding_type"), Json("metadata", Shape.Any), Json("properties")],
        [new("TaskingCapabilities", "TaskingCapabilities", true, "{0}.key", "{0}.actuator = {1}", false, new("actuator"))]);

    /// <summary>
    /// OGC 17-079r1 section 8.2: what a Thing was told. For those alone who may tell it something (<see cref="Tasking.TaskingRights"/>). <c>status</c>, beyond the
    /// standard, says what has become of it.
    /// </summary>
    public static readonly EntitySet Tasks = new("Tasks", "task", "{0}.id",
        $"('{Contracts.Access.Tells}' = ANY($1) AND {{0}}.capability IN (SELECT c.key FROM tasking_capability c JOIN thing v ON v.key = c.thing WHERE v.access = ANY($1)))", ["{0}.key"],
        [
            Json("taskingParameters", Shape.Object, "parameters"), new("creationTime", PropertyKind.Time, ["{0}.created"]), new("status", PropertyKind.Json, ["{0}.status"]),
        ],
        [new("TaskingCapability", "TaskingCapabilities", false, "{0}.capability", "{0}.key = {1}", true, new("capability", true))], HasDataset: false);

    /// <summary>All sets, in the order of the root document.</summary>
    public static readonly EntitySet[] Sets =
    [
        Things, Locations, HistoricalLocations, Datastreams, MultiDatastreams, Sensors, ObservedProperties, Observations, FeaturesOfInterest, TaskingCapabilities, Actuators, Tasks,
    ];

    static readonly Dictionary<string, EntitySet> ByName = Sets.ToDictionary(set => set.Name, StringComparer.Ordinal);

    public static EntitySet? Find(string name) => ByName.GetValueOrDefault(name);

    public static EntitySet TargetOf(Navigation navigation) => ByName[navigation.Target];

    /// <summary>What stands in FROM for what <paramref name="navigation"/> leads to.</summary>
    public static string TableOf(Navigation navigation) => navigation.Table ?? TargetOf(navigation).Table;

    /// <summary>SQL that Observation <c>{0}</c> is one of a MultiDatastream; asked of many rows at once it is looked up once.</summary>
    public const string IsOfMulti = "{0}.datastream IN (SELECT v.key FROM datastream v WHERE v.multi_types IS NOT NULL)";

    static Property Text(string name, string? column = null) => new(name, PropertyKind.Text, ["{0}." + (column ?? name)], null, new(column ?? name, Shape.Text, true));

    /// <summary>An optional object, or something mandatory of another shape.</summary>
    static Property Json(string name, Shape? shape = null, string? column = null) =>
        new(name, PropertyKind.Json, ["{0}." + (column ?? name)], null, new(column ?? name, shape ?? Shape.Object, shape is not null));

    /// <summary>Fills the row's name (and the link) into a piece of SQL of the model.</summary>
    public static string Format(string sql, string row, string link = "") =>
        sql.Replace("{0}", row, StringComparison.Ordinal).Replace("{1}", link, StringComparison.Ordinal);
}
