using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What decisions about a device look at.</summary>
/// <param name="Id">Who.</param>
/// <param name="Branch">What it follows.</param>
/// <param name="Running">What it runs.</param>
/// <param name="Wanted">What it will boot, if another.</param>
/// <param name="Failed">The newest commit that failed there.</param>
/// <param name="Policy">What was said of this device alone.</param>
/// <param name="Groups">Its groups.</param>
/// <param name="Offers">What became of it in rollouts.</param>
/// <param name="Refused">Commits that failed there.</param>
internal sealed record FleetDevice(
    KeyId Id, BranchName Branch, ObjectId? Running, ObjectId? Wanted, ObjectId? Failed, Policy? Policy, IReadOnlyList<GroupName> Groups,
    IReadOnlyDictionary<long, string> Offers, IReadOnlySet<ObjectId> Refused);
