namespace ContentTree.Store.Protocol;

/// <summary>Black boxes of one device, newest first.</summary>
public sealed record BlackBoxList(IReadOnlyList<BlackBoxInfo> Boxes);

/// <param name="Deployment">The deployment that failed.</param>
/// <param name="Time">When the server got it.</param>
/// <param name="Text">The box; absent in a list.</param>
public sealed record BlackBoxInfo(string Deployment, DateTimeOffset Time, string? Text = null);
