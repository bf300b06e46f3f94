using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>What a device is to be told, signed and not yet written down.</summary>
/// <param name="Action">As people say it: "ceiling" too, which the device hears as something else.</param>
internal sealed record SignedAssignment(AssignmentStatement Statement, string Action, Envelope Signed);
