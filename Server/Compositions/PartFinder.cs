using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Compositions;

/// <summary>Finds what the lines of recipes ask for. It sees every branch at one place, as long as it lives.</summary>
internal sealed class PartFinder(DataDirectory data, Branches branches)
{
    private readonly TrustRoot _root = data.Trust.Load();
    private readonly Dictionary<(BranchName, string?), (long Sequence, ObjectId Id, Commit Commit)?> _found = [];

    /// <summary>The parts of one branch of a recipe, those above others first, so the base first of all.</summary>
    /// <exception cref="NotFoundException">A line that may not be left out finds nothing.</exception>
    public IReadOnlyList<Part> Find(Recipe recipe, string instance)
    {
        var parts = new List<Part>();
        foreach (var line in recipe.Lines.OrderBy(line => line.Path.Names.Count))
        {
            var branch = line.BranchOf(instance);
            if (Find(branch, line.Version) is var (sequence, id, commit))
                parts.Add(new Part(line.Path, branch, sequence, id, commit));
            else if (!line.IsOptional)
                throw new NotFoundException(line.Version is { } version ? $"no version {version} of {branch}" : $"nothing for the fleet on branch {branch}");
        }
        return parts;
    }

    /// <summary>Whether a head still proves a part: release keys of the present root have signed it, and its commit is there.</summary>
    public bool IsProved(CompositionInput input) => Read(input.Branch, input.Sequence) is { } read && read.Id == input.Commit;

    // A version is what its newest position says; what is for development is taken only by that name.
    private (long Sequence, ObjectId Id, Commit Commit)? Find(BranchName branch, string? version)
    {
        if (_found.TryGetValue((branch, version), out var known))
            return known;
        (long Sequence, ObjectId Id, Commit Commit)? found = null;
        if (branches.Read(branch).Head is { } newest)
        {
            found = data.Repository.Heads.ArchivedSequences(branch).Where(s => s <= newest.Sequence).Reverse().Select(sequence => Read(branch, sequence))
                .FirstOrDefault(read => read is var (_, _, commit) && (version is null ? commit.Kind == CommitKind.Release : commit.Version == version));
        }
        _found.Add((branch, version), found);
        return found;
    }

    // What dismissed keys have signed, devices refuse; what garbage collection has taken is no version any more.
    private (long Sequence, ObjectId Id, Commit Commit)? Read(BranchName branch, long sequence)
    {
        try
        {
            return data.Repository.Heads.ReadArchived(branch, sequence) is { } bytes && _root.VerifyHead(bytes, branch) is { IsReleased: true } head &&
                data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)) ? (sequence, head.Commit, data.Repository.ReadCommit(head.Commit)) : null;
        }
        catch (VerificationException)
        {
            return null;
        }
    }
}
