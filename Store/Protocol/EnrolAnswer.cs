using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>What became of an enrolment; the same request again gets the present state.</summary>
/// <param name="Device">The device's id.</param>
/// <param name="State">Pending until a person or a token accepts it.</param>
/// <param name="Fingerprint">The server's root fingerprint, to compare with the device's own.</param>
public sealed record EnrolAnswer(KeyId Device, DeviceState State, string Fingerprint);
