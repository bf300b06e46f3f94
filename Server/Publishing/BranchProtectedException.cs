using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing;

/// <summary>A protected branch does not do that (exit code 12).</summary>
internal sealed class BranchProtectedException(BranchName branch)
    : Exception($"branch {branch} is protected: it goes to what another branch is at ('branch promote') or back to where it was ('branch revert'), and is not deleted; 'branch unprotect {branch}' ends that");
