using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>Which devices a list shows; null and nothing mean all.</summary>
/// <param name="Text">Part of a name, an id, a serial or a hardware.</param>
/// <param name="Sync">The word for how they stand as of their last poll; empty for those that have none.</param>
/// <param name="IsSilent">Those that are silent, or those that are not.</param>
/// <param name="Groups">Those of these.</param>
/// <param name="Condition">What else has to be true, in the language of filters.</param>
internal sealed record DeviceFilter(
    string Text = "", BranchName? Branch = null, DeviceState? State = null, ObjectId? Running = null, DeviceMark Mark = DeviceMark.None,
    string? Sync = null, bool? IsSilent = null, IReadOnlyList<string>? Groups = null, FleetFilter? Condition = null);
