using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing;

/// <summary>On branches of versions a version is published once, so that its name says what it is for ever.</summary>
internal sealed class VersionPolicy(DataDirectory data, Branches branches)
{
    /// <exception cref="BranchMovedException">The branch has the version with another tree.</exception>
    /// <exception cref="FormatException">The commit has none.</exception>
    public void Require(BranchName branch, Commit commit)
    {
        if (!ServerSettings.Load(data.Path).HasVersionsOnce(branch) || commit.Version == PublishOptions.DevelopmentVersion)
            return;
        if (commit.Version.Length == 0)
            throw new FormatException($"{branch} keeps versions ({ServerSettings.FileName}): publish with --version, or with --version {PublishOptions.DevelopmentVersion} to try something out");
        foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch).Reverse())
        {
            if (branches.ReadArchived(branch, sequence) is { } head && data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)) &&
                data.Repository.ReadCommit(head.Commit) is { } other && other.Version == commit.Version && other.Tree != commit.Tree)
                throw new BranchMovedException($"{branch} has a version {commit.Version} already, at sequence {sequence}, with other content; publish this one under another version");
        }
    }
}
