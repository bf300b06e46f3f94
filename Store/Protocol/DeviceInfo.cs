using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A device as the server knows it.</summary>
/// <param name="Id">Its first key's id.</param>
/// <param name="Name">The name it gave.</param>
/// <param name="State">Whether it is let in.</param>
/// <param name="Hardware">The hardware it said it is.</param>
/// <param name="Architecture">Its processor architecture.</param>
/// <param name="Branch">The branch it follows.</param>
/// <param name="Enrolled">When it first came.</param>
/// <param name="LastSeen">When it last polled.</param>
/// <param name="Running">The commit it runs.</param>
/// <param name="Wanted">The commit it will boot, if another.</param>
/// <param name="Failed">The newest commit that failed there.</param>
/// <param name="Boot">The boot file's state.</param>
/// <param name="Sequence">The highest sequence it has seen.</param>
/// <param name="LastEvent">What it last reported.</param>
/// <param name="Target">The commit its branch is at, which it should run.</param>
/// <param name="Hold">It was told on the device not to take updates.</param>
/// <param name="Events">Its newest events, newest first; only when one device is asked for.</param>
/// <param name="Assignment">What it was told to do other than to follow its branch; absent when nothing.</param>
/// <param name="Allowed">Private branches that it may have; only when one device is asked for.</param>
/// <param name="Serial">What it says is printed on its board.</param>
/// <param name="Conflicts">Other keys with the same serial that were not rejected.</param>
/// <param name="Cloned">When two places were last seen to use its key; accepting it again forgets that.</param>
/// <param name="Fork">The position at which it has another commit than this server; accepting it again forgets that.</param>
/// <param name="Decision">Who says what it should run, and why it does not.</param>
/// <param name="Sync">Beside its target: <c>in-sync</c>, <c>updating</c>, <c>behind</c>, <c>fell-back</c>, <c>held</c> or <c>ahead</c>; absent before it has polled.</param>
/// <param name="Health"><c>ok</c>, <c>trial</c>, <c>fell-back</c>, <c>failed</c> or <c>silent</c>; absent before it has polled.</param>
/// <param name="Groups">The groups it is in, those that decide first come first.</param>
/// <param name="Labels">What people wrote on it.</param>
/// <param name="IsAhead">It has seen a later position of its branch than this server, which was restored from a backup.</param>
/// <param name="KeyChanged">When it first signed with the key it has now; absent while it has its first.</param>
/// <param name="Developer">It also takes what developer keys sign.</param>
/// <param name="Key">The id of the key it has now, as <c>ctree key show</c> prints it; only when one device is asked for.</param>
/// <param name="Silent">Since when the server counts it as silent; absent while it speaks.</param>
/// <param name="Inventory">What it is made of and how full it is, as it last said.</param>
/// <param name="Told">When it said that.</param>
/// <param name="Address">From where it last polled; of several behind one router the router's.</param>
/// <param name="Drift">How its <c>/etc</c> differs from its tree's, as it last said; with paths only when one device is asked for.</param>
/// <param name="DriftTold">When it said that.</param>
public sealed record DeviceInfo(
    KeyId Id,
    string Name,
    DeviceState State,
    string Hardware,
    string Architecture,
    BranchName Branch,
    DateTimeOffset Enrolled,
    DateTimeOffset? LastSeen = null,
    ObjectId? Running = null,
    ObjectId? Wanted = null,
    ObjectId? Failed = null,
    string? Boot = null,
    long Sequence = 0,
    ReportEvent? LastEvent = null,
    ObjectId? Target = null,
    bool? Hold = null,
    IReadOnlyList<ReportEvent>? Events = null,
    AssignmentInfo? Assignment = null,
    IReadOnlyList<BranchName>? Allowed = null,
    string? Serial = null,
    IReadOnlyList<KeyId>? Conflicts = null,
    DateTimeOffset? Cloned = null,
    long? Fork = null,
    bool? IsAhead = null,
    DecisionInfo? Decision = null,
    string? Sync = null,
    string? Health = null,
    IReadOnlyList<string>? Groups = null,
    IReadOnlyDictionary<string, string>? Labels = null,
    DateTimeOffset? KeyChanged = null,
    bool? Developer = null,
    KeyId? Key = null,
    DateTimeOffset? Silent = null,
    DeviceInventory? Inventory = null,
    DateTimeOffset? Told = null,
    string? Address = null,
    DeviceDrift? Drift = null,
    DateTimeOffset? DriftTold = null);
