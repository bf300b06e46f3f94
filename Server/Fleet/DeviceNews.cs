using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet;

/// <summary>What a device is to hear, signed for it alone.</summary>
/// <param name="Assignment">What it is to do; null when it knows, or there is nothing to tell.</param>
/// <param name="Configuration">All its values; null when it has them, or there is nothing to tell.</param>
internal readonly record struct DeviceNews(RawJson? Assignment, RawJson? Configuration);
