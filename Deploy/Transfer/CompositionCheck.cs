using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Whether a commit that composition keys have signed is made of parts that release keys have signed, and of nothing else. Before its
/// content is fetched: the parts' heads, their commits and the few directories in which parts were put are enough to make its tree again.
/// </summary>
internal sealed class CompositionCheck(Device device, Sources sources, TransferCounters counters)
{
    private readonly RepositoryClient _repository = new(sources);
    private readonly Dictionary<ObjectId, Commit> _commits = [];
    private readonly Dictionary<ObjectId, Tree> _trees = [];

    /// <exception cref="VerificationException">It is not; says why.</exception>
    public async Task RequireAsync(ObjectId id, Commit commit, CancellationToken cancellation)
    {
        var what = $"commit {id}";
        try
        {
            var composition = Composition.Of(commit) ?? throw new FormatException("it is composed of nothing");
            foreach (var input in composition.Inputs)
                await RequireReleasedAsync(input, cancellation).ConfigureAwait(false);
            await FetchProofAsync(composition, cancellation).ConfigureAwait(false);
            var expected = composition.Compose(part => _commits[part], part => _trees[part], tree => ObjectId.Of(tree.Encode()));
            if (!Composition.Follows(commit, expected))
                throw new FormatException("its parts come to something else");
        }
        catch (FormatException e)
        {
            throw new VerificationException(what, VerificationFailure.NotComposed, e.Message);
        }
    }

    private async Task RequireReleasedAsync(CompositionInput input, CancellationToken cancellation)
    {
        var what = $"head {input.Sequence} of {input.Branch}";
        var bytes = await _repository.TryGetArchivedHeadAsync(input.Branch, input.Sequence, cancellation).ConfigureAwait(false)
            ?? throw new StoppedException(ExitCode.NotFound, $"there is no {what}, which is to prove a part of a composed commit; it may be private ('ctree-server device allow')");
        var head = device.Trust.Root().VerifyHead(bytes, input.Branch);
        if (!head.IsReleased)
            throw new VerificationException(what, VerificationFailure.NotSigned, "release keys have not signed it, so it is no part for anything");
        if (head.Commit != input.Commit || head.Sequence != input.Sequence)
            throw new VerificationException(what, VerificationFailure.Conflict, $"it is about commit {head.Commit}, not {input.Commit}");
    }

    // Each round may show which directories are next.
    private async Task FetchProofAsync(Composition composition, CancellationToken cancellation)
    {
        for (var missing = Missing(composition); missing.Count > 0; missing = Missing(composition))
        {
            foreach (var name in missing)
                await FetchAsync(name, cancellation).ConfigureAwait(false);
        }
    }

    private List<ObjectName> Missing(Composition composition)
    {
        var missing = new List<ObjectName>();
        composition.Visit(
            name =>
            {
                if (name.Kind == ObjectKind.Commit ? !_commits.ContainsKey(name.Id) : !_trees.ContainsKey(name.Id))
                    missing.Add(name);
            },
            _commits.GetValueOrDefault, _trees.GetValueOrDefault);
        return [.. missing.Distinct()];
    }

    private async Task FetchAsync(ObjectName name, CancellationToken cancellation)
    {
        if (name.Kind == ObjectKind.Commit)
            _commits[name.Id] = Commit.Decode(await _repository.GetObjectAsync(name, Repository.MaxCommitBytes, counters, cancellation).ConfigureAwait(false), name.Id);
        else
            _trees[name.Id] = device.Store.ContainsTree(name.Id) ? device.Store.ReadTree(name.Id)
                : Tree.Decode(await _repository.GetObjectAsync(name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false));
    }
}
