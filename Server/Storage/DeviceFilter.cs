using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>Which devices a list shows; null and nothing mean all.</summary>
/// <param name="Text">Part of a name, an id, a serial or a hardware.</param>
/// <param name="Sync">The word for how they stand as of their last poll; empty for those that have none.</param>
/// <param name="SeenBefore">Those that were last heard of before.</param>
/// <param name="SeenSince">Those that were heard of since, or never.</param>
internal sealed record DeviceFilter(
    string Text = "", BranchName? Branch = null, DeviceState? State = null, ObjectId? Running = null, DeviceMark Mark = DeviceMark.None,
    string? Sync = null, DateTimeOffset? SeenBefore = null, DateTimeOffset? SeenSince = null);
