using Allmende.Contracts;
using Allmende.Observations.SensorThings.Writes;

namespace Allmende.Observations.SensorThings.Tasking;

/// <summary>
/// Who sees and makes Tasks: the roles that may send something to devices (<see cref="Roles.OfActuators"/>). A Task says who switched what, and when: that is not the
/// public's, nor everybody's who may read what a device measures. The right stands among the access classes that every query gets, so that it holds at every level,
/// in filters and counts too.
/// </summary>
static class TaskingRights
{
    static readonly EntitySet[] Sets = [Model.TaskingCapabilities, Model.Actuators, Model.Tasks];

    /// <summary>The access classes that the caller may read in the path's municipality, and <see cref="Access.Tells"/> where they have the right.</summary>
    public static string[] SensorThingsAccess(this HttpContext context) => Access.OfSensorThings(context.User, (string)context.GetRouteValue("municipality")!);

    /// <summary>Refuses who may not make or change what can be told to devices, and what they are told.</summary>
    /// <exception cref="SensorThingsException">403.</exception>
    public static void RequireTelling(this WriteRights rights, EntitySet set)
    {
        if (Sets.Contains(set) && !rights.Access.Contains(Access.Tells))
            throw new SensorThingsException(403, $"{set.Name} are made, changed and deleted by the roles {string.Join(" and ", Roles.OfActuators)} alone");
    }
}
