using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>How the running deployment's <c>/etc</c> differs from its tree's, as last looked at. <c>state/drift.json</c>.</summary>
/// <param name="Time">When that was.</param>
/// <param name="Boot">In which boot, and of which deployment.</param>
/// <param name="Found">What was found; null when there was nothing to compare.</param>
/// <param name="Told">What the server has said it keeps.</param>
/// <param name="IsNews">It is to be told with the next poll.</param>
internal sealed record DriftState(DateTimeOffset Time = default, string Boot = "", DeviceDrift? Found = null, DeviceDrift? Told = null, bool IsNews = false)
{
    public string Schema { get; init; } = "ctree.drift/1";
}
