using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>Devices that would be told to run another commit.</summary>
/// <param name="Devices">How many.</param>
/// <param name="From">What they should run now; absent when nothing in particular.</param>
/// <param name="To">What they would be told to run.</param>
public sealed record PolicyChange(long Devices, ObjectId? From, ObjectId? To);
