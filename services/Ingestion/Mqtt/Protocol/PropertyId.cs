namespace Allmende.Ingestion.Mqtt.Protocol;

/// <summary>MQTT 5.0, 2.2.2.2.</summary>
enum PropertyId : byte
{
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQos = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
}

/// <summary>How a property's value is written.</summary>
enum PropertyKind
{
    None,
    Byte,
    UInt16,
    UInt32,
    VariableInteger,
    Text,
    Binary,
    TextPair,
}

/// <summary>What the standard says of each property: its kind, and which packets may carry it, as a bit set over <see cref="PropertyId"/>.</summary>
static class PropertyTable
{
    public static readonly ulong Connect = Set(
        PropertyId.SessionExpiryInterval, PropertyId.ReceiveMaximum, PropertyId.MaximumPacketSize, PropertyId.TopicAliasMaximum, PropertyId.RequestResponseInformation,
        PropertyId.RequestProblemInformation, PropertyId.UserProperty, PropertyId.AuthenticationMethod, PropertyId.AuthenticationData);

    public static readonly ulong Will = Set(
        PropertyId.WillDelayInterval, PropertyId.PayloadFormatIndicator, PropertyId.MessageExpiryInterval, PropertyId.ContentType, PropertyId.ResponseTopic,
        PropertyId.CorrelationData, PropertyId.UserProperty);

    public static readonly ulong ConnAck = Set(
        PropertyId.SessionExpiryInterval, PropertyId.ReceiveMaximum, PropertyId.MaximumQos, PropertyId.RetainAvailable, PropertyId.MaximumPacketSize,
        PropertyId.AssignedClientIdentifier, PropertyId.TopicAliasMaximum, PropertyId.ReasonString, PropertyId.UserProperty, PropertyId.WildcardSubscriptionAvailable,
        PropertyId.SubscriptionIdentifierAvailable, PropertyId.SharedSubscriptionAvailable, PropertyId.ServerKeepAlive, PropertyId.ResponseInformation,
        PropertyId.ServerReference, PropertyId.AuthenticationMethod, PropertyId.AuthenticationData);

    public static readonly ulong PublishToServer = Set(
        PropertyId.PayloadFormatIndicator, PropertyId.MessageExpiryInterval, PropertyId.TopicAlias, PropertyId.ResponseTopic, PropertyId.CorrelationData,
        PropertyId.UserProperty, PropertyId.ContentType);

    public static readonly ulong PublishToClient = PublishToServer | Set(PropertyId.SubscriptionIdentifier);

    /// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK.</summary>
    public static readonly ulong Acknowledgement = Set(PropertyId.ReasonString, PropertyId.UserProperty);

    public static readonly ulong Subscribe = Set(PropertyId.SubscriptionIdentifier, PropertyId.UserProperty);

    public static readonly ulong Unsubscribe = Set(PropertyId.UserProperty);

    public static readonly ulong Disconnect = Set(PropertyId.SessionExpiryInterval, PropertyId.ReasonString, PropertyId.UserProperty, PropertyId.ServerReference);

    static readonly PropertyKind[] Kinds = MakeKinds();

    public static bool Has(ulong set, uint id) => id < 64 && (set >> (int)id & 1) != 0;

    public static PropertyKind KindOf(uint id) => id < (uint)Kinds.Length ? Kinds[id] : PropertyKind.None;

    /// <summary>Whether a property may stand more than once in a packet.</summary>
    public static bool IsRepeatable(PropertyId id) => id is PropertyId.UserProperty or PropertyId.SubscriptionIdentifier;

    /// <summary>Whether a number is one that the property may have.</summary>
    public static bool Allows(PropertyId id, uint value) => id switch
    {
        PropertyId.PayloadFormatIndicator or PropertyId.RequestProblemInformation or PropertyId.RequestResponseInformation or PropertyId.MaximumQos
            or PropertyId.RetainAvailable or PropertyId.WildcardSubscriptionAvailable or PropertyId.SubscriptionIdentifierAvailable
            or PropertyId.SharedSubscriptionAvailable => value <= 1,
        PropertyId.ReceiveMaximum or PropertyId.MaximumPacketSize or PropertyId.SubscriptionIdentifier => value > 0,
        _ => true,
    };

    static ulong Set(params ReadOnlySpan<PropertyId> ids)
    {
        var set = 0UL;
        foreach (var id in ids) set |= 1UL << (int)id;
        return set;
    }

    static PropertyKind[] MakeKinds()
    {
        var kinds = new PropertyKind[(int)PropertyId.SharedSubscriptionAvailable + 1];
        void Are(PropertyKind kind, params ReadOnlySpan<PropertyId> ids)
        {
            foreach (var id in ids) kinds[(int)id] = kind;
        }
        Are(PropertyKind.Byte, PropertyId.PayloadFormatIndicator, PropertyId.RequestProblemInformation, PropertyId.RequestResponseInformation, PropertyId.MaximumQos,
            PropertyId.RetainAvailable, PropertyId.WildcardSubscriptionAvailable, PropertyId.SubscriptionIdentifierAvailable, PropertyId.SharedSubscriptionAvailable);
        Are(PropertyKind.UInt16, PropertyId.ServerKeepAlive, PropertyId.ReceiveMaximum, PropertyId.TopicAliasMaximum, PropertyId.TopicAlias);
        Are(PropertyKind.UInt32, PropertyId.MessageExpiryInterval, PropertyId.SessionExpiryInterval, PropertyId.WillDelayInterval, PropertyId.MaximumPacketSize);
        Are(PropertyKind.VariableInteger, PropertyId.SubscriptionIdentifier);
        Are(PropertyKind.Text, PropertyId.ContentType, PropertyId.ResponseTopic, PropertyId.AssignedClientIdentifier, PropertyId.AuthenticationMethod,
            PropertyId.ResponseInformation, PropertyId.ServerReference, PropertyId.ReasonString);
        Are(PropertyKind.Binary, PropertyId.CorrelationData, PropertyId.AuthenticationData);
        Are(PropertyKind.TextPair, PropertyId.UserProperty);
        return kinds;
    }
}
