using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

/// <summary>Whether a device is let in.</summary>
[JsonConverter(typeof(DeviceStateConverter))]
public enum DeviceState
{
    /// <summary>Enrolled, waiting for a person.</summary>
    Pending,

    /// <summary>Let in.</summary>
    Accepted,

    /// <summary>Turned away.</summary>
    Rejected,
}
