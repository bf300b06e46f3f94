using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>Black boxes of one device, newest first.</summary>
public sealed record BlackBoxList(IReadOnlyList<BlackBoxInfo> Boxes);

/// <param name="Deployment">The deployment that failed.</param>
/// <param name="Time">When the server got it.</param>
/// <param name="Text">The box; absent in a list.</param>
/// <param name="Commit">The commit that failed; absent where the device did not name it.</param>
public sealed record BlackBoxInfo(string Deployment, DateTimeOffset Time, string? Text = null, ObjectId? Commit = null);
