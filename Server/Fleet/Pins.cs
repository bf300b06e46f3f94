using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet;

/// <summary>What an assignment means for what a device should run.</summary>
internal static class Pins
{
    /// <summary>The commit that a device is pinned to; null when it is to follow its branch.</summary>
    public static ObjectId? PinnedAt(this DeviceInfo device, TimeProvider time) =>
        device.Assignment is { Commit: { } commit } told && told.Expires > time.GetUtcNow() ? commit : null;
}
