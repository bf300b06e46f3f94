using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a device runs and what it knows, in as few bytes as say it. Who it is stands in the signature.</summary>
/// <param name="Branch">The branch it follows.</param>
/// <param name="Boot">The boot file's state: <c>trial</c>, <c>good</c> or <c>fallback</c>; empty before the first deployment.</param>
/// <param name="Root">The version of the trust root it has.</param>
/// <param name="Sequence">The highest sequence seen on the branch; 0 if none.</param>
/// <param name="Head">The id of the newest head file it has; absent if none.</param>
/// <param name="Running">The commit it runs; absent if none.</param>
/// <param name="Wanted">The commit it will boot; absent if it is the running one.</param>
/// <param name="Failed">The newest commit that failed here; absent if none.</param>
/// <param name="Hold">It is held on the device and will not take an update.</param>
/// <param name="Reports">The number of the newest report event the device has made, so that the server sees gaps.</param>
/// <param name="Assignment">The counter of the assignment it has; absent if none.</param>
/// <param name="BootId">Eight hex digits that are others after each boot: a key that two devices use shows by them.</param>
/// <param name="Kept">
/// The first <see cref="KeptDigits"/> digits of other commits that are deployed here, those first that it would fall back to, at most
/// <see cref="MaxKept"/>; absent if none. The server keeps them.
/// </param>
/// <param name="Developer">It also takes what developer keys sign; absent on all but development units.</param>
/// <param name="Inventory">What it is made of and how full it is; absent when nothing of that has changed noticeably since it was last said.</param>
/// <param name="Configuration">The counter of the configuration it has; absent if none.</param>
/// <param name="Applied">The counter of the one that is in place; absent if that is the same.</param>
/// <param name="Drift">How its <c>/etc</c> differs from its tree's; absent when that was said already.</param>
public sealed record PollRequest(
    BranchName Branch,
    string Boot,
    long Root,
    long Sequence,
    ObjectId? Head = null,
    ObjectId? Running = null,
    ObjectId? Wanted = null,
    ObjectId? Failed = null,
    bool? Hold = null,
    long? Reports = null,
    long? Assignment = null,
    string? BootId = null,
    IReadOnlyList<string>? Kept = null,
    bool? Developer = null,
    DeviceInventory? Inventory = null,
    long? Configuration = null,
    long? Applied = null,
    DeviceDrift? Drift = null)
{
    /// <summary>Digits by which a kept commit is named: no two commits of a server begin with the same.</summary>
    public const int KeptDigits = 16;

    /// <summary>Kept commits in one request.</summary>
    public const int MaxKept = 8;
}
